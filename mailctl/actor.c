/* SPDX-License-Identifier: MIT */
#include "mailctl/actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"
#include "mailctl/actor_rules.h"

#define LINE_MOST   12288 /* RFC 4954 s4: AUTH; others are shorter */
#define CHUNK_MOST  (16 * KB)
#define OUTPUT_MOST (64 * KB)

enum state {
	BEFORE_GREETING,
	GREETED,
	READY,
	SENDER,
	RCPT,
	BODY,
	ENDED, /* the last of it was given */
	TOLD,  /* and answered; sender and recipients are still there */
	OVER,
};

struct actor {
	struct actor_rules *rules;
	const struct clock *clock;
	char *peer;
	enum state state;
	bool tls, secured;
	struct line line;
	struct dot_reader dots;
	struct buf chunk, out;
	size_t size; /* of the message so far */
	char *client, *sender;
	struct actor_words recipients;
};

struct actor *
actor_new(struct actor_rules *rules, const struct clock *clock,
    const char *peer, bool tls)
{
	struct actor *a = MEM_NEW(struct actor);

	a->rules = rules;
	a->clock = clock;
	a->peer = mem_dup(str_of(peer));
	a->tls = tls;
	line_init(&a->line, LINE_MOST);
	buf_init(&a->chunk, CHUNK_MOST);
	buf_init(&a->out, OUTPUT_MOST);
	return a;
}

static void
forget_message(struct actor *a)
{
	free(a->sender);
	a->sender = NULL;
	actor_words_release(&a->recipients);
	buf_clear(&a->chunk);
	a->size = 0;
}

void
actor_free(struct actor *a)
{
	if (a == NULL)
		return;
	forget_message(a);
	line_release(&a->line);
	buf_release(&a->chunk);
	buf_release(&a->out);
	free(a->client);
	free(a->peer);
	free(a);
}

/* ---- what it says ---- */

/* The reply of the script, or this one.  Whether it was a good one: *good. */
static enum actor_event
say(struct actor *a, enum actor_verb verb, const char *text, bool *good)
{
	const struct actor_reply *r = actor_rules_next(a->rules, verb);

	*good = false;
	if (r != NULL && r->kind != ACTOR_SAY) {
		a->state = OVER;
		return r->kind == ACTOR_SAY_NOTHING ? ACTOR_HANG : ACTOR_DROP;
	}
	if (r != NULL)
		text = r->text;
	buf_addf(&a->out, "%s", text);
	*good = text[0] == '2' || text[0] == '3';
	if (!str_starts(str_of(text), STR("421")))
		return ACTOR_MORE;
	a->state = OVER; /* RFC 5321 s3.8: and closes */
	return ACTOR_CLOSE;
}

static enum actor_event
greet(struct actor *a)
{
	char text[600];
	bool good;
	enum actor_event ev;

	a->state = GREETED;
	snprintf(text, sizeof(text), "220 %s ESMTP\r\n", a->rules->host);
	ev = say(a, ACTOR_CONNECT, text, &good);
	if (ev != ACTOR_MORE || good)
		return ev;
	a->state = OVER;
	return ACTOR_CLOSE;
}

static void
set(char **to, struct str text)
{
	free(*to);
	*to = mem_dup(text);
}

static enum actor_event
cmd_ehlo(struct actor *a, struct str argument)
{
	struct buf text;
	enum actor_event ev;
	bool good;

	buf_init(&text, 2 * KB);
	buf_addf(&text,
	    "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
	    "250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n",
	    a->rules->host);
	if (a->tls && !a->secured)
		buf_addf(&text, "250-STARTTLS\r\n");
	if (a->secured)
		buf_addf(&text, "250-REQUIRETLS\r\n");
	buf_addf(&text, "250 SIZE %zu\r\n", actor_rules_size(a->rules));
	ev = say(a, ACTOR_EHLO, text.data, &good);
	buf_release(&text);
	if (!good)
		return ev;
	forget_message(a);
	set(&a->client, argument);
	a->state = READY;
	return ev;
}

static enum actor_event
cmd_helo(struct actor *a, struct str argument)
{
	char text[600];
	enum actor_event ev;
	bool good;

	snprintf(text, sizeof(text), "250 %s\r\n", a->rules->host);
	ev = say(a, ACTOR_HELO, text, &good);
	if (!good)
		return ev;
	forget_message(a);
	set(&a->client, argument);
	a->state = READY;
	return ev;
}

