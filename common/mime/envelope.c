/* SPDX-License-Identifier: MIT */
#include "common/mime/envelope.h"

#include <string.h>

#include "common/mime/fields.h"
#include "common/mime/imapstring.h"
#include "common/mime/lenient.h"
#include "common/util/mem.h"

#define WORD_MAX (512 * KB) /* more than any header block that is looked at */

/* The fields in the order ENVELOPE has them. */
enum field {
	DATE,
	SUBJECT,
	FROM,
	SENDER,
	REPLY_TO,
	TO,
	CC,
	BCC,
	IN_REPLY_TO,
	MESSAGE_ID,
	FIELDS
};

static const struct field_row {
	struct str name;
	void (*write)(struct str value, struct buf *out); /* or addresses */
	bool from; /* From stands in for it (RFC 9051 s7.5.2) */
} rows[FIELDS] = {
    [DATE] = {{"Date", 4},         imapstring_add,          false},
    [SUBJECT] = {{"Subject", 7},      imapstring_add_squeezed, false},
    [FROM] = {{"From", 4},         NULL,                    false},
    [SENDER] = {{"Sender", 6},       NULL,                    true },
    [REPLY_TO] = {{"Reply-To", 8},     NULL,                    true },
    [TO] = {{"To", 2},           NULL,                    false},
    [CC] = {{"Cc", 2},           NULL,                    false},
    [BCC] = {{"Bcc", 3},          NULL,                    false},
    [IN_REPLY_TO] = {{"In-Reply-To", 11}, imapstring_add,          false},
    [MESSAGE_ID] = {{"Message-ID", 10},  imapstring_add,          false},
};

/* An address as it is read: what was not there is not `has'. */
struct word {
	struct buf text;
	bool has;
};

struct reader {
	struct str at;
	struct word name, route, mailbox, domain;
	struct buf comment;
	struct buf *out;
	size_t n; /* written */
};

static void
reader_init(struct reader *r, struct buf *out)
{
	*r = (struct reader){.out = out};
	buf_init(&r->name.text, WORD_MAX);
	buf_init(&r->route.text, WORD_MAX);
	buf_init(&r->mailbox.text, WORD_MAX);
	buf_init(&r->domain.text, WORD_MAX);
	buf_init(&r->comment, WORD_MAX);
}

static void
reader_release(struct reader *r)
{
	buf_release(&r->name.text);
	buf_release(&r->route.text);
	buf_release(&r->mailbox.text);
	buf_release(&r->domain.text);
	buf_release(&r->comment);
}

static void
forget(struct word *w)
{
	buf_clear(&w->text);
	w->has = false;
}

static void
set(struct word *w, struct str s)
{
	buf_clear(&w->text);
	buf_add(&w->text, s);
	w->has = true;
}

static void
write_word(const struct word *w, struct buf *out)
{
	if (w->has)
		imapstring_add(buf_str(&w->text), out);
	else
		buf_add(out, STR("NIL"));
}

/* Write what was read and begin anew. */
static void
write_address(struct reader *r)
{
	buf_add_char(r->out, '(');
	if (r->name.has)
		imapstring_add_squeezed(buf_str(&r->name.text), r->out);
	else
		buf_add(r->out, STR("NIL"));
	buf_add_char(r->out, ' ');
	write_word(&r->route, r->out);
	buf_add_char(r->out, ' ');
	write_word(&r->mailbox, r->out);
	buf_add_char(r->out, ' ');
	write_word(&r->domain, r->out);
	buf_add_char(r->out, ')');
	forget(&r->name);
	forget(&r->route);
	forget(&r->mailbox);
	forget(&r->domain);
	r->n++;
}

static void
write_mailbox(struct reader *r)
{
	if (!r->mailbox.has)
		set(&r->mailbox, STR("MISSING_MAILBOX"));
	if (!r->domain.has || r->domain.text.len == 0)
		set(&r->domain, STR("MISSING_DOMAIN"));
	write_address(r);
}

static enum lenient
take_local(struct reader *r)
{
	struct buf *text = &r->mailbox.text;
	enum lenient how;

	buf_clear(text);
	if (r->at.len > 0 && r->at.at[0] == '"')
		how = lenient_quoted(&r->at, text, &r->comment);
	else
		how = lenient_dot_atom(&r->at, text, &r->comment);
	r->mailbox.has = how != LENIENT_BAD;
	return how;
}

static enum lenient
take_domain(struct reader *r)
{
	enum lenient how;

	buf_clear(&r->domain.text);
	how = lenient_domain(&r->at, &r->domain.text, &r->comment);
	r->domain.has = how != LENIENT_BAD;
	return how;
}

