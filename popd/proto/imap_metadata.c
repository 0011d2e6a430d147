/* SPDX-License-Identifier: MIT */
/*
 * What GETMETADATA finds may be larger than memory should hold for a client,
 * so it is asked in pieces: op, told, next op.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "popd/proto/imap_list.h"

#define COMMAND_ENTRIES_MAX 1000 /* in one command */

/* ---- names of entries ---- */

/* RFC 5464 s3.2: ASCII without controls, * and %; components that are not
 * empty; /private or /shared first, and something below it (whole: that alone
 * will do, for what is below it). */
static bool
is_entry(struct str name, bool whole)
{
	struct str rest = name, component;

	if (name.len > IMAP_METADATA_ENTRY_MAX || !str_take(&rest, '/'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.at[i];

		if (c < 0x20 || c > 0x7e || c == '*' || c == '%')
			return false;
		if (c == '/' && (i + 1 == name.len || name.at[i + 1] == '/'))
			return false;
	}
	component = str_cut(&rest, '/');
	return (rest.len > 0 || whole) &&
	       (str_eq_nocase(component, STR("private")) ||
		   str_eq_nocase(component, STR("shared")));
}

/* Below /shared/vendor there are the vendor and a name (RFC 5464 s3.2). */
static bool
may_be_set(struct str name)
{
	struct str rest = str_after(name, 1);

	if (!is_entry(name, false))
		return false;
	str_cut(&rest, '/');
	if (!str_eq_nocase(str_cut(&rest, '/'), STR("vendor")))
		return true;
	str_cut(&rest, '/');
	return rest.len > 0;
}

static bool
take_entry(struct imap_args *a, struct buf *entry)
{
	buf_clear(entry);
	return imap_arg_astring(a, entry);
}

/* ---- GETMETADATA: RFC 5464 s4.2 ---- */

struct getting {
	char *mailbox;
	struct buf entries; /* NUL after each */
	size_t n;           /* of them */
	enum imap_depth depth;
	bool has_max;
	uint32_t max;
	uint64_t longest;
	bool more;
	struct imap_entries found; /* what the last op gave */
	void (*done)(struct imap *p, struct imap_op *op);
};

static void
free_getting(void *work)
{
	struct getting *g = work;

	free(g->mailbox);
	buf_release(&g->entries);
	imap_entries_release(&g->found);
	free(g);
}

static void
release_get(struct imap_op *op)
{
	struct imap_getmetadata_op *o = (struct imap_getmetadata_op *)op;

	free(o->mailbox);
	free(o->after);
	buf_release(&o->entries);
	imap_entries_release(&o->found);
}

static void
add_value(struct imap *p, const struct imap_entry *e)
{
	struct str value = buf_str(&e->value);
	size_t at;

	buf_add_char(&p->out, ' ');
	if (e->nil) {
		buf_add(&p->out, STR("NIL"));
	} else if (str_find(value, '\0', &at)) { /* literal8, RFC 3516 s4.3 */
		buf_addf(&p->out, "~{%zu}\r\n", value.len);
		buf_add(&p->out, value);
	} else {
		imap_out_string(&p->out, value, imap_utf8(p));
	}
}

/* As many in one response as there is room for. */
static void
tell_entries(struct imap *p, struct getting *g)
{
	const char *before = "(";

	buf_add(&p->out, STR("* METADATA "));
	imap_out_mailbox(&p->out, str_of(g->mailbox), imap_utf8(p));
	buf_add_char(&p->out, ' ');
	do {
		const struct imap_entry *e = &g->found.at[g->found.told++];

		buf_add(&p->out, str_of(before));
		before = " ";
		imap_out_astring(&p->out, str_of(e->name), false);
		add_value(p, e);
	} while (g->found.told < g->found.n && !imap_is_full(p));
	buf_add(&p->out, STR(")\r\n"));
}

/* The next piece, behind the last entry that was told. */
static enum imap_event
ask_entries(struct imap *p, struct getting *g)
{
	struct imap_getmetadata_op *o = imap_op_new(
	    p, IMAP_OP_GETMETADATA, sizeof(*o), g->done, release_get);

	o->mailbox = mem_dup(str_of(g->mailbox));
	buf_init(&o->entries, IMAP_COMMAND_MAX);
	buf_add(&o->entries, buf_str(&g->entries));
	o->depth = g->depth;
	o->has_max = g->has_max;
	o->max = g->max;
	if (g->found.n > 0)
		o->after = mem_dup(str_of(g->found.at[g->found.n - 1].name));
	return imap_ask(p, &o->op);
}

static enum imap_event
get_over(struct imap *p, const struct getting *g)
{
	struct buf code;
	enum imap_event ev;

	if (g->longest == 0)
		return imap_reply_done(p);
	buf_init(&code, KB);
	buf_addf(&code, "METADATA LONGENTRIES %" PRIu64, g->longest);
	ev = imap_reply_with(p, IMAP_OK, buf_str(&code), "GETMETADATA done");
	buf_release(&code);
	return ev;
}

static enum imap_event
tell_found(struct imap *p)
{
	struct getting *g = p->work;

	while (g->found.told < g->found.n) {
		if (imap_is_full(p)) {
			p->resume = tell_found;
			return IMAP_DRAIN;
		}
		tell_entries(p, g);
	}
	p->resume = NULL;
	return g->more ? ask_entries(p, g) : get_over(p, g);
}

static void
got(struct imap *p, struct imap_op *op)
{
	struct imap_getmetadata_op *o = (struct imap_getmetadata_op *)op;
	struct getting *g = p->work;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	imap_entries_release(&g->found);
	g->found = o->found;
	o->found = (struct imap_entries){0};
	g->more = o->more;
	if (o->longest > g->longest)
		g->longest = o->longest;
	p->next = tell_found(p);
}

/* One of "(MAXSIZE 1024 DEPTH infinity)". */
static bool
take_option(struct imap_args *a, struct getting *g)
{
	struct str depth;

	if (imap_arg_word(a, STR("MAXSIZE"))) {
		g->has_max = true;
		return imap_arg_space(a) && imap_arg_number(a, &g->max);
	}
	if (!imap_arg_word(a, STR("DEPTH")) || !imap_arg_space(a) ||
	    !imap_arg_atom(a, &depth))
		return false;
	if (str_eq(depth, STR("0")))
		g->depth = IMAP_DEPTH_0;
	else if (str_eq(depth, STR("1")))
		g->depth = IMAP_DEPTH_1;
	else if (str_eq_nocase(depth, STR("infinity")))
		g->depth = IMAP_DEPTH_INFINITY;
	else
		return false;
	return true;
}

static bool
take_get_options(struct imap_args *a, struct getting *g)
{
	if (!imap_arg_char(a, '('))
		return false;
	do {
		if (!take_option(a, g))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

/* One, several in parentheses, or several without as in the examples of
 * RFC 5464 s4.4.1. */
static bool
take_entries(struct imap_args *a, struct getting *g)
{
	bool list = imap_arg_char(a, '('), good;
	struct buf entry;

	buf_init(&entry, IMAP_COMMAND_MAX);
	do {
		good = take_entry(a, &entry) && is_entry(buf_str(&entry), true);
		buf_add(&g->entries, buf_str(&entry));
		buf_add_char(&g->entries, '\0');
		g->n++;
	} while (good && imap_arg_space(a));
	buf_release(&entry);
	return good && (!list || imap_arg_char(a, ')'));
}

/* Options before the mailbox as in the grammar of RFC 5464 s5, or behind it as
 * in its examples: clients do both. */
static bool
take_get(struct imap_args *a, struct getting *g)
{
	bool options = str_starts(a->rest, STR("("));

	if (options && (!take_get_options(a, g) || !imap_arg_space(a)))
		return false;
	if (!imap_name_take(a, &g->mailbox) || !imap_arg_space(a))
		return false;
	if (!options) {
		struct imap_args before = *a;

		if (!take_get_options(a, g) || !imap_arg_space(a))
			*a = before;
	}
	return take_entries(a, g) && imap_arg_end(a);
}

enum imap_event
imap_cmd_getmetadata(struct imap *p, struct imap_args *a)
{
	struct getting *g = MEM_NEW(struct getting);

	buf_init(&g->entries, IMAP_COMMAND_MAX);
	g->done = got;
	if (!take_get(a, g)) {
		free_getting(g);
		return imap_reply_syntax(p, "bad arguments of GETMETADATA");
	}
	if (g->n > COMMAND_ENTRIES_MAX) {
		free_getting(g);
		return imap_reply(
		    p, IMAP_NO, IMAP_CODE_LIMIT, "too many entries at once");
	}
	p->work = g;
	p->free_work = free_getting;
	return ask_entries(p, g);
}

/* ---- SETMETADATA: RFC 5464 s4.3 ---- */

static void
release_set(struct imap_op *op)
{
	struct imap_setmetadata_op *o = (struct imap_setmetadata_op *)op;

	free(o->mailbox);
	imap_entries_release(&o->entries);
}

static void
set_done(struct imap *p, struct imap_op *op)
{
	p->next = op->rc == -1 ? imap_reply_failed(p, op) : imap_reply_done(p);
}

/* NIL, a string or a literal8; one that is too long is overrun. */
static bool
take_value(struct imap_args *a, struct imap_entry *e)
{
	struct str octets;
	struct buf text;
	bool binary, good;

	if (str_starts(a->rest, STR("~"))) {
		good = imap_arg_literal(a, &octets, &binary);
		if (good)
			buf_add(&e->value, octets);
		return good;
	}
	buf_init(&text, IMAP_COMMAND_MAX);
	good = imap_arg_nstring(a, &text, &e->nil);
	buf_add(&e->value, buf_str(&text));
	buf_release(&text);
	return good;
}

static bool
take_set(struct imap_args *a, struct imap_entries *entries)
{
	struct buf name;
	bool good;

	if (!imap_arg_char(a, '('))
		return false;
	buf_init(&name, IMAP_COMMAND_MAX);
	do {
		good = take_entry(a, &name) && may_be_set(buf_str(&name)) &&
		       imap_arg_space(a) &&
		       take_value(a, imap_entries_add(entries, buf_str(&name)));
	} while (good && imap_arg_space(a));
	buf_release(&name);
	return good && imap_arg_char(a, ')') && imap_arg_end(a);
}

static bool
has_too_long(const struct imap_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		if (entries->at[i].value.overrun)
			return true;
	return false;
}

static enum imap_event
refuse_long(struct imap *p)
{
	struct buf code;
	enum imap_event ev;

	buf_init(&code, KB);
	buf_addf(&code, "METADATA MAXSIZE %d", IMAP_METADATA_VALUE_MAX);
	ev = imap_reply_with(
	    p, IMAP_NO, buf_str(&code), "a value is too large");
	buf_release(&code);
	return ev;
}

enum imap_event
imap_cmd_setmetadata(struct imap *p, struct imap_args *a)
{
	struct imap_setmetadata_op *o = imap_op_new(
	    p, IMAP_OP_SETMETADATA, sizeof(*o), set_done, release_set);
	enum imap_event ev;

	if (!imap_name_take(a, &o->mailbox) || !imap_arg_space(a) ||
	    !take_set(a, &o->entries))
		ev = imap_reply_syntax(p, "bad arguments of SETMETADATA");
	else if (has_too_long(&o->entries))
		ev = refuse_long(p);
	else if (o->entries.n > COMMAND_ENTRIES_MAX)
		ev = imap_reply(
		    p, IMAP_NO, IMAP_CODE_TOOMANY, "too many entries at once");
	else
		return imap_ask(p, &o->op);
	imap_op_free(&o->op);
	return ev;
}
