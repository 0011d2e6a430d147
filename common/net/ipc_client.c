/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/conn_internal.h"
#include "common/net/ipc.h"
#include "common/net/ipc_line.h"

#define MAX_LINES   128  /* connections, each with one question */
#define MAX_WAITING 4096 /* questions; more are refused at once */

/* A question, in exactly one of the client's rings. */
struct question {
	struct question *next, *prev;
	struct ipc_client *client;
	struct line *line; /* asked there, or NULL */
	struct timer *timer;
	ipc_answer *fn;
	void *arg;
	const char *why; /* failed: what the answer says */
	size_t len;
	char *text; /* right behind, with newline */
};

/* A connection to the server. */
struct line {
	struct line *next, *prev;
	struct ipc_client *client; /* NULL: gone, the conn is being closed */
	struct conn *conn;
	struct question *question; /* being asked, or NULL */
	size_t scanned;
};

struct ipc_client {
	struct loop *loop; /* borrowed */
	struct address server;
	bool path_fits;
	int64_t timeout_ms;
	struct question waiting, asked, failed; /* rings */
	size_t n_waiting;
	struct line lines; /* ring */
	size_t n_lines;
	struct loop_task task; /* asks and answers, never inside ipc_ask() */
	bool closing;
};

static void
unlink_question(struct question *q)
{
	q->next->prev = q->prev;
	q->prev->next = q->next;
}

static void
move_question(struct question *q, struct question *ring)
{
	if (q->next != NULL)
		unlink_question(q);
	q->next = ring;
	q->prev = ring->prev;
	q->prev->next = q;
	ring->prev = q;
}

/* Call back and forget. */
static void
answer(struct question *q, bool ok, struct str text)
{
	unlink_question(q);
	timer_free(q->timer);
	q->fn(q->arg, ok, text);
	explicit_bzero(q->text, q->len); /* it may hold a password */
	free(q);
}

/* The answer is given from the loop. */
static void
give_up(struct question *q, const char *why)
{
	struct ipc_client *c = q->client;

	if (q->line != NULL)
		q->line->question = NULL;
	else if (q->why == NULL)
		c->n_waiting--;
	q->line = NULL;
	q->why = why;
	move_question(q, &c->failed);
	loop_queue(c->loop, LOOP_READY, &c->task);
}

static void
forget_line(struct line *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	l->client->n_lines--;
	l->client = NULL;
	l->question = NULL;
}

/* A line that said something we did not ask for, or too late, is useless. */
static void
drop_line(struct line *l)
{
	forget_line(l);
	conn_abort(l->conn);
}

static void
on_timeout(void *arg)
{
	struct question *q = arg;
	struct line *l = q->line;

	if (q->why != NULL)
		return; /* failed already, the loop is about to say so */
	give_up(q, "no answer in time");
	if (l != NULL)
		drop_line(l);
}

static void
on_ready(void *arg, struct conn *conn)
{
	struct line *l = arg;
	struct ipc_client *c = l->client;
	struct question *q = l->question;
	struct str text;

	if (c == NULL)
		return;
	if (q != NULL && ipc_line(conn_input(conn), &l->scanned, &text)) {
		char *copy = mem_dup(text);

		conn_consume(conn, text.len + 1);
		l->scanned = 0;
		l->question = NULL;
		/* free for the next question before fn can ask it; fn may also
		 * free the client */
		loop_queue(c->loop, LOOP_READY, &c->task);
		answer(q, true, (struct str){copy, text.len});
		free(copy);
		if (l->client == NULL)
			return;
		q = l->question;
	}
	if (q == NULL ? conn_input(conn).len > 0 || conn_eof(conn)
		      : conn_eof(conn) || conn_input(conn).len > IPC_MAX) {
		if (q != NULL)
			give_up(q, "the other side closed");
		drop_line(l);
	}
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct line *l = arg;

	(void)text;
	if (l->client != NULL) {
		struct question *q = l->question;

		if (q != NULL)
			give_up(q, end == CONN_REFUSED
				       ? "nobody is there"
				       : "the other side closed");
		forget_line(l);
	}
	free(l);
}