static enum actor_event
cmd_starttls(struct actor *a, struct str argument)
{
	enum actor_event ev;
	bool good;

	(void)argument;
	ev = say(a, ACTOR_STARTTLS,
	    a->tls && !a->secured ? "220 2.0.0 go ahead\r\n"
				  : "502 5.5.1 not here\r\n",
	    &good);
	return ev == ACTOR_MORE && good && a->tls && !a->secured ? ACTOR_TLS
	                                                         : ev;
}

/* "FROM:<x@y> SIZE=5": the path without brackets, and the parameters. */
static bool
take_path(struct str *argument, struct str word, struct str *path)
{
	size_t end;

	if (!str_take_nocase(argument, word))
		return false;
	*argument = str_trim(*argument);
	if (!str_take(argument, '<') || !str_find(*argument, '>', &end))
		return false;
	/* a quoted local part may hold one */
	while (end + 1 < argument->len && argument->at[end + 1] != ' ') {
		size_t more;

		if (!str_find(str_after(*argument, end + 1), '>', &more))
			return false;
		end += 1 + more;
	}
	*path = str_first(*argument, end);
	*argument = str_trim(str_after(*argument, end + 1));
	return true;
}

/* Of SIZE=n among the parameters; 0 without. */
static size_t
said_size(struct str parameters)
{
	size_t n = 0;

	while (parameters.len > 0) {
		struct str one = str_cut(&parameters, ' ');

		if (str_take_nocase(&one, STR("SIZE=")) &&
		    !str_to_size(one, SIZE_MAX, &n))
			n = SIZE_MAX;
	}
	return n;
}

static enum actor_event
cmd_mail(struct actor *a, struct str argument)
{
	const char *text = "250 2.1.0 ok\r\n";
	struct str path;
	enum actor_event ev;
	bool good;

	if (a->state != READY)
		text = "503 5.5.1 not now\r\n";
	else if (!take_path(&argument, STR("FROM:"), &path))
		text = "501 5.5.4 MAIL FROM:<address>\r\n";
	else if (said_size(argument) > actor_rules_size(a->rules))
		text = "552 5.3.4 too large for us\r\n";
	if (text[0] != '2') {
		buf_addf(&a->out, "%s", text);
		return ACTOR_MORE;
	}
	ev = say(a, ACTOR_MAIL, text, &good);
	if (good) {
		set(&a->sender, path);
		a->state = SENDER;
	}
	return ev;
}

static enum actor_event
cmd_rcpt(struct actor *a, struct str argument)
{
	char room[ACTOR_RCPT_ROOM];
	const char *text;
	struct str path;
	enum actor_event ev;
	bool good;

	if (a->state != SENDER && a->state != RCPT)
		text = "503 5.5.1 not now\r\n";
	else if (!take_path(&argument, STR("TO:"), &path) || path.len == 0)
		text = "501 5.5.4 RCPT TO:<address>\r\n";
	else if (a->recipients.n == ACTOR_RECIPIENTS_MAX)
		text = "452 4.5.3 too many recipients\r\n";
	else
		text = actor_rules_rcpt(a->rules, a->peer, a->sender, path,
		    clock_wall_ms(a->clock), room);
	if (text[0] != '2') {
		buf_addf(&a->out, "%s", text);
		return ACTOR_MORE;
	}
	ev = say(a, ACTOR_RCPT, text, &good);
	if (good) {
		actor_words_add(&a->recipients, path);
		a->state = RCPT;
	}
	return ev;
}

static enum actor_event
cmd_data(struct actor *a, struct str argument)
{
	enum actor_event ev;
	bool good;

	(void)argument;
	if (a->state != RCPT) {
		buf_addf(&a->out, "503 5.5.1 no recipients\r\n");
		return ACTOR_MORE;
	}
	ev = say(a, ACTOR_DATA, "354 go on\r\n", &good);
	if (!good)
		return ev;
	dot_reader_init(&a->dots);
	a->state = BODY;
	return ACTOR_BEGIN;
}

static enum actor_event
cmd_rset(struct actor *a, struct str argument)
{
	enum actor_event ev;
	bool good;

	(void)argument;
	ev = say(a, ACTOR_RSET, "250 2.0.0 ok\r\n", &good);
	if (a->state == SENDER || a->state == RCPT)
		a->state = READY;
	forget_message(a);
	return ev;
}

static enum actor_event
cmd_noop(struct actor *a, struct str argument)
{
	bool good;

	(void)argument;
	return say(a, ACTOR_NOOP, "250 2.0.0 ok\r\n", &good);
}

