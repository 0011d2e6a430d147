/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_outcome.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void
reset(struct smtp_outcome *o, enum smtp_result result)
{
	struct buf text = o->text;

	buf_clear(&text);
	*o = (struct smtp_outcome){.result = result, .text = text};
}

void
smtp_outcome_init(struct smtp_outcome *o)
{
	*o = (struct smtp_outcome){0};
	buf_init(&o->text, 1 * KB);
}

void
smtp_outcome_release(struct smtp_outcome *o)
{
	buf_release(&o->text);
	smtp_outcome_init(o);
}

void
smtp_outcome_reply(struct smtp_outcome *o, const struct smtp_reply *r)
{
	int class = r->code / 100;

	assert(class == 2 || class == 4 || class == 5);
	reset(o, class == 2 ? SMTP_SENT : class == 4 ? SMTP_TEMP : SMTP_PERM);
	o->code = r->code;
	if (r->enhanced[0] != '\0')
		memcpy(o->enhanced, r->enhanced, sizeof(o->enhanced));
	else
		snprintf(o->enhanced, sizeof(o->enhanced), "%d.0.0", class);
	smtp_reply_one_line(r, &o->text);
	assert(!o->text.overrun);
}

void
smtp_outcome_say(struct smtp_outcome *o, enum smtp_result result,
    const char *enhanced, const char *fmt, ...)
{
	char words[SMTP_REPLY_ONE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	reset(o, result);
	snprintf(o->enhanced, sizeof(o->enhanced), "%s", enhanced);
	buf_addf(&o->text, "%s ", enhanced);
	for (const char *c = words; *c != '\0'; c++)
		buf_add_char(&o->text, *c >= ' ' && *c <= '~' ? *c : '?');
	assert(!o->text.overrun);
}

void
smtp_outcome_copy(struct smtp_outcome *o, const struct smtp_outcome *from)
{
	struct buf text = o->text;

	if (o == from)
		return;
	buf_clear(&text);
	buf_add(&text, buf_str(&from->text));
	*o = *from;
	o->text = text;
}
