/* SPDX-License-Identifier: MIT */
/*
 * text: what a search looks at in a message: its header and its texts,
 * decoded to UTF-8 and folded for comparison.
 *
 * head: a line for every field of the message's header: its name, ": ", its
 * value unfolded, decoded and trimmed, '\n' (lines that are no field: as they
 * are); then, after an empty line, those of the headers of all its parts and of
 * the messages attached to it.
 *
 * body: the text of every text/... part (HTML without its tags) and of every
 * message/... part that has no parts (reports), each followed by '\n'.  White
 * space is kept, CRLF becomes '\n'.
 *
 * Of each, at most TEXT_MAX octets are made; the rest of a larger message is
 * not found by text.
 */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include "common/util/buf.h"
#include "common/util/mem.h"

#define TEXT_MAX     (16 * MB)
#define TEXT_VERSION 4 /* rises when what is made here changes */

/* Fold for comparison: i;unicode-casemap (RFC 5051), invalid UTF-8 and NUL as
 * U+FFFD.  Two strings are equal to a search if their folded octets are.  out's
 * limit cuts the text, at a whole character of the original. */
void text_fold(struct str utf8, struct buf *out);

/* Gather the text of a message that is read piece by piece.  packed are its
 * parts (parts.h), borrowed. */
struct text_reader;
struct text_reader *text_reader_new(struct str packed);

/* Octets of the message, in order.  False when no more are of use. */
bool text_reader_feed(struct text_reader *r, struct str bytes);

/* The end: append head to one, body to the other; their limits should be
 * TEXT_MAX at least, else what does not fit is left out. */
void text_reader_finish(
    struct text_reader *r, struct buf *head, struct buf *body);
void text_reader_free(struct text_reader *r);

/* HTML as the words a person sees: no tags, comments, scripts, styles; entities
 * decoded; block ends become line ends.  Appends to out. */
void text_of_html(struct str html, struct buf *out);

/* The base subject (RFC 5256 s2.1), folded, of a decoded subject; *is_reply: it
 * is a reply or a forward. */
void text_base_subject(struct str utf8, struct buf *out, bool *is_reply);

#endif