static enum actor_event
cmd_vrfy(struct actor *a, struct str argument)
{
	bool good;

	(void)argument;
	return say(a, ACTOR_VRFY, "252 2.5.2 try and see\r\n", &good);
}

static enum actor_event
cmd_quit(struct actor *a, struct str argument)
{
	enum actor_event ev;
	bool good;

	(void)argument;
	ev = say(a, ACTOR_QUIT, "221 2.0.0 bye\r\n", &good);
	a->state = OVER;
	return ev == ACTOR_MORE ? ACTOR_CLOSE : ev;
}

static const struct {
	struct str word;
	enum actor_event (*run)(struct actor *a, struct str argument);
} commands[] = {
    {{"EHLO", 4},     cmd_ehlo    },
    {{"HELO", 4},     cmd_helo    },
    {{"STARTTLS", 8}, cmd_starttls},
    {{"MAIL", 4},     cmd_mail    },
    {{"RCPT", 4},     cmd_rcpt    },
    {{"DATA", 4},     cmd_data    },
    {{"RSET", 4},     cmd_rset    },
    {{"NOOP", 4},     cmd_noop    },
    {{"VRFY", 4},     cmd_vrfy    },
    {{"QUIT", 4},     cmd_quit    },
};

static enum actor_event
command(struct actor *a, struct str line)
{
	struct str word = str_cut(&line, ' ');

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (str_eq_nocase(word, commands[i].word))
			return commands[i].run(a, line);
	buf_addf(&a->out, "500 5.5.1 what?\r\n");
	return ACTOR_MORE;
}

/* ---- data ---- */

static enum actor_event
end_of_data(struct actor *a)
{
	bool small = a->size <= actor_rules_size(a->rules), good;
	enum actor_event ev = say(a, ACTOR_END,
	    small ? "250 2.0.0 ok, it is mine\r\n"
		  : "552 5.3.4 too large for us\r\n",
	    &good);

	if (ev != ACTOR_MORE)
		return ev;
	a->state = TOLD;
	return good ? ACTOR_KEEP : ACTOR_LEAVE;
}

static enum actor_event
body(struct actor *a, struct str *in)
{
	bool good;

	buf_clear(&a->chunk);
	if (in->len > 0 && a->rules->scripts[ACTOR_BODY].n > 0) {
		enum actor_event ev = say(a, ACTOR_BODY, "", &good);
		if (ev != ACTOR_MORE)
			return ev;
	}
	if (dot_read(&a->dots, in, &a->chunk) == DOT_END)
		a->state = ENDED;
	a->size += a->chunk.len;
	if (a->size > actor_rules_size(a->rules))
		buf_clear(&a->chunk); /* read to its end, and refused there */
	return a->chunk.len > 0 || a->state == ENDED || in->len > 0
	           ? ACTOR_CHUNK
	           : ACTOR_MORE;
}

enum actor_event
actor_step(struct actor *a, struct str *in)
{
	struct str line;
	enum actor_event ev = ACTOR_MORE;

	if (a->state == BEFORE_GREETING)
		return greet(a);
	if (a->state == ENDED)
		return end_of_data(a);
	if (a->state == TOLD) {
		forget_message(a);
		a->state = READY;
	}
	if (a->state == BODY)
		return body(a, in);
	if (a->state == OVER)
		*in = STR("");
	while (ev == ACTOR_MORE && in->len > 0 && a->out.len == 0)
		switch (line_take(&a->line, in, &line)) {
		case LINE_READY:
			ev = command(a, line);
			break;
		case LINE_BAD:
		case LINE_TOO_LONG:
			buf_addf(&a->out, "500 5.5.2 no line of SMTP\r\n");
			break;
		case LINE_MORE:
			break;
		}
	return ev;
}

void
actor_secured(struct actor *a)
{
	/* RFC 3207 s4.2: nothing said before counts */
	forget_message(a);
	a->secured = true;
	a->state = GREETED;
}

struct buf *
actor_output(struct actor *a)
{
	return &a->out;
}

struct str
actor_chunk(const struct actor *a)
{
	return buf_str(&a->chunk);
}

const char *
actor_client(const struct actor *a)
{
	return a->client != NULL ? a->client : "";
}

const char *
actor_sender(const struct actor *a)
{
	return a->sender;
}

const struct actor_words *
actor_recipients(const struct actor *a)
{
	return &a->recipients;
}