static const struct conn_host line_host = {
    .ready = on_ready,
    .closed = on_closed,
};

/* An idle line, a new one, or NULL when all are busy. */
static struct line *
find_line(struct ipc_client *c)
{
	struct conn_limits limits = conn_default_limits();
	struct line *l;

	for (l = c->lines.next; l != &c->lines; l = l->next)
		if (l->question == NULL)
			return l;
	if (c->n_lines == MAX_LINES)
		return NULL;
	limits.in_limit = IPC_MAX + 1;
	limits.stall_ms = c->timeout_ms;
	l = MEM_NEW(struct line);
	l->client = c;
	l->next = &c->lines;
	l->prev = c->lines.prev;
	l->prev->next = l;
	c->lines.prev = l;
	c->n_lines++;
	l->conn = conn_connect(
	    c->loop, &c->server, NULL, &line_host, l, &limits);
	return l;
}

static void
ask_waiting(struct ipc_client *c)
{
	while (c->waiting.next != &c->waiting) {
		struct question *q = c->waiting.next;
		struct line *l = find_line(c);

		if (l == NULL)
			return;
		c->n_waiting--;
		move_question(q, &c->asked);
		q->line = l;
		l->question = q;
		conn_send(l->conn, (struct str){q->text, q->len});
	}
}

static void
run(struct loop_task *t)
{
	struct ipc_client *c = (struct ipc_client *)((char *)t -
						     offsetof(struct ipc_client,
							 task));
	struct question *q = c->failed.next;

	ask_waiting(c);
	if (q == &c->failed)
		return;
	/* one at a time: fn may free the client */
	loop_queue(c->loop, LOOP_READY, &c->task);
	answer(q, false, str_of(q->why));
}

struct ipc_client *
ipc_client_new(struct loop *l, const char *path, int64_t timeout_ms)
{
	struct ipc_client *c = MEM_NEW(struct ipc_client);

	c->loop = l;
	c->path_fits = address_from_path(path, &c->server);
	c->timeout_ms = timeout_ms;
	c->waiting.next = c->waiting.prev = &c->waiting;
	c->asked.next = c->asked.prev = &c->asked;
	c->failed.next = c->failed.prev = &c->failed;
	c->lines.next = c->lines.prev = &c->lines;
	c->task.run = run;
	return c;
}

void
ipc_ask(struct ipc_client *c, struct str line, ipc_answer *fn, void *arg)
{
	struct question *q;

	assert(line.len <= IPC_MAX);
	assert(line.len == 0 || memchr(line.at, '\n', line.len) == NULL);
	if (c->closing) {
		fn(arg, false, STR("closing"));
		return;
	}
	q = mem_new(1, sizeof(*q) + line.len + 1);
	q->client = c;
	q->fn = fn;
	q->arg = arg;
	q->text = (char *)(q + 1);
	q->len = line.len + 1;
	if (line.len > 0)
		memcpy(q->text, line.at, line.len);
	q->text[line.len] = '\n';
	q->timer = timer_new(c->loop, on_timeout, q);
	c->n_waiting++;
	move_question(q, &c->waiting);
	if (!c->path_fits)
		give_up(q, "the path is too long for a Unix socket");
	else if (c->n_waiting > MAX_WAITING)
		give_up(q, "too many questions wait");
	else
		timer_set(q->timer, c->timeout_ms);
	loop_queue(c->loop, LOOP_READY, &c->task);
}

void
ipc_client_free(struct ipc_client *c)
{
	struct question *rings[3];

	if (c == NULL)
		return;
	c->closing = true;
	loop_unqueue(&c->task);
	while (c->lines.next != &c->lines)
		drop_line(c->lines.next);
	rings[0] = &c->asked;
	rings[1] = &c->waiting;
	rings[2] = &c->failed;
	for (size_t i = 0; i < 3; i++)
		while (rings[i]->next != rings[i])
			answer(rings[i]->next, false, STR("closing"));
	loop_unqueue(&c->task);
	free(c);
}
