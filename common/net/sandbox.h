/* SPDX-License-Identifier: MIT */
/*
 * sandbox: a process gives up, for good, what it does not need: by Landlock
 * (which files, which TCP ports, no abstract Unix sockets and no signals to
 * processes outside) and by seccomp (which system calls, with which
 * arguments).
 *
 * What is not in the profile is refused, whoever the user is: root too.  A
 * file is refused with EACCES, a system call with EPERM, clone3 with ENOSYS (so
 * that libc takes clone, whose arguments a filter can see).
 *
 * Life cycle:  bind, fork, read keys, become a user, make files that are to
 * be there -> sandbox_enter() -> threads, databases, peers
 *                              -> sandbox_close_doors() -> the first peer
 *
 * Landlock binds the thread that enters and those it starts later, therefore
 * sandbox_enter() refuses to when there is another one.  Rules are of inodes:
 * a rule for a file does not hold for another file that takes its name, one
 * for a folder holds for all that is ever made in it.
 *
 * Profiles stack: who enters twice has what both allow.
 *
 * What the kernel does not have is left out and told in the state; no kernel is
 * too old to run on.  What these kernels cannot do at all: limit UDP ports
 * (who may send UDP may send it anywhere) and the paths of Unix sockets (their
 * modes do).
 */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/fail.h"

/* What may be done at a path, and below it when it is a folder. */
enum sandbox_use {
	SANDBOX_READ = 1 << 0,    /* octets of files */
	SANDBOX_LIST = 1 << 1,    /* names in folders, and syncing them */
	SANDBOX_WRITE = 1 << 2,   /* octets of files that are there */
	SANDBOX_MAKE = 1 << 3,    /* new files, new names, no file any more */
	SANDBOX_FOLDERS = 1 << 4, /* make and remove folders */
	SANDBOX_SOCKETS = 1 << 5, /* make Unix sockets */
};

/* What may be done with system calls, besides files, memory and time. */
enum sandbox_may {
	SANDBOX_ALWAYS = 1 << 0,  /* every profile has it */
	SANDBOX_THREADS = 1 << 1, /* start threads */
	SANDBOX_FILES = 1 << 2,   /* make, rename, remove, lock, sync files */
	SANDBOX_ACCEPT = 1 << 3,  /* accept connections */
	SANDBOX_LOCAL = 1 << 4,   /* Unix sockets */
	SANDBOX_TCP = 1 << 5,     /* new TCP sockets, and connect them */
	SANDBOX_UDP = 1 << 6,     /* new UDP sockets */
	SANDBOX_BIND = 1 << 7,    /* a socket's own address; TCP ports: below */
	SANDBOX_LISTEN = 1 << 8,  /* until sandbox_close_doors() */
	SANDBOX_FORK = 1 << 9,    /* processes: fork and wait */
	SANDBOX_ENTER = 1 << 10,  /* a stricter profile */
	SANDBOX_ADDRESSES = 1 << 11, /* getifaddrs(): asks by netlink */
};

struct sandbox_path {
	const char *path;
	unsigned use; /* enum sandbox_use */
	bool needed;  /* it must be there; others are passed over */
};

#define SANDBOX_PORTS 64

struct sandbox_profile {
	unsigned may; /* enum sandbox_may */
	const struct sandbox_path *paths;
	size_t n_paths;
	/* TCP ports to connect to with SANDBOX_TCP, none given: any; and
	 * those to bind (0: one that the system chooses) */
	uint16_t connect[SANDBOX_PORTS], bind[SANDBOX_PORTS];
	size_t n_connect, n_bind;
	/* abstract Unix sockets of others may be spoken to: the supervisor's */
	bool abstract;
};

#define SANDBOX_WORDS 256

struct sandbox_state {
	int landlock; /* ABI in use, 0: none */
	bool seccomp;
	char has[SANDBOX_WORDS];   /* "Landlock ABI 7, seccomp" */
	char lacks[SANDBOX_WORDS]; /* what the kernel lacks; empty: nothing */
};

/* Enter.  -1: the profile cannot be had as it is (a path that must be there
 * is not, another thread runs); what the kernel lacks is no failure.  Sets
 * no_new_privs. */
int sandbox_enter(
    const struct sandbox_profile *p, struct sandbox_state *out, struct fail *f);

/* From now on nobody in this process listens, binds (unless keep_bind) or
 * enters anything.  Does nothing where sandbox_enter() found no seccomp. */
int sandbox_close_doors(
    const struct sandbox_state *s, bool keep_bind, struct fail *f);

#endif
