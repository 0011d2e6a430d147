/* SPDX-License-Identifier: MIT */
/* ipc_line: the framing both ends of ipc share. */
#ifndef NET_IPC_LINE_H
#define NET_IPC_LINE_H

#include <string.h>

#include "common/util/str.h"

/* The first line of in, without its newline.  *scanned is how much of in is
 * known to hold none; the caller sets it to 0 when it consumes. */
static inline bool
ipc_line(struct str in, size_t *scanned, struct str *line)
{
	struct str rest = str_after(in, *scanned);
	size_t at;

	if (!str_find(rest, '\n', &at)) {
		*scanned = in.len;
		return false;
	}
	*line = str_first(in, *scanned + at);
	return true;
}

#endif
