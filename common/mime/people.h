/* SPDX-License-Identifier: MIT */
/*
 * people: words of others, and paragraphs, in texts that people read, pure.
 *
 * Whatever others said, what is appended is one line of harmless characters,
 * or lines of at most PEOPLE_LINE columns.
 */
#ifndef MIME_PEOPLE_H
#define MIME_PEOPLE_H

#include "common/util/buf.h"

#define PEOPLE_LINE 72

/* Words of others on one line, cut at max octets of theirs; line breaks and
 * runs of blanks become one space.  What is not printable ASCII, nor (utf8)
 * another character, is written as \xNN. */
void people_words(struct str said, size_t max, bool utf8, struct buf *out);

/* One paragraph, broken into lines with this before each. */
void people_paragraph(const char *indent, struct str text, struct buf *out);

/* The rest of a part's header, for text in UTF-8, and the text: as it is if it
 * may be sent so, otherwise in quoted-printable. */
void people_part(struct str text, struct buf *out);

#endif
