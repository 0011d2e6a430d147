/* SPDX-License-Identifier: MIT */
/*
 * param: the parameters of Content-Type and Content-Disposition (RFC 2045
 * s5.1), the pieces of RFC 2231 s3 put together.
 *
 * A name ends in `*' if its value is in the extended form of RFC 2231 s4
 * (charset'language'%XX): it is handed on as it is, as BODYSTRUCTURE wants it.
 * Pieces that do not begin at 0 or are not all there stand for themselves.
 */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include "common/util/buf.h"

#define PARAM_MAX 128 /* the first so many are looked at */

struct param_list;

/* All that follow in an unfolded value, from the first ';' on; what is broken
 * is passed over.  Freed with param_free(). */
struct param_list *param_parse(struct str value);
void param_free(struct param_list *list);

size_t param_count(const struct param_list *list);

/* The strings live until param_free(). */
struct str param_name(const struct param_list *list, size_t i);
struct str param_value(const struct param_list *list, size_t i);

/* The first with this name (without `*').  False if there is none. */
bool param_find(
    const struct param_list *list, struct str name, struct str *value);

/* A value in the extended form as UTF-8; as it stands if it is not in it. */
void param_decode(struct str extended, struct buf *out);

#endif
