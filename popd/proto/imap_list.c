/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_list.h"

#include <stdlib.h>
#include <string.h>

#define PATTERNS_MAX  (64 * KB) /* of one command; the automaton has less */

#define RETURN_STATUS (1u << 16) /* beyond enum imap_list_style */

/* ---- options: RFC 9051 s6.3.9.1, s6.3.9.2; RFC 6154 s2; RFC 5819 ---- */

struct option {
	const char *name;
	unsigned is; /* bit in the set */
	enum imap_cap cap;
};

static const struct option selections[] = {
    {"SUBSCRIBED",     IMAP_LIST_SUBSCRIBED,     IMAP_CAP_LIST_EXTENDED},
    {"REMOTE",         IMAP_LIST_REMOTE,         IMAP_CAP_LIST_EXTENDED},
    {"RECURSIVEMATCH", IMAP_LIST_RECURSIVEMATCH, IMAP_CAP_LIST_EXTENDED},
    {"SPECIAL-USE",    IMAP_LIST_SPECIAL_USE,    IMAP_CAP_SPECIAL_USE  },
    {NULL,	     0,			0		     },
};

/* What CHILDREN and SPECIAL-USE ask is told in any case. */
static const struct option returns[] = {
    {"SUBSCRIBED",  IMAP_LIST_TELL_SUBSCRIBED, IMAP_CAP_LIST_EXTENDED},
    {"CHILDREN",    0,			 IMAP_CAP_LIST_EXTENDED},
    {"SPECIAL-USE", 0,			 IMAP_CAP_SPECIAL_USE  },
    {"STATUS",      RETURN_STATUS,             IMAP_CAP_LIST_STATUS  },
    {NULL,          0,			 0		     },
};

/* IMAP4rev2 has all of them in it. */
static bool
may(const struct imap *p, enum imap_cap cap)
{
	return imap_offers(p, cap) || imap_offers(p, IMAP_CAP_IMAP4REV2);
}

/* What was asked. */
struct asked {
	bool extended;
	unsigned select;  /* of enum imap_list_select */
	unsigned returns; /* of enum imap_list_style, and RETURN_STATUS */
	unsigned status;
	struct buf reference, patterns;
	bool empty; /* the one pattern is "" */
};

/* How it is told, while there is room. */
struct telling {
	unsigned style, status;
	struct imap_list_lines *lines;
};

static void
free_telling(void *work)
{
	struct telling *t = work;

	imap_list_lines_free(t->lines);
	free(t);
}

static bool
take_option(struct imap *p, struct imap_args *a, const struct option *o,
    unsigned *set, unsigned *status)
{
	for (; o->name != NULL; o++)
		if (may(p, o->cap) && imap_arg_word(a, str_of(o->name)))
			break;
	if (o->name == NULL)
		return false;
	*set |= o->is;
	return o->is != RETURN_STATUS ||
	       (imap_arg_space(a) && imap_status_take(p, a, status));
}

