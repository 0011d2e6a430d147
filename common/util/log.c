/* SPDX-License-Identifier: MIT */
#include "common/util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_ROOM 1000

struct log
log_to_stderr(const char *daemon)
{
	return (struct log){daemon, LOG_INFO, 2, isatty(2) == 0};
}

static void
write_line(
    const struct log *l, enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_ROOM], line[LINE_ROOM * 4 + 64];
	size_t at = 0;

	if (level > l->max)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (l->priorities)
		at += (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	at += (size_t)snprintf(
	    line + at, sizeof(line) - at, "%.32s: ", l->daemon);
	for (const char *c = text; *c != '\0'; c++)
		if (*c >= ' ' && *c <= '~')
			line[at++] = *c;
		else
			at += (size_t)snprintf(line + at, sizeof(line) - at,
			    "\\x%02x", (unsigned char)*c);
	line[at++] = '\n';
	/* a log that cannot be written must not stop the mail */
	if (write(l->fd, line, at) == -1)
		return;
}

#define LEVEL(name, level)                                                     \
	void name(const struct log *l, const char *fmt, ...)                   \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		write_line(l, level, fmt, ap);                                 \
		va_end(ap);                                                    \
	}

LEVEL(log_error, LOG_ERROR)
LEVEL(log_warn, LOG_WARN)
LEVEL(log_info, LOG_INFO)
LEVEL(log_debug, LOG_DEBUG)
