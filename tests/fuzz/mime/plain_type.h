/* SPDX-License-Identifier: MIT */
/*
 * plain_type: Content-Type and Content-Transfer-Encoding for plain_structure.h,
 * as plainly as it is.
 */
#ifndef FUZZ_MIME_PLAIN_TYPE_H
#define FUZZ_MIME_PLAIN_TYPE_H

#include "tests/fuzz/mime/plain_structure.h"

/* The value of the first field of this name in a header, on one line, appended
 * to out.  False if there is none. */
bool plain_field(struct str header, const char *name, struct buf *out);

/* Fill in type, subtype and params from a field's value.  False if it is no
 * Content-Type; then nothing is filled in. */
bool plain_type(struct str value, struct plain_part *p);

/* The first parameter of this name; NULL if there is none. */
const struct buf *plain_param(const struct plain_part *p, const char *name);

/* Which encoding a value names; its word is appended to out, "7bit" if there
 * is none. */
enum part_encoding plain_encoding(struct str value, struct buf *out);

#endif