/* "(SUBSCRIBED ...)", which may be empty. */
static bool
take_options(struct imap *p, struct imap_args *a, const struct option *o,
    unsigned *set, unsigned *status)
{
	if (!imap_arg_char(a, '('))
		return false;
	if (imap_arg_char(a, ')'))
		return true;
	do {
		if (!take_option(p, a, o, set, status))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

static bool
take_pattern(struct imap_args *a, struct asked *q)
{
	struct buf pattern;
	bool good;

	buf_init(&pattern, PATTERNS_MAX);
	good = imap_arg_pattern(a, &pattern);
	q->empty = pattern.len == 0;
	if (good && !q->empty) {
		buf_add(&q->patterns, buf_str(&q->reference));
		buf_add_char(&q->patterns, '\0');
		buf_add(&q->patterns, buf_str(&pattern));
		buf_add_char(&q->patterns, '\0');
	}
	q->patterns.overrun |= pattern.overrun;
	buf_release(&pattern);
	return good;
}

/* One, or with LIST-EXTENDED several in parentheses. */
static bool
take_patterns(struct imap *p, struct imap_args *a, struct asked *q)
{
	if (!may(p, IMAP_CAP_LIST_EXTENDED) || !imap_arg_char(a, '('))
		return take_pattern(a, q);
	q->extended = true;
	do {
		if (!take_pattern(a, q))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

static bool
take_reference(struct imap_args *a, struct asked *q)
{
	return imap_arg_mailbox(a, &q->reference);
}

/* RFC 9051 s9 list, without "LIST". */
static bool
take_list(struct imap *p, struct imap_args *a, struct asked *q)
{
	if (may(p, IMAP_CAP_LIST_EXTENDED) && str_starts(a->rest, STR("("))) {
		q->extended = true;
		if (!take_options(p, a, selections, &q->select, &q->status) ||
		    !imap_arg_space(a))
			return false;
	}
	if (!take_reference(a, q) || !imap_arg_space(a) ||
	    !take_patterns(p, a, q))
		return false;
	if (may(p, IMAP_CAP_LIST_EXTENDED) && imap_arg_space(a)) {
		q->extended = true;
		if (!imap_arg_word(a, STR("RETURN")) || !imap_arg_space(a) ||
		    !take_options(p, a, returns, &q->returns, &q->status))
			return false;
	}
	/* RFC 9051 s6.3.9.1: not alone, and not with REMOTE alone */
	if ((q->select & IMAP_LIST_RECURSIVEMATCH) != 0 &&
	    (q->select & IMAP_LIST_SUBSCRIBED) == 0)
		return false;
	return imap_arg_end(a);
}

static bool
take_lsub(struct imap *p, struct imap_args *a, struct asked *q)
{
	(void)p;
	q->select = IMAP_LIST_LSUB;
	return take_reference(a, q) && imap_arg_space(a) &&
	       take_pattern(a, q) && imap_arg_end(a);
}

/* ---- telling ---- */

static enum imap_event
tell_lines(struct imap *p)
{
	struct telling *t = p->work;

	while (t->lines->told < t->lines->n) {
		const struct imap_list_line *line;

		if (imap_is_full(p)) {
			p->resume = tell_lines;
			return IMAP_DRAIN;
		}
		line = &t->lines->lines[t->lines->told++];
		imap_list_write(p, t->style, line, NULL);
		if (t->status != 0 && line->box.id != 0 && line->selected)
			imap_status_write(
			    p, str_of(line->name), t->status, &line->box);
	}
	p->resume = NULL;
	return imap_reply_done(p);
}

static void
listed(struct imap *p, struct imap_op *op)
{
	struct imap_list_op *o = (struct imap_list_op *)op;
	struct telling *t = p->work;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	t->lines = o->lines;
	o->lines = NULL;
	p->next = tell_lines(p);
}

static void
release_list(struct imap_op *op)
{
	struct imap_list_op *o = (struct imap_list_op *)op;

	buf_release(&o->patterns);
	imap_list_lines_free(o->lines);
}

static unsigned
style_of(const struct imap *p, const struct asked *q)
{
	unsigned style = q->returns & ~RETURN_STATUS;

	if ((q->select & IMAP_LIST_LSUB) != 0)
		style |= IMAP_LIST_AS_LSUB;
	if (q->extended || imap_has(p, IMAP_HAS_REV2))
		style |= IMAP_LIST_EXTENDED;
	if ((q->select & IMAP_LIST_SUBSCRIBED) != 0)
		style |= IMAP_LIST_TELL_SUBSCRIBED;
	if ((q->select & IMAP_LIST_RECURSIVEMATCH) != 0)
		style |= IMAP_LIST_TELL_CHILDINFO;
	return style;
}

static enum imap_event
ask_list(struct imap *p, struct asked *q)
{
	struct imap_list_op *o = imap_op_new(
	    p, IMAP_OP_LIST, sizeof(*o), listed, release_list);
	struct telling *t = MEM_NEW(struct telling);

	imap_status_use(p, q->status);
	o->select = q->select;
	o->status = q->status;
	o->patterns = q->patterns;
	buf_init(&q->patterns, PATTERNS_MAX);
	t->style = style_of(p, q);
	t->status = q->status;
	p->work = t;
	p->free_work = free_telling;
	return imap_ask(p, &o->op);
}

typedef bool take_arguments(
    struct imap *p, struct imap_args *a, struct asked *q);

static enum imap_event
list(struct imap *p, struct imap_args *a, take_arguments *take)
{
	struct asked q = {0};
	enum imap_event ev;
	bool good;

	buf_init(&q.reference, PATTERNS_MAX);
	buf_init(&q.patterns, PATTERNS_MAX);
	good = take(p, a, &q);
	if (q.patterns.overrun || q.reference.overrun) {
		ev = imap_reply(
		    p, IMAP_NO, IMAP_CODE_LIMIT, "Too many patterns");
	} else if (!good) {
		ev = imap_reply_syntax(p, "bad arguments of a list");
	} else if (q.empty && !q.extended) {
		/* the delimiter and the root: iOS shows no mailboxes without */
		imap_untagged(p, "%s (\\Noselect) \"/\" \"\"",
		    q.select == IMAP_LIST_LSUB ? "LSUB" : "LIST");
		ev = imap_reply_done(p);
	} else {
		ev = ask_list(p, &q);
	}
	buf_release(&q.reference);
	buf_release(&q.patterns);
	return ev;
}

enum imap_event
imap_cmd_list(struct imap *p, struct imap_args *a)
{
	return list(p, a, take_list);
}

enum imap_event
imap_cmd_lsub(struct imap *p, struct imap_args *a)
{
	return list(p, a, take_lsub);
}
