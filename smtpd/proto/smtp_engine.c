/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_engine.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/secret.h"

#define PROGRESS_STEP 4096 /* octets of data that count as progress */

/* The picture of smtp_server.h, edge by edge. */
static const struct edge {
	enum smtp_state from;
	unsigned to;
} edges[] = {
    {IN_SILENT, IN_GREET | IN_CLOSED                     },
    {IN_GREET,  IN_READY | IN_CLOSED                     },
    {IN_READY,  IN_GREET | IN_LOGIN | IN_MAIL | IN_CLOSED},
    {IN_LOGIN,  IN_READY | IN_CLOSED                     },
    {IN_MAIL,   IN_RCPT | IN_READY | IN_CLOSED           },
    {IN_RCPT,   IN_DATA | IN_CHUNK | IN_READY | IN_CLOSED},
    {IN_DATA,   IN_READY | IN_CLOSED                     },
    {IN_CHUNK,  IN_CHUNKS | IN_READY | IN_CLOSED         },
    {IN_CHUNKS, IN_CHUNK | IN_READY | IN_CLOSED          },
    {IN_CLOSED, IN_CLOSED				},
};

static bool
is_edge(enum smtp_state from, enum smtp_state to)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i].from == from)
			return (edges[i].to & to) != 0;
	return false;
}

void
smtp_enter(struct smtp_server *s, enum smtp_state to)
{
	assert(is_edge(s->state, to));
	s->state = to;
}

void
smtp_reset_transaction(struct smtp_server *s)
{
	buf_release(&s->held);
	buf_release(&s->envelope_id);
	buf_release(&s->body);
	dot_reader_init(&s->dot);
	s->chunk = (struct chunk){0};
	s->text = (struct smtp_text){0};
	s->utf8 = s->binary = s->ended = false;
	s->recipients = 0;
	s->size = 0;
	s->unread = 0;
	if (s->state & IN_TRANSACTION)
		smtp_enter(s, IN_READY);
}

void
smtp_drop_login(struct smtp_server *s)
{
	if (s->sasl != NULL)
		sasl_release(s->sasl);
	free(s->sasl);
	s->sasl = NULL;
	s->scram = SCRAM_UNUSED;
	secret_wipe(&s->scram_message);
	if (s->state == IN_LOGIN)
		smtp_enter(s, IN_READY);
}

void
smtp_count_progress(struct smtp_server *s, size_t octets)
{
	s->unread += octets;
	s->progress += s->unread / PROGRESS_STEP;
	s->unread %= PROGRESS_STEP;
}

void
smtp_say_with(struct smtp_server *s, enum smtp_reply r, struct str arg)
{
	if (smtp_reply_flags(r) & REPLY_FAULT) {
		if (s->errors >= s->o.max_errors)
			r = REPLY_TOO_MANY_ERRORS;
		s->errors++;
	}
	smtp_reply_add(&s->out, r, arg);
	s->last = r;
	if (smtp_reply_code(r) == 421)
		smtp_enter(s, IN_CLOSED);
}

void
smtp_say(struct smtp_server *s, enum smtp_reply r)
{
	smtp_say_with(s, r, STR(""));
}
