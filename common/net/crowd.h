/* SPDX-License-Identifier: MIT */
/*
 * crowd: the sessions a daemon serves: how many there may be, from where and
 * of whom, and how all of them end.
 *
 *	crowd_enter() --> of its address --crowd_admit()--> of its account
 *	                        |                                |
 *	                        +--------> crowd_leave() <-------+
 *
 * Strangers are counted by address.  Who has logged in is counted by account
 * instead: a household behind one address has many devices, each with several
 * connections.
 */
#ifndef NET_CROWD_H
#define NET_CROWD_H

#include "common/net/address.h"
#include "common/util/tally.h"

struct crowd_member;

/* What a session can be asked; both may call crowd_leave(). */
struct crowd_manners {
	/* Say goodbye, now or after the answer it is giving. */
	void (*goodbye)(struct crowd_member *m);
	/* End now. */
	void (*abort)(struct crowd_member *m);
};

/* Embedded in a session. */
struct crowd_member {
	const struct crowd_manners *manners; /* borrowed */
	struct crowd *crowd;
	struct crowd_member *newer, *older;
	uint64_t address, account;
	bool admitted; /* counted by account */
	bool unnamed;  /* counted by nothing but its presence */
};

struct crowd_limits {
	size_t all, of_address, of_account;
};

struct crowd {
	struct crowd_limits limits;
	struct crowd_member *newest;
	size_t n;
	struct tally addresses; /* of strangers, by address_limit_key() */
	struct tally accounts;  /* of the others */
	bool stopping;
	void (*empty)(void *arg);
	void *arg;
};

/* empty() is called, perhaps from crowd_stop(), when the last one has left
 * after that. */
void crowd_init(struct crowd *c, const struct crowd_limits *limits,
    void (*empty)(void *arg), void *arg);

/* Nobody may be in it. */
void crowd_release(struct crowd *c);

/* False: there is no room, or the end is near.  m is all zero but for its
 * manners. */
bool crowd_enter(
    struct crowd *c, struct crowd_member *m, const struct address *peer);

/* The same for what a proxy hands on, before it is known for whom it calls; and
 * then: it is counted by that address.  False: too many are from there, and it
 * is as before. */
bool crowd_enter_unnamed(struct crowd *c, struct crowd_member *m);
bool crowd_name(struct crowd_member *m, const struct address *peer);

/* It has shown whose it is.  False: too many of that account are here, and it
 * is counted as before. */
bool crowd_admit(struct crowd_member *m, int64_t account);
void crowd_leave(struct crowd_member *m);

/* Let nobody in any more and ask all to say goodbye; or end all now. */
void crowd_stop(struct crowd *c);
void crowd_abort(struct crowd *c);

/* Close a socket that has no room here; says is what it is told if that can
 * be said at once, may be empty. */
void crowd_turn_away(int fd, struct str says);

#endif
