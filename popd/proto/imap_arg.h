/* SPDX-License-Identifier: MIT */
/*
 * imap_arg: cursors over the arguments of one command that is complete in
 * memory, its literals in it as they came ("{3}\r\nabc") (RFC 9051 s9).
 *
 * Each takes something from the front, or leaves the cursor as it was and
 * returns false.  What is copied goes to a buf, appended; what is borrowed
 * lives as long as the command.
 */
#ifndef POPD_PROTO_IMAP_ARG_H
#define POPD_PROTO_IMAP_ARG_H

#include "popd/proto/seqset.h"

struct imap_args {
	struct str rest;
	bool utf8; /* UTF-8 may stand in quoted strings (rev2, UTF8=ACCEPT), and
	            * mailbox names are UTF-8, not modified UTF-7 */
};

bool imap_arg_char(struct imap_args *a, char c);
bool imap_arg_space(struct imap_args *a); /* exactly one */
bool imap_arg_end(const struct imap_args *a);

/* A word that follows, ASCII case ignored, and ends there. */
bool imap_arg_word(struct imap_args *a, struct str word);

bool imap_arg_atom(struct imap_args *a, struct str *out);
bool imap_arg_number(struct imap_args *a, uint32_t *out);
bool imap_arg_number64(struct imap_args *a, uint64_t *out); /* up to 2^63 - 1 */
bool imap_arg_seqset(struct imap_args *a, struct seqset *out);

/* Quoted or literal; astring: an atom with ']' too; nstring: NIL gives *nil. */
bool imap_arg_string(struct imap_args *a, struct buf *out);
bool imap_arg_astring(struct imap_args *a, struct buf *out);
bool imap_arg_nstring(struct imap_args *a, struct buf *out, bool *nil);

/* A literal's octets, ~{n} too (RFC 3516); *binary: it was that. */
bool imap_arg_literal(struct imap_args *a, struct str *out, bool *binary);

/* The place of a message whose octets went to a stage (IMAP_LITERAL_MESSAGE):
 * its announcement is there as it came, "{310}" or "~{310+}" and CRLF, its
 * octets are not. */
bool imap_arg_message(struct imap_args *a, uint64_t *size, bool *binary);

/* A mailbox name, in UTF-8; list: with % and * (and atoms with them).  A name
 * that is not right modified UTF-7, no UTF-8, or has a NUL, is refused.  INBOX
 * comes in capitals, as the first level of a name too. */
bool imap_arg_mailbox(struct imap_args *a, struct buf *out);
bool imap_arg_pattern(struct imap_args *a, struct buf *out);

/* Flags, with or without parentheses as `list' says: system flags into *flags,
 * keywords' names into names, NUL after each.  \Recent, \* and unknown system
 * flags are refused. */
bool imap_arg_flags(
    struct imap_args *a, bool list, uint64_t *flags, struct buf *names);

/* "17-Jul-1996", quoted or not: days since 1970. */
bool imap_arg_date(struct imap_args *a, int64_t *day);

/* "17-Jul-1996 02:44:25 -0700", quoted: Unix seconds. */
bool imap_arg_date_time(struct imap_args *a, int64_t *unix_s);

#endif
