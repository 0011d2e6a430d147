/* SPDX-License-Identifier: MIT */
/*
 * child: libunbound in a process of its own, and all that is to be known
 * about it.  Only resolver.c uses this.
 *
 * The process is forked by dns_child_new() and has everything the parent had
 * then: memory and open files.  It ends when the parent's end of the pipe is
 * closed, thus also when the parent dies.
 *
 * SIGPIPE is ignored in the parent from then on: libunbound writes to the
 * pipe of a child that may be dead.
 */
#ifndef DNS_CHILD_H
#define DNS_CHILD_H

#include "common/dns/resolver.h"

struct dns_child;

/* One question, part of what the resolver keeps of it: it must stay where it
 * is until answered or cancelled. */
struct dns_asked {
	resolver_answer *fn;
	void *arg;
	int id; /* libunbound's */
};

struct dns_child *dns_child_new(
    const struct resolver_options *o, struct fail *f);

/* Wait for it, and for the child's end.  No answers will come. */
void dns_child_free(struct dns_child *c);

/* Readable when there are answers, or when the child is dead. */
int dns_child_fd(const struct dns_child *c);

/* Calls fn of every question answered.  -1: the child is dead. */
int dns_child_read(struct dns_child *c, struct fail *f);

/* -1: the child is dead. */
int dns_child_ask(struct dns_child *c, const char *name, enum dns_type type,
    struct dns_asked *q, struct fail *f);
void dns_child_cancel(struct dns_child *c, const struct dns_asked *q);

#endif
