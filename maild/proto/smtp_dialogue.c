/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_dialogue.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct str gap = STR("-- ...\n");

static size_t
line_len(struct str text)
{
	size_t at = 0;

	assert(str_find(text, '\n', &at));
	return at + 1;
}

/* Take n octets out from `at' on. */
static void
cut_out(struct smtp_dialogue *d, size_t at, size_t n)
{
	struct str rest = str_after(buf_str(&d->text), at + n);

	memmove(d->text.data + at, rest.at, rest.len);
	buf_cut(&d->text, at + rest.len);
}

/* Drop the oldest lines behind the head, until n more octets fit. */
static void
make_room(struct smtp_dialogue *d, size_t n)
{
	while (d->text.len + n + gap.len > SMTP_DIALOGUE_MAX) {
		size_t at = d->head + (d->dropped ? gap.len : 0);
		size_t len = line_len(str_after(buf_str(&d->text), at));

		if (!d->dropped) { /* the first line makes room for the gap */
			while (len < gap.len)
				len += line_len(
				    str_after(buf_str(&d->text), at + len));
			memcpy(d->text.data + at, gap.at, gap.len);
			at += gap.len;
			len -= gap.len;
			d->dropped = true;
		}
		cut_out(d, at, len);
	}
}

void
smtp_dialogue_init(struct smtp_dialogue *d)
{
	*d = (struct smtp_dialogue){0};
	buf_init(&d->text, SMTP_DIALOGUE_MAX);
}

void
smtp_dialogue_release(struct smtp_dialogue *d)
{
	buf_release(&d->text);
	smtp_dialogue_init(d);
}

void
smtp_dialogue_add(struct smtp_dialogue *d, const char *who, struct str line)
{
	struct str head = str_of(who);

	line = str_first(line, SMTP_DIALOGUE_LINE);
	make_room(d, head.len + line.len + 1);
	buf_add(&d->text, head);
	for (size_t i = 0; i < line.len; i++) {
		char c = line.at[i];

		buf_add_char(&d->text, c >= ' ' && c <= '~' ? c : '?');
	}
	buf_add_char(&d->text, '\n');
	assert(!d->text.overrun);
	if (!d->begun && d->text.len <= SMTP_DIALOGUE_HEAD)
		d->head = d->text.len;
}

void
smtp_dialogue_commands(struct smtp_dialogue *d, struct str commands)
{
	while (commands.len > 0) {
		struct str line = str_cut(&commands, '\n');

		smtp_dialogue_add(d, "C: ", str_first(line, line.len - 1));
	}
}

void
smtp_dialogue_reply(struct smtp_dialogue *d, const struct smtp_reply *r)
{
	struct str text = r->text;
	bool first = true;

	do {
		struct str line = str_cut(&text, '\n');
		char head[40];

		snprintf(head, sizeof(head), "S: %d%c%s%s", r->code,
		    text.len > 0 ? '-' : ' ', first ? r->enhanced : "",
		    first && r->enhanced[0] != '\0' ? " " : "");
		smtp_dialogue_add(d, head, line);
		first = false;
	} while (text.len > 0);
}

void
smtp_dialogue_begin(struct smtp_dialogue *d)
{
	buf_cut(&d->text, d->head);
	d->begun = true;
	d->dropped = false;
}
