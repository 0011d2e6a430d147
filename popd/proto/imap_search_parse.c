/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_search_parse.h"

#include <stdio.h>

#include "common/mime/charset.h"
#include "popd/proto/imap_search_word.h"

/* A search key that is not complete: NOT and OR wait for keys, a list (a key
 * AND) for its end. */
struct frame {
	size_t key;
	unsigned wanted; /* of NOT and OR: keys to come */
};

struct parse {
	struct search_parse in;
	struct frame frames[SEARCH_DEPTH_MAX];
	size_t depth;
};

static bool
open_frame(struct parse *s, enum search_kind kind, unsigned wanted)
{
	if (s->depth == SEARCH_DEPTH_MAX)
		return search_wrong(&s->in, "the search is nested too deep");
	s->frames[s->depth++] = (struct frame){s->in.q->n, wanted};
	search_add_key(s->in.q, kind);
	return true;
}

/* What begins a key: a parenthesis, NOT, OR (then *open: others follow), or all
 * of a key. */
static bool
take_key(struct parse *s, bool *open)
{
	*open = true;
	if (s->in.q->n >= SEARCH_KEYS_MAX)
		return search_wrong(&s->in, "there are too many search keys");
	if (imap_arg_char(s->in.a, '('))
		return open_frame(s, SEARCH_AND, 0);
	if (imap_arg_word(s->in.a, STR("NOT")))
		return open_frame(s, SEARCH_NOT, 1) &&
		       (imap_arg_space(s->in.a) ||
			   search_wrong(&s->in, "a key is expected"));
	if (imap_arg_word(s->in.a, STR("OR")))
		return open_frame(s, SEARCH_OR, 2) &&
		       (imap_arg_space(s->in.a) ||
			   search_wrong(&s->in, "a key is expected"));
	*open = false;
	return search_take_word(&s->in);
}

/* A key is complete, and so may be those around it.  False: another key is to
 * follow, or there is something wrong; depth 0: all is over. */
static bool
close_frames(struct parse *s)
{
	while (s->depth > 0) {
		struct frame *top = &s->frames[s->depth - 1];

		if (top->wanted > 0 && --top->wanted > 0)
			break;
		if (s->in.q->keys[top->key].kind == SEARCH_AND) {
			if (s->depth == 1 ? !imap_arg_end(s->in.a)
					  : !imap_arg_char(s->in.a, ')'))
				break;
		}
		s->in.q->keys[top->key].next = s->in.q->n;
		s->depth--;
	}
	return s->depth == 0 || imap_arg_space(s->in.a) ||
	       search_wrong(&s->in, "a search key is expected");
}

bool
search_take_keys(struct imap *p, struct imap_args *a,
    const struct search_charset *charset, struct search_program *out,
    struct search_error *e)
{
	struct parse s = {
	    .in = {.p = p, .a = a, .charset = charset, .q = out, .e = e}
        };
	bool open;

	open_frame(&s, SEARCH_AND, 0);
	do {
		if (!take_key(&s, &open) || (!open && !close_frames(&s)))
			return false;
	} while (s.depth > 0);
	return true;
}

static bool
blame(struct search_error *e, enum imap_status status, enum imap_code code,
    const char *text)
{
	*e = (struct search_error){status, code, text};
	return false;
}

bool
search_take_charset(
    struct imap_args *a, struct search_charset *out, struct search_error *e)
{
	struct buf name;
	bool good = false;

	buf_init(&name, sizeof(out->name) - 1);
	if (!imap_arg_astring(a, &name))
		blame(e, IMAP_BAD, IMAP_CODE_NONE, "a charset is expected");
	else if (!charset_known(buf_str(&name)))
		blame(e, IMAP_NO, IMAP_CODE_BADCHARSET,
		    "This charset is not known here");
	else
		good = true;
	snprintf(out->name, sizeof(out->name), "%.*s", STR_FMT(buf_str(&name)));
	buf_release(&name);
	return good;
}
