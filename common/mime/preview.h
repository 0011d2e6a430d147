/* SPDX-License-Identifier: MIT */
/*
 * preview: the begin of a text as one line for people (RFC 8970).
 */
#ifndef MIME_PREVIEW_H
#define MIME_PREVIEW_H

#include "common/util/buf.h"

/* Append at most max characters of a decoded text: white space squeezed, no
 * controls; lines quoted from another message (">") only if there is nothing
 * else.  html: its words. */
void preview_make(struct str utf8, bool html, size_t max, struct buf *out);

#endif
