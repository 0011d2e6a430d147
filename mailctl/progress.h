/* SPDX-License-Identifier: MIT */
/*
 * progress: how far a long piece of work has come: on a terminal a line that
 * is written again and again, with messages, speed and the time it will take;
 * elsewhere nothing.
 */
#ifndef MAILCTL_PROGRESS_H
#define MAILCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;       /* it is a terminal, and wanted */
	uint64_t total;   /* octets there are to be read; 0: unknown */
	uint64_t skipped; /* octets of them that need not be: no speed */
	int64_t started_ms, told_ms;
	bool dirty; /* a line is on the terminal */
};

/* On standard error, if that is a terminal and wanted. */
void progress_start(struct progress *p, bool wanted, uint64_t total);

#define PROGRESS_UNCOUNTED UINT64_MAX /* octets are all there is to tell */

/* Tell, at most five times a second. */
void progress_tell(
    struct progress *p, const char *what, uint64_t messages, uint64_t octets);

/* Wipe the line, so that something else may be written. */
void progress_clear(struct progress *p);

int64_t progress_elapsed_ms(const struct progress *p);

#endif
