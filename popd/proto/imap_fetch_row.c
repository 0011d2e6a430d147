/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>

#include "popd/proto/imap_fetch.h"
#include "popd/proto/imap_selected.h"

#define COPY_MAX (16 * KB) /* of a text at a time */

/* ---- a row ---- */

static void
begin(struct imap *p, const struct mirror_message *m)
{
	struct imap_fetch *f = p->work;

	assert(!f->open);
	imap_tell_keywords(p); /* a flag is announced before it is used */
	f->message = *m;
	f->open = true;
	f->any = false;
	buf_add(&p->out, STR("* "));
	if (imap_has(p, IMAP_HAS_UIDONLY)) { /* RFC 9586 s3.3 */
		imap_out_number(&p->out, m->uid);
		buf_add(&p->out, STR(" UIDFETCH ("));
	} else {
		imap_out_number(&p->out, view_seq(p->view, m->uid));
		buf_add(&p->out, STR(" FETCH ("));
	}
}

static void
next_item(struct imap *p)
{
	struct imap_fetch *f = p->work;

	if (f->any)
		buf_add_char(&p->out, ' ');
	f->any = true;
}

static void
mirror_item(struct imap *p, enum imap_fetch_kind kind)
{
	const struct mirror_message *m = &((struct imap_fetch *)p->work)
	                                      ->message;

	next_item(p);
	switch (kind) {
	case IMAP_FETCH_FLAGS:
		buf_add(&p->out, STR("FLAGS ("));
		imap_out_flags(&p->out, m->flags, view_mirror(p->view),
		    !imap_has(p, IMAP_HAS_REV2) &&
			view_recent(p->view, m->uid));
		buf_add_char(&p->out, ')');
		break;
	case IMAP_FETCH_MODSEQ:
		buf_add(&p->out, STR("MODSEQ ("));
		imap_out_number(&p->out, (uint64_t)m->modseq);
		buf_add_char(&p->out, ')');
		break;
	default:
		assert(kind == IMAP_FETCH_UID);
		buf_add(&p->out, STR("UID "));
		imap_out_number(&p->out, m->uid);
	}
}

static void
mirror_item_unless_asked(struct imap *p, enum imap_fetch_kind kind)
{
	struct imap_fetch *f = p->work;

	if (!imap_fetch_wants(&f->query, kind))
		mirror_item(p, kind);
}

void
imap_fetch_row_end(struct imap *p)
{
	struct imap_fetch *f = p->work;
	bool flags = imap_fetch_wants(&f->query, IMAP_FETCH_FLAGS);
	bool modseq = imap_fetch_wants(&f->query, IMAP_FETCH_MODSEQ) ||
	              !imap_has(p, IMAP_HAS_CONDSTORE);

	assert(f->open);
	if (seqset_has(&f->seen, f->message.uid)) {
		/* RFC 9051 s6.4.5: the change is part of the response, and
		 * RFC 7162 s3.2 a change has its MODSEQ */
		mirror_item_unless_asked(p, IMAP_FETCH_FLAGS);
		if (imap_has(p, IMAP_HAS_QRESYNC) &&
		    !imap_has(p, IMAP_HAS_UIDONLY))
			mirror_item_unless_asked(p, IMAP_FETCH_UID);
		if (!modseq)
			mirror_item(p, IMAP_FETCH_MODSEQ);
		flags = modseq = true;
	}
	if (!f->any)
		mirror_item(p, IMAP_FETCH_UID);
	buf_add(&p->out, STR(")\r\n"));
	if (flags && modseq)
		view_told(p->view, f->message.uid, f->message.modseq);
	f->open = false;
	f->told++;
}

void
imap_fetch_from_mirror(struct imap *p, const struct mirror_message *m)
{
	struct imap_fetch *f = p->work;

	begin(p, m);
	for (size_t i = 0; i < f->query.n; i++)
		mirror_item(p, f->query.items[i].kind);
	imap_fetch_row_end(p);
}

/* ---- its octets, as they come ---- */

/* Of a decoded text, what is asked for. */
static void
send_part(struct imap *p, struct str text)
{
	struct imap_fetch *f = p->work;

	if (f->skip >= text.len) {
		f->skip -= text.len;
		return;
	}
	text = str_after(text, (size_t)f->skip);
	f->skip = 0;
	if (text.len > f->send)
		text = str_first(text, (size_t)f->send);
	buf_add(&p->out, text);
	f->send -= text.len;
}

static const struct imap_fetch_value *
value_now(const struct imap_fetch *f)
{
	const struct imap_fetch_row *r = &f->batch.rows[f->row];

	return &f->batch.values[r->value + f->value];
}

static void
say_size(struct imap *p)
{
	struct imap_fetch *f = p->work;
	const struct imap_fetch_value *v = value_now(f);

	if (f->said_size)
		return;
	f->said_size = true;
	buf_addf(
	    &p->out, " %s{%" PRIu64 "}\r\n", v->binary ? "~" : "", v->send);
}

