/* SPDX-License-Identifier: MIT */
/*
 * log: one event, one line, on standard error.
 *
 * Every line reads `<N>daemon: text'; the <N> is the sd-daemon(3) priority
 * and is left out when standard error is a terminal.  Whatever the peer
 * sent, the line stays one printable line: control and 8-bit bytes are
 * written as \xNN, and it is cut at 1,000 bytes.  Never log a password or
 * the content of a message.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_ERROR = 3, /* somebody should look */
	LOG_WARN = 4,  /* refused, throttled, retried */
	LOG_INFO = 6,  /* what happened to mail */
	LOG_DEBUG = 7,
};

struct log {
	const char *daemon; /* borrowed; "smtpd" */
	enum log_level max; /* lines above this are dropped */
	int fd;             /* borrowed; normally 2 */
	bool priorities;    /* write <N> */
};

/* Log of this daemon on standard error, up to LOG_INFO. */
struct log log_to_stderr(const char *daemon);

void log_error(const struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_warn(const struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_debug(const struct log *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
