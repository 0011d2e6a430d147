/* SPDX-License-Identifier: MIT */
/*
 * sandbox_attempts: what somebody does who has broken in, as a table: each
 * must fail in a sandbox.  Should one succeed, it does no harm: its
 * arguments are such that the kernel then complains about them instead, or it
 * is about things of the ground only.
 */
#ifndef NET_SANDBOX_ATTEMPTS_H
#define NET_SANDBOX_ATTEMPTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/net/sandbox.h"

/* Where it happens; made before the sandbox is entered. */
struct sandbox_ground {
	const char *outside;  /* folder with the files `file' and `other' */
	const char *abstract; /* name of an abstract stream socket that listens
	                       * in another process's sandbox */
	uint16_t port; /* TCP listener on 127.0.0.1 that is not to be reached */
	int accepted;  /* a TCP connection from it */
	const char *const *secrets; /* files not to be opened; NULL-ended */
};

/* An argument of a system call. */
struct sandbox_word {
	enum sandbox_word_kind {
		SANDBOX_NUMBER,
		SANDBOX_TEXT,
		SANDBOX_OUTSIDE, /* text is below the folder outside */
		SANDBOX_PARENT,  /* the process id of our parent */
	} kind;
	long n;
	const char *text;
};

struct sandbox_attempt {
	const char *name;
	/* Instead of the call: 0 it was possible, or the errno. */
	int (*act)(const struct sandbox_ground *g);
	long call;
	struct sandbox_word words[5];
	unsigned may; /* a profile that has one of these is not asked */
	int abi;      /* Landlock alone refuses it, from this ABI on */
};

extern const struct sandbox_attempt sandbox_attempts[];
extern const size_t sandbox_n_attempts;

/* Made: 0 it was possible, otherwise errno. */
int sandbox_attempt_make(
    const struct sandbox_attempt *a, const struct sandbox_ground *g);

/* Does this errno of it say that this system has no such file at all? */
bool sandbox_attempt_is_moot(const struct sandbox_attempt *a, int err);

/* Is this errno the sandbox's word, and not a complaint about arguments? */
bool sandbox_is_refusal(int err);

#endif
