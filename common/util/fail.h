/* SPDX-License-Identifier: MIT */
/*
 * fail: why something did not work, for the log and for the client.
 *
 * A function that can fail returns 0 or -1 and takes a struct fail last.
 * kind decides what the protocol says (4xx or 5xx, NO or BAD); text is for
 * people.  fail() returns -1 so that `return fail(...)' reads as one thought.
 */
#ifndef UTIL_FAIL_H
#define UTIL_FAIL_H

enum fail_kind {
	FAIL_NONE,
	FAIL_TEMP,   /* try again later: disk full, DNS timeout, lock */
	FAIL_PERM,   /* will never work: no such user, too big, bad policy */
	FAIL_SYNTAX, /* the other side broke the grammar */
	FAIL_QUOTA,  /* a mailbox has no room: later, if its owner makes some */
	FAIL_DISK,   /* the disk has no room: later, if somebody makes some */
};

struct fail {
	enum fail_kind kind;
	char text[256]; /* one sentence, no newline; cut if longer */
};

int fail(struct fail *f, enum fail_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
