/* SPDX-License-Identifier: MIT */
#include "mailctl/agent.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/conn.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"

#define LINE_ROOM   2048
#define DATA_ROOM   (1 * MB)
#define PATIENCE_MS 20000

struct agent {
	struct agent_options o;
	struct conn *conn;
	size_t at; /* the step */
	struct line line;
	struct dot_reader dots;
	struct buf kept, collected;
	bool began_tls;
	bool over; /* nothing more is done */
	char problem[300];
};

static void
give_up(struct agent *a, const char *problem, struct str words)
{
	snprintf(
	    a->problem, sizeof(a->problem), "%s%.*s", problem, STR_FMT(words));
	a->over = true;
	conn_abort(a->conn);
}

/* Take reply lines.  True when the last one of the expected reply came. */
static bool
take_reply(struct agent *a, const struct agent_step *step, struct str *in)
{
	struct str line;

	for (;;) {
		enum line_result r = line_take(&a->line, in, &line);
		if (r == LINE_MORE)
			return false;
		if (r != LINE_READY) {
			give_up(a, "the server sent a malformed line", STR(""));
			return false;
		}
		if (!str_starts(line, step->text)) {
			give_up(a, "the server said: ", line);
			return false;
		}
		/* RFC 5321 s4.2.1: a hyphen after the code means more */
		if (!str_starts(str_after(line, step->text.len), STR("-")))
			break;
	}
	if (step->action == AGENT_KEEP) {
		buf_clear(&a->kept);
		buf_add(&a->kept, line);
	}
	return true;
}

static bool
take_data(struct agent *a, struct str *in)
{
	if (dot_read(&a->dots, in, &a->collected) == DOT_END)
		return true;
	if (in->len > 0)
		give_up(a, "the message is larger than was sent", STR(""));
	return false;
}

/* TLS is begun once and is over when conn_tls() says so. */
static bool
take_tls(struct agent *a, struct str in)
{
	const struct conn_tls *tls = conn_tls(a->conn);

	if (!a->began_tls && in.len > 0) {
		give_up(
		    a, "the server spoke between STARTTLS and TLS", STR(""));
		return false;
	}
	if (!a->began_tls) {
		a->began_tls = true;
		conn_start_tls(a->conn, a->o.tls, a->o.server_name);
		return false;
	}
	if (tls == NULL)
		return false;
	if (!tls->verified) {
		give_up(a, "", str_of(tls->problem));
		return false;
	}
	return true;
}

/* One step.  True when it is done. */
static bool
take_step(struct agent *a, struct str *in)
{
	const struct agent_step *step = &a->o.steps[a->at];

	switch (step->action) {
	case AGENT_EXPECT:
	case AGENT_KEEP:
		return take_reply(a, step, in);
	case AGENT_SEND:
		conn_send(a->conn, step->text);
		return true;
	case AGENT_COLLECT:
		return take_data(a, in);
	case AGENT_TLS:
		return take_tls(a, *in);
	}
	return false;
}

static void
on_ready(void *arg, struct conn *c)
{
	struct agent *a = arg;

	while (!a->over && a->at < a->o.n) {
		struct str in = conn_input(c);
		size_t before = in.len;
		bool stepped = take_step(a, &in);
		if (a->over)
			return;
		if (before > in.len)
			conn_consume(c, before - in.len);
		if (!stepped)
			break;
		a->at++;
	}
	if (a->at == a->o.n) {
		a->over = true;
		conn_finish(c);
	} else if (conn_eof(c)) {
		give_up(a, "the server closed the connection", STR(""));
	}
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct agent *a = arg;
	bool whole = a->at == a->o.n;

	(void)end;
	if (!whole && a->problem[0] == '\0')
		snprintf(a->problem, sizeof(a->problem), "%s",
		    text != NULL ? text : "the connection broke");
	a->o.done(a->o.arg, &(struct agent_result){
				.problem = whole ? NULL : a->problem,
				.kept = buf_str(&a->kept),
				.collected = buf_str(&a->collected),
			    });
	line_release(&a->line);
	buf_release(&a->kept);
	buf_release(&a->collected);
	free(a);
}

static void
on_expired(void *arg, struct conn *c)
{
	(void)c;
	give_up(arg, "the server does not answer", STR(""));
}

static const struct conn_host host = {
    .ready = on_ready,
    .closed = on_closed,
    .expired = on_expired,
};

void
agent_start(const struct agent_options *o)
{
	const struct conn_limits limits = conn_default_limits();
	struct agent *a = MEM_NEW(struct agent);

	a->o = *o;
	line_init(&a->line, LINE_ROOM);
	dot_reader_init(&a->dots);
	buf_init(&a->kept, LINE_ROOM);
	buf_init(&a->collected, DATA_ROOM);
	a->conn = conn_connect(o->loop, &o->at, NULL, &host, a, &limits);
	conn_deadline(a->conn, PATIENCE_MS);
}