/* RFC 5322 s4.4: "@a,@b:", up to the colon. */
static bool
take_route(struct reader *r)
{
	struct buf *text = &r->route.text;

	buf_clear(text);
	while (r->at.len > 0 && r->at.at[0] == '@') {
		if (text->len > 0)
			buf_add_char(text, ',');
		buf_add_char(text, '@');
		if (lenient_domain(&r->at, text, &r->comment) != LENIENT_MORE)
			return false;
		while (lenient_skip(&r->at, &r->comment) == LENIENT_MORE &&
		       str_take(&r->at, ','))
			continue;
	}
	r->route.has = true;
	return r->at.len > 0;
}

static enum lenient
take_angle(struct reader *r)
{
	str_take(&r->at, '<');
	if (lenient_skip(&r->at, &r->comment) != LENIENT_MORE)
		return LENIENT_BAD;
	if (r->at.at[0] == '@') {
		if (!take_route(r) || !str_take(&r->at, ':'))
			set(&r->route, STR("INVALID_ROUTE"));
		if (lenient_skip(&r->at, &r->comment) != LENIENT_MORE)
			return LENIENT_BAD;
	}
	if (r->at.at[0] != '>') {
		if (take_local(r) != LENIENT_MORE ||
		    (r->at.at[0] == '@' && take_domain(r) != LENIENT_MORE))
			return LENIENT_BAD;
	}
	return str_take(&r->at, '>') ? lenient_skip(&r->at, &r->comment)
	                             : LENIENT_BAD;
}

/* What a phrase precedes: it is in r->name. */
static void
take_name_addr(struct reader *r)
{
	r->name.has = r->name.text.len > 0;
	if (take_angle(r) == LENIENT_BAD)
		set(&r->domain, STR("SYNTAX_ERROR"));
	write_mailbox(r);
}

/* local@domain (name); or words that are no address. */
static void
take_addr_spec(struct reader *r)
{
	bool quoted = r->at.len > 0 && r->at.at[0] == '"', at = false;
	enum lenient how;

	buf_clear(&r->comment);
	forget(&r->name);
	how = take_local(r);
	if (how != LENIENT_END && r->at.len > 0 && r->at.at[0] == '@') {
		at = true;
		take_domain(r);
	}
	if (r->comment.len > 0) {
		set(&r->name, buf_str(&r->comment));
	} else if (!at) {
		/* one word is a mailbox without domain; more are a name */
		struct buf *text = &r->name.text;
		size_t before;

		buf_clear(text);
		buf_add(text, buf_str(&r->mailbox.text));
		buf_add_char(text, ' ');
		before = text->len;
		if (r->at.len > 0)
			lenient_phrase(&r->at, text, &r->comment);
		r->name.has = text->len != before || quoted;
		if (r->name.has) {
			buf_cut(
			    text, text->len != before ? text->len : before - 1);
			r->mailbox.has = false;
		}
	}
	write_mailbox(r);
}

/* A mailbox, or if group is not NULL perhaps the begin of a group: *group. */
static void
take_mailbox(struct reader *r, bool *group)
{
	struct str start = r->at;
	enum lenient how;

	buf_clear(&r->name.text);
	how = lenient_phrase(&r->at, &r->name.text, &r->comment);
	if (how == LENIENT_MORE && group != NULL && r->at.at[0] == ':') {
		*group = true;
		return;
	}
	if (how == LENIENT_MORE && r->at.at[0] == '<') {
		take_name_addr(r);
		return;
	}
	r->at = start;
	take_addr_spec(r);
}

/* Null members of a list (RFC 5322 s4.4) are none.  False if nothing follows
 * that could be one. */
static bool
skip_commas(struct reader *r)
{
	bool comma = false;

	while (r->at.len > 0 && r->at.at[0] == ',') {
		comma = true;
		r->at = str_after(r->at, 1);
		if (lenient_skip(&r->at, &r->comment) != LENIENT_MORE)
			return false;
	}
	return comma;
}

/* The members of a group whose name is in r->name (RFC 9051 s7.5.2: a row with
 * only a mailbox begins it, a row of NILs ends it). */
static void
take_group(struct reader *r)
{
	str_take(&r->at, ':');
	set(&r->mailbox, buf_str(&r->name.text));
	forget(&r->name);
	write_address(r);
	if (lenient_skip(&r->at, &r->comment) == LENIENT_MORE &&
	    r->at.at[0] != ';') {
		if (r->at.at[0] == ',')
			skip_commas(r);
		while (r->at.len > 0 && r->at.at[0] != ';' &&
		       r->n < ENVELOPE_ADDRESSES_MAX) {
			take_mailbox(r, NULL);
			if (!skip_commas(r))
				break;
		}
	}
	if (str_take(&r->at, ';'))
		lenient_skip(&r->at, &r->comment);
	write_address(r);
}