static void
body_chunk(struct imap *p, struct str chunk)
{
	struct imap_fetch *f = p->work;

	say_size(p);
	if (f->decoder.encoding == PART_PLAIN) {
		send_part(p, chunk);
		return;
	}
	buf_clear(&f->decoded);
	cte_decode(&f->decoder, chunk, &f->decoded);
	assert(!f->decoded.overrun);
	send_part(p, buf_str(&f->decoded));
}

static enum imap_event
body_over(struct imap *p, bool whole)
{
	struct imap_fetch *f = p->work;

	if (whole) {
		say_size(p);
		buf_clear(&f->decoded);
		cte_decode_end(&f->decoder, &f->decoded);
		send_part(p, buf_str(&f->decoded));
		/* its size was promised: it cannot be less now */
		for (; f->send > 0; f->send--)
			buf_add_char(&p->out, ' ');
	} else {
		assert(!f->said_size);
		buf_add(&p->out, STR(" NIL"));
		f->unreadable = true;
	}
	f->value++;
	f->copied = 0;
	return f->on(p);
}

static enum imap_event
ask_body(struct imap *p)
{
	struct imap_fetch *f = p->work;
	const struct imap_fetch_value *v = value_now(f);

	p->body = (struct imap_body){
	    f->batch.rows[f->row].body, v->from, v->octets};
	p->body_chunk = body_chunk;
	p->body_over = body_over;
	cte_decoder_init(&f->decoder, v->encoding);
	if (f->decoded.limit == 0)
		buf_init(&f->decoded, 2 * IMAP_CHUNK_MAX);
	f->skip = v->skip;
	f->send = v->send;
	f->said_size = false;
	return IMAP_BODY;
}

/* ---- the batch ---- */

/* Copy the value's text, or more of it; false: there is no room. */
static bool
copy(struct imap *p, const struct imap_fetch_value *v)
{
	struct imap_fetch *f = p->work;

	while (f->copied < v->len) {
		struct str text = {
		    f->batch.text.data + v->at + f->copied, v->len - f->copied};

		if (imap_is_full(p))
			return false;
		if (f->copied == 0)
			next_item(p);
		text = str_first(text, COPY_MAX);
		buf_add(&p->out, text);
		f->copied += text.len;
	}
	return true;
}

/* The values of the row from f->value on. */
static enum imap_event
values(struct imap *p)
{
	struct imap_fetch *f = p->work;
	const struct imap_fetch_row *r = &f->batch.rows[f->row];

	for (; f->value < r->n; f->value++, f->copied = 0) {
		const struct imap_fetch_value *v = value_now(f);

		if (v->kind == IMAP_VALUE_NONE)
			continue;
		if (v->kind == IMAP_VALUE_MIRROR) {
			mirror_item(p, f->query.items[r->item + f->value].kind);
			continue;
		}
		if (!copy(p, v))
			return IMAP_DRAIN;
		if (v->kind == IMAP_VALUE_STREAM)
			return ask_body(p);
	}
	return IMAP_NONE;
}

/* For the journey: once in a session for each message. */
static void
note_read(struct imap *p, const struct imap_fetch_row *r)
{
	if (r->trace == 0 || seqset_has(&p->read, r->uid))
		return;
	seqset_add(&p->read, r->uid, r->uid);
	if (p->n_read_traces == p->read_room) {
		p->read_room = p->read_room * 2 + 16;
		p->read_traces = mem_grow(
		    p->read_traces, p->read_room, sizeof(*p->read_traces));
	}
	p->read_traces[p->n_read_traces++] = r->trace;
}

enum imap_event
imap_fetch_rows(struct imap *p, imap_resume *on)
{
	struct imap_fetch *f = p->work;

	p->resume = f->on = on;
	for (; f->row < f->batch.n_rows; f->row++, f->value = f->copied = 0) {
		const struct imap_fetch_row *r = &f->batch.rows[f->row];
		const struct mirror_message *m = view_message(p->view, r->uid);
		enum imap_event ev;

		if (!f->open && (m == NULL || r->item > 0))
			continue; /* gone between the store and the mirror */
		if (imap_is_full(p))
			return IMAP_DRAIN;
		if (!f->open) {
			begin(p, m);
			if (f->query.text)
				note_read(p, r);
		}
		if ((ev = values(p)) != IMAP_NONE)
			return ev;
		if (r->item + r->n == f->query.n)
			imap_fetch_row_end(p);
	}
	p->resume = NULL;
	return IMAP_NONE;
}

void
imap_fetch_row_on(struct imap *p)
{
	struct imap_fetch *f = p->work;

	if (!f->open)
		return;
	if (f->batch.n_rows == 0 || f->batch.rows[0].uid != f->message.uid ||
	    f->batch.rows[0].item == 0)
		imap_fetch_row_end(p);
}
