/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mime/mbox.h"
#include "common/util/mem.h"
#include "mailctl/import.h"

#define PIECE      (256 * KB)
#define BACK       (4 * KB) /* more than the line that ends a message has */
#define PLACE_ROOM 4200

/*
 * A window on the file: what is before `digested' has passed the digest.  A
 * message's end is known only when the next one's first line was read, so
 * that much is kept.
 */
struct window {
	int fd;
	char *data;         /* BACK + PIECE octets */
	uint64_t base, end; /* the octets of the file in it */
	uint64_t digested;
	struct import_digest *digest;
};

struct reader {
	struct import *i;
	struct window w;
	struct mbox *mbox;
	struct import_message message;
	uint64_t begins; /* of the message */
	bool open, has_date;
	int64_t date_s;
	int64_t file_ms;
	bool quits; /* nothing more can be added */
};

static void
digest_to(struct window *w, uint64_t at)
{
	assert(at >= w->digested && w->digested >= w->base && at <= w->end);
	import_digest_add(
	    w->digest, (struct str){w->data + (w->digested - w->base),
			   (size_t)(at - w->digested)});
	w->digested = at;
}

/* The next piece of the file: 1, 0 at its end, -1. */
static int
window_read(struct window *w, struct str *piece, struct fail *f)
{
	size_t keep = (size_t)(w->end - w->base);
	ssize_t n;

	if (keep > BACK)
		keep = BACK;
	if (w->end - keep > w->digested)
		digest_to(w, w->end - keep);
	memmove(w->data, w->data + (w->end - w->base - keep), keep);
	w->base = w->end - keep;
	do
		n = pread(w->fd, w->data + keep, PIECE, (off_t)w->end);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return fail(f, FAIL_TEMP, "%s", strerror(errno));
	*piece = (struct str){w->data + keep, (size_t)n};
	w->end += (uint64_t)n;
	return n > 0;
}

/* Is what was imported still what the file begins with? */
static int
skip_known(struct reader *r, struct fail *f)
{
	struct import *i = r->i;
	struct window *w = &r->w;
	char now[IMPORT_DIGEST];
	struct str piece;
	int got = 1;

	while (w->end < i->mark.position && got == 1) {
		got = window_read(w, &piece, f);
		if (import_pause(i))
			return 0;
	}
	if (got == -1)
		return -1;
	if (w->end >= i->mark.position)
		digest_to(w, i->mark.position);
	import_digest_now(w->digest, now);
	if (w->end < i->mark.position ||
	    memcmp(now, i->mark.digest, IMPORT_DIGEST) != 0) {
		import_complain(i, i->source->path,
		    "it has changed where it was imported already; --again "
		    "imports all of it once more");
		return 0;
	}
	/* what was read beyond is read again */
	w->base = w->end = i->mark.position;
	i->read += i->mark.position;
	i->progress.skipped += i->mark.position;
	return 1;
}

static void
answer(struct reader *r, uint64_t at)
{
	char octets[MBOX_LOOK_MAX];
	struct stat st;
	ssize_t n = -1;

	if (fstat(r->w.fd, &st) == 0 && at <= (uint64_t)st.st_size)
		n = pread(r->w.fd, octets, sizeof(octets), (off_t)at);
	mbox_looked(
	    r->mbox, n >= 0, (struct str){octets, n > 0 ? (size_t)n : 0});
}

static void
open_message(struct reader *r, const struct mbox_item *item)
{
	struct mbox_from from;
	bool good = mbox_from_parse(item->text, &from);

	assert(good && !r->open);
	r->open = true;
	r->begins = item->at;
	/* Thunderbird's says when it was put there */
	r->has_date = from.has_date && !str_eq(from.sender, STR("-"));
	r->date_s = from.has_date ? from.date_s : 0;
	if (from.has_date && !r->has_date)
		r->file_ms = from.date_s * 1000;
	import_message_begin(&r->message,
	    r->i->dry_run ? NULL : db_dir(r->i->db), r->i->max_size);
	r->message.fields.marks = r->message.fields.states = true;
}

static int
close_message(struct reader *r, uint64_t at)
{
	struct load_place place = {.position = at};
	const char *why = import_message_end(&r->message);
	char name[PLACE_ROOM];
	int rc;

	r->open = false;
	digest_to(&r->w, at);
	import_digest_now(r->w.digest, place.digest);
	snprintf(name, sizeof(name), "%s: the message at octet %" PRIu64,
	    r->i->source->path, r->begins);
	if (r->has_date && !r->message.fields.has_marked) {
		r->message.fields.has_marked = true;
		r->message.fields.marked_ms = r->date_s * 1000;
	}
	rc = import_store(r->i, &r->message, why, &place, name, r->file_ms);
	import_message_release(&r->message);
	return rc;
}

/* What the reader of the format has found.  -1: no more can be added. */
static int
serve(struct reader *r, enum mbox_event ev, const struct mbox_item *item)
{
	char name[PLACE_ROOM];

	switch (ev) {
	case MBOX_FROM:
		open_message(r, item);
		break;
	case MBOX_LOOK:
		answer(r, item->at);
		break;
	case MBOX_TEXT:
		import_message_add(&r->message, item->text);
		break;
	case MBOX_END:
		return close_message(r, item->at);
	case MBOX_JUNK:
		snprintf(name, sizeof(name), "%s: octet %" PRIu64,
		    r->i->source->path, item->at);
		import_complain(r->i, name, "no message begins here");
		break;
	case MBOX_NONE:
		break;
	}
	return 0;
}

static int
read_all(struct reader *r, struct fail *f)
{
	struct str in = {0};
	int got = 1;

	while (got == 1 && !r->i->interrupted) {
		enum mbox_event ev;
		struct mbox_item item;

		got = window_read(&r->w, &in, f);
		if (got == -1)
			return -1;
		r->i->read += in.len;
		while ((ev = mbox_step(r->mbox, &in, got == 0, &item)) !=
		       MBOX_NONE)
			if (serve(r, ev, &item) == -1)
				return 0; /* load_drain() says why */
		import_pause(r->i);
	}
	return 0;
}

int
import_mbox(struct import *i, struct fail *f)
{
	struct reader r = {.i = i, .w.digest = import_digest_new()};
	struct stat st;
	struct fail why = {.text = "it is gone"};
	int rc = 1;

	r.w.data = mem_new(BACK + PIECE, 1);
	r.w.fd = import_source_open(i->source->top, i->source->path, &st, &why);
	if (r.w.fd == -1) {
		import_complain(i, i->source->path, why.text);
		goto out;
	}
	posix_fadvise(r.w.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r.file_ms = (int64_t)st.st_mtim.tv_sec * 1000;
	if (i->known && i->mark.position > 0)
		rc = skip_known(&r, &why);
	r.mbox = mbox_new(r.w.end);
	if (rc == 1)
		rc = read_all(&r, &why);
	if (rc == -1)
		import_complain(i, i->source->path, why.text);
out:
	(void)f;
	if (r.open)
		import_message_release(&r.message);
	mbox_free(r.mbox);
	if (r.w.fd != -1)
		close(r.w.fd);
	import_digest_free(r.w.digest);
	free(r.w.data);
	return 0;
}
