/* SPDX-License-Identifier: MIT */
#include "mailctl/internet_reply.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/buf.h"

#define REPLY_MOST 4000
#define LINE_MOST  510 /* RFC 5321 s4.5.3.1.5 */

/* "250-mx.test", "250 ok": with the code of the line before it. */
static bool
is_line(struct str line, bool last, const char *code)
{
	return line.len >= 3 && line.len <= LINE_MOST && line.at[0] >= '2' &&
	       line.at[0] <= '5' && line.at[1] >= '0' && line.at[1] <= '9' &&
	       line.at[2] >= '0' && line.at[2] <= '9' &&
	       str_starts(line, (struct str){code, 3}) &&
	       (line.len == 3 ? last : line.at[3] == (last ? ' ' : '-'));
}

/* Lines of one reply (RFC 5321 s4.2.1), with CRLF after each.  NULL: none. */
static char *
take_lines(struct str text)
{
	struct buf out;
	bool good = text.len > 3;
	const char *code = text.at;

	buf_init(&out, REPLY_MOST);
	while (good && text.len > 0) {
		struct str line = str_cut(&text, '\n');
		size_t at;

		good = is_line(line, text.len == 0, code) &&
		       !str_find(line, '\r', &at);
		buf_addf(&out, "%.*s\r\n", STR_FMT(line));
	}
	if (good && !out.overrun)
		return buf_take(&out);
	buf_release(&out);
	return NULL;
}

static bool
take_reply(struct str text, struct actor_reply *out)
{
	*out = (struct actor_reply){.kind = ACTOR_SAY};
	if (str_eq(text, STR("hang")))
		out->kind = ACTOR_SAY_NOTHING;
	else if (str_eq(text, STR("drop")))
		out->kind = ACTOR_SAY_GOODBYE;
	else
		out->text = take_lines(text);
	return out->kind != ACTOR_SAY || out->text != NULL;
}

/* In the middle of the data a server may only give up. */
static bool
fits(enum actor_verb verb, const struct actor_reply *r)
{
	return verb != ACTOR_BODY || r->kind != ACTOR_SAY ||
	       str_starts(str_of(r->text), STR("421"));
}

static int
find_verb(const char *word)
{
	for (int v = 0; v < ACTOR_VERBS_N; v++)
		if (str_eq(str_of(word),
			str_of(actor_verb_word((enum actor_verb)v))))
			return v;
	return -1;
}

static void
list_verbs(char *why, size_t room, const char *word)
{
	struct buf text;

	buf_init(&text, room);
	buf_addf(&text, "\"%s\" is no command, only:", word);
	for (int v = 0; v < ACTOR_VERBS_N; v++)
		buf_addf(&text, " %s", actor_verb_word((enum actor_verb)v));
	snprintf(why, room, "%.*s", STR_FMT(buf_str(&text)));
	buf_release(&text);
}

int
internet_reply_read(const char *word, const json_t *value,
    struct actor_rules *s, size_t *at, char *why, size_t room)
{
	int verb = find_verb(word);
	size_t n = json_is_array(value) ? json_array_size(value) : 1;
	struct actor_script *script;

	*at = SIZE_MAX;
	if (verb == -1) {
		list_verbs(why, room, word);
		return -1;
	}
	script = &s->scripts[verb];
	script->replies = mem_new(n, sizeof(*script->replies));
	for (*at = 0; *at < n; ++*at) {
		const json_t *one = json_is_array(value)
		                        ? json_array_get(value, *at)
		                        : value;
		struct actor_reply *r = &script->replies[script->n];

		if (json_is_string(one) &&
		    take_reply((struct str){json_string_value(one),
				   json_string_length(one)},
			r)) {
			script->n++;
			if (fits((enum actor_verb)verb, r))
				continue;
		}
		snprintf(why, room,
		    verb == ACTOR_BODY
			? "in the middle of data it can only \"hang\", "
			  "\"drop\" or say 421"
			: "it must be a reply like \"450 4.2.1 busy\", "
			  "\"hang\" or \"drop\"");
		return -1;
	}
	return 0;
}