static void
take_list(struct reader *r)
{
	if (lenient_skip(&r->at, &r->comment) != LENIENT_MORE)
		return;
	skip_commas(r);
	while (r->at.len > 0 && r->n < ENVELOPE_ADDRESSES_MAX) {
		bool group = false;

		take_mailbox(r, &group);
		if (group)
			take_group(r);
		if (!skip_commas(r))
			break;
	}
}

/* A header as it is read. */
struct envelope {
	struct str header;
	struct {
		size_t n;
		struct str value; /* of the last */
	} fields[FIELDS];
	struct buf unfolded;
	struct reader reader;
	struct buf *out;
	size_t from_at, from_len; /* where From was written in out */
};

static int
field_of(struct str name)
{
	for (int i = 0; i < FIELDS; i++)
		if (str_eq_nocase(name, rows[i].name))
			return i;
	return -1;
}

static void
gather(struct envelope *e)
{
	struct str rest = e->header;
	struct fields_line line;

	while (fields_next(&rest, &line)) {
		int field = field_of(line.name);

		if (field >= 0) {
			e->fields[field].n++;
			e->fields[field].value = line.value;
		}
	}
}

static struct str
unfold(struct envelope *e, struct str value)
{
	buf_clear(&e->unfolded);
	fields_unfold(value, &e->unfolded);
	return buf_str(&e->unfolded);
}

/* The members without the brackets around all; fields of one name, of which
 * there should be one, are one list. */
static void
write_addresses(struct envelope *e, enum field field)
{
	struct str rest = e->header;
	struct fields_line line;

	e->reader.n = 0;
	if (e->fields[field].n == 1) {
		e->reader.at = unfold(e, e->fields[field].value);
		take_list(&e->reader);
		return;
	}
	while (e->fields[field].n > 0 && fields_next(&rest, &line))
		if (str_eq_nocase(line.name, rows[field].name)) {
			e->reader.at = unfold(e, line.value);
			take_list(&e->reader);
		}
}

static void
repeat_from(struct envelope *e)
{
	char *room = buf_reserve(e->out, e->from_len);

	if (room == NULL)
		return;
	memcpy(room, e->out->data + e->from_at, e->from_len);
	buf_added(e->out, e->from_len);
}

static void
write_list(struct envelope *e, enum field field)
{
	size_t start = e->out->len;

	buf_add_char(e->out, '(');
	write_addresses(e, field);
	if (e->out->len > start + 1) {
		buf_add_char(e->out, ')');
	} else {
		buf_cut(e->out, start);
		if (rows[field].from && e->from_len > 0)
			repeat_from(e);
		else
			buf_add(e->out, STR("NIL"));
	}
	if (field == FROM) {
		e->from_at = start;
		e->from_len = e->out->len - start;
	}
}

static void
write_string(struct envelope *e, enum field field)
{
	if (e->fields[field].n > 0)
		rows[field].write(unfold(e, e->fields[field].value), e->out);
	else
		buf_add(e->out, STR("NIL"));
}

void
envelope_write(struct str header, struct buf *out)
{
	struct envelope e = {.header = header, .out = out};

	buf_init(&e.unfolded, WORD_MAX);
	reader_init(&e.reader, out);
	gather(&e);
	buf_add_char(out, '(');
	for (enum field i = 0; i < FIELDS; i++) {
		if (i > 0)
			buf_add_char(out, ' ');
		if (rows[i].write != NULL)
			write_string(&e, i);
		else
			write_list(&e, i);
	}
	buf_add_char(out, ')');
	reader_release(&e.reader);
	buf_release(&e.unfolded);
}

/* RFC 5256 s2.2: "<a b"@c> and <ab@c> are one id, however it is written. */
bool
envelope_next_id(struct str *rest, struct buf *out)
{
	size_t open, close;

	while (str_find(*rest, '<', &open)) {
		struct str id = str_after(*rest, open + 1);
		size_t before = out->len;
		bool at = false;

		*rest = id;
		if (!str_find(id, '>', &close))
			return false;
		id = str_first(id, close);
		*rest = str_after(*rest, close + 1);
		for (size_t i = 0; i < id.len; i++) {
			if (id.at[i] == '\\' && i + 1 < id.len)
				i++;
			else if (id.at[i] == '"' || id.at[i] == ' ' ||
				 id.at[i] == '\t')
				continue;
			at |= id.at[i] == '@' && out->len > before;
			if (id.at[i] != '\n' && id.at[i] != '\r')
				buf_add_char(out, id.at[i]);
		}
		if (at)
			return true;
		buf_cut(out, before);
	}
	return false;
}
