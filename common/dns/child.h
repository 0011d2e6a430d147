/* SPDX-License-Identifier: MIT */
/*
 * child: libunbound in a process of its own (child_server.h), seen from the
 * daemon.  Only resolver.c uses this.
 *
 * That process is forked by dns_child_new() and has what memory the parent had
 * then, but none of its open files.  If it dies it is started again without the
 * parent's doing, and what it had been asked is answered with DNS_TEMPFAIL.
 * Should somebody kill what starts it (child_server.h), a parent that may not
 * fork any more ends: whoever supervises it starts it again.
 *
 * SIGPIPE is ignored in the parent from then on.
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
	int id; /* the child's */
};

struct dns_child *dns_child_new(
    const struct resolver_options *o, struct fail *f);

/* Wait for it, and for the child's end.  No answers will come. */
void dns_child_free(struct dns_child *c);

/* Readable when there are answers, or when the child is gone for good. */
int dns_child_fd(const struct dns_child *c);

/* Calls fn of every question answered.  -1: the child is gone for good. */
int dns_child_read(struct dns_child *c, struct fail *f);

/* -1: the child is gone for good. */
int dns_child_ask(struct dns_child *c, const char *name, enum dns_type type,
    struct dns_asked *q, struct fail *f);
void dns_child_cancel(struct dns_child *c, const struct dns_asked *q);

#endif
