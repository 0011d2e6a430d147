/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/imap_session_state.h"

#define FEEDS_KEPT 64 /* in the whole daemon */

static void
unkeep(struct imap_session *s)
{
	s->popd->kept_feeds -= s->feed_kept;
	s->feed_kept = false;
}

void
imap_body_drop(struct imap_session *s)
{
	unkeep(s);
	feed_free(s->feed);
	s->feed = NULL;
	s->feed_waits = false;
}

/* Some clients fetch a large part in many slices: stay where we are. */
static void
keep(struct imap_session *s)
{
	if (!feed_has_more(s->feed) || s->popd->kept_feeds >= FEEDS_KEPT) {
		imap_body_drop(s);
		return;
	}
	s->feed_kept = true;
	s->popd->kept_feeds++;
}

static size_t
left(const struct imap_session *s)
{
	uint64_t n = imap_body_wanted(s->imap)->len - s->given;

	return n < FEED_PIECE ? (size_t)n : FEED_PIECE;
}

static void
over(struct imap_session *s)
{
	s->feeding = false;
	keep(s);
	imap_body_end(s->imap);
	imap_session_resume(s);
}

/* The octets cannot be had, at all or any further. */
static void
failed(struct imap_session *s, const char *text)
{
	log_error(&s->popd->log, "message of %s: %s", s->login, text);
	s->feeding = false;
	imap_body_drop(s);
	if (s->given > 0) /* a literal that was begun cannot be ended */
		imap_session_abort(s);
	else
		imap_body_failed(s->imap);
	imap_session_resume(s);
}

void
imap_body_go_on(struct imap_session *s)
{
	if (!s->feed_waits || !conn_has_room(s->conn))
		return;
	s->feed_waits = false;
	feed_next(s->feed, imap_body_wanted(s->imap)->at + s->given, left(s));
}

static void
take_piece(
    void *arg, enum feed_result result, struct str piece, const char *text)
{
	struct imap_session *s = arg;
	const struct imap_body *wanted;

	if (s->conn == NULL) {
		s->feeding = false;
		imap_body_drop(s);
		imap_session_resume(s);
		return;
	}
	wanted = imap_body_wanted(s->imap);
	if (result == FEED_GONE || result == FEED_FAILED ||
	    (result == FEED_END && s->given + piece.len < wanted->len)) {
		failed(s, result == FEED_END ? "it is too short" : text);
		return;
	}
	if (piece.len > 0) {
		s->given += piece.len;
		imap_body(s->imap, piece);
		imap_session_flush(s);
	}
	if (s->given == wanted->len) {
		over(s);
		return;
	}
	s->feed_waits = true;
	imap_body_go_on(s);
}

void
imap_body_begin(struct imap_session *s)
{
	const struct imap_body *wanted = imap_body_wanted(s->imap);

	s->given = 0;
	if (wanted->len == 0) {
		imap_body_end(s->imap);
		return;
	}
	s->busy = s->feeding = true;
	if (s->feed_kept && feed_body(s->feed) == wanted->body &&
	    feed_at(s->feed) <= wanted->at) {
		unkeep(s);
		feed_next(s->feed, wanted->at, left(s));
		return;
	}
	imap_body_drop(s);
	s->feed = feed_open(s->popd->store, s->popd->workers, wanted->body,
	    wanted->at, left(s), take_piece, s);
}
