/* SPDX-License-Identifier: MIT */
/*
 * fetch_run: an op FETCH under way, one message after the other; only for
 * fetch.c, which answers what rows and infos say, and fetch_octets.c, which
 * reads messages.
 *
 *	fetch_plan() for each item of OCTETS -> fetch_carry_out(), once for a
 *	message, so that it is read once
 */
#ifndef POPD_OPS_FETCH_RUN_H
#define POPD_OPS_FETCH_RUN_H

#include "common/store/info.h"
#include "popd/proto/imap_message_op.h"

struct header_cache;
struct fetch_plan; /* octets to be read for one item */

struct fetch_run {
	struct db *db;
	struct imap_fetch_op *op;
	struct fail *f;
	unsigned want; /* of enum info_want */
	struct info info;
	bool readable; /* the message's info and octets are */

	struct header_cache *headers; /* or NULL */
	int64_t body;                 /* of the message at hand */
	unsigned want_else; /* wanted if all fields that may be kept are */
	struct fetch_kept {
		bool there;
		size_t at, len;
	} * kept; /* of the message at hand, for each item */
	struct buf kept_text;

	struct fetch_plan *plans; /* of the message at hand */
	size_t n_plans, room;
	uint64_t planned; /* octets */
	struct buf raw, cooked;
};

/* Begin and end the text of a value, its item's label in front. */
struct imap_fetch_value *fetch_begin_text(
    struct fetch_run *r, size_t value, const struct imap_fetch_item *item);
void fetch_end_text(struct fetch_run *r, struct imap_fetch_value *v);

/* A damaged message must not keep the others away: 0, the message at hand is
 * unreadable; -1 when it was something else. */
int fetch_spare(struct fetch_run *r);

/* What is simple is answered, a large text will be streamed, the rest is
 * planned: *read says how many octets of it.  drop: not that one, after all. */
void fetch_plan(struct fetch_run *r, const struct imap_fetch_item *item,
    size_t value, uint64_t message_size, uint64_t *read);
void fetch_drop_plan(struct fetch_run *r, uint64_t read);

/* Header fields of the message at hand that header_cache has: then fewer infos
 * are wanted. */
unsigned fetch_find_kept(struct fetch_run *r);
bool fetch_may_be_kept(const struct imap_fetch_item *item);

/* Read what is planned of this body, and answer it: 0, -1. */
int fetch_carry_out(struct fetch_run *r, int64_t body);

void fetch_octets_release(struct fetch_run *r);

#endif
