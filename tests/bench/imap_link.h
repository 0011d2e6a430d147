/* SPDX-License-Identifier: MIT */
/*
 * imap_link: one IMAP connection of a load generator, blocking.
 *
 * A response comes as one line, the octets of its literals left out and
 * counted instead.  What the protocol forbids, a lost connection, or a
 * command that is not answered by OK ends the program with a sentence.
 */
#ifndef BENCH_IMAP_LINK_H
#define BENCH_IMAP_LINK_H

#include "common/util/buf.h"

struct imap_link {
	int fd;
	unsigned tag;
	struct buf in; /* what has come; from `at' on it is unread */
	size_t at;
	struct buf line; /* a response of several pieces */
	uint64_t octets; /* all that came */
};

struct imap_response {
	struct str line;   /* valid until the next one is read */
	size_t n_literals; /* in it, */
	uint64_t literals; /* their octets */
};

/* Connect and take the greeting. */
void link_open(struct imap_link *l, const char *address_port);
void link_close(struct imap_link *l);

/* LOGIN; LOGOUT and what follows it. */
void link_login(struct imap_link *l, struct str user, const char *password);
void link_logout(struct imap_link *l);

void link_send(struct imap_link *l, struct str text);

/* "tag " and the command and CRLF. */
void link_command(struct imap_link *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The next untagged response; false: the command's tagged OK came instead
 * (r has it). */
bool link_next(struct imap_link *l, struct imap_response *r);

/* Read the answer of a command; how many untagged responses there were. */
size_t link_finish(struct imap_link *l);

/* Is it "* N NAME ..."?  Its number, and the rest after NAME. */
bool link_is(const struct imap_response *r, const char *name, uint64_t *number,
    struct str *rest);

#endif
