/* SPDX-License-Identifier: MIT */
/*
 * imap_sort: the order of SORT (RFC 5256 s3, RFC 5957), pure.
 *
 * What a message is sorted by is gathered once, as numbers and folded strings;
 * then all are sorted, messages that are equal by UID.
 */
#ifndef POPD_PROTO_IMAP_SORT_H
#define POPD_PROTO_IMAP_SORT_H

#include "common/util/buf.h"

/* S(NAME, capability) */
#define SORT_KEYS(S)                                                           \
	S(ARRIVAL, SORT)                                                       \
	S(CC, SORT)                                                            \
	S(DATE, SORT)                                                          \
	S(FROM, SORT)                                                          \
	S(SIZE, SORT)                                                          \
	S(SUBJECT, SORT)                                                       \
	S(TO, SORT)                                                            \
	S(DISPLAYFROM, SORT_DISPLAY)                                           \
	S(DISPLAYTO, SORT_DISPLAY)

enum sort_key {
#define S(NAME, cap) SORT_BY_##NAME,
	SORT_KEYS(S)
#undef S
	SORT_KEY_COUNT
};

struct sort_program {
	struct {
		enum sort_key key;
		bool reverse;
	} by[SORT_KEY_COUNT]; /* each key once: a second time it says nothing */
	size_t n;
};

/* A number, or a string in rows.text; the other is 0. */
struct sort_value {
	int64_t number;
	uint32_t at, len;
};

/* values: program.n of each row. */
struct sort_rows {
	uint32_t *uids;
	struct sort_value *values;
	size_t n, room;
	struct buf text;
};
void sort_rows_init(struct sort_rows *r);
void sort_rows_release(struct sort_rows *r);

/* One more row: its values, to be filled in.  They stay until the next. */
struct sort_value *sort_add(
    struct sort_rows *r, const struct sort_program *by, uint32_t uid);

/* A string as a value; rows.text.overrun if it does not fit. */
struct sort_value sort_string(struct sort_rows *r, struct str folded);

/* Put rows.uids in order; values and text are dropped. */
void sort_finish(struct sort_rows *r, const struct sort_program *by);

/* Sort n numbers; equal ones keep their order.  before: <0, 0, >0. */
typedef int sort_compare(const void *arg, uint32_t a, uint32_t b);
void sort_numbers(
    uint32_t *numbers, size_t n, sort_compare *compare, const void *arg);

#endif
