/* SPDX-License-Identifier: MIT */
#include "maild/metrics_door.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/control/figures.h"
#include "common/net/conn.h"
#include "common/net/listen.h"
#include "common/util/mem.h"
#include "maild/backups.h"
#include "maild/metrics.h"

#define REQUEST_MAX (8 * KB)
#define TIME_MS     10000
#define VISITORS    16

struct metrics_door {
	struct maild *m;
	struct listener **listeners;
	size_t n_listeners;
	struct visitor *visitors; /* list */
	size_t n_visitors;
};

/* One who asks.  The job may outlive the connection, and both the door. */
struct visitor {
	struct store_job job; /* first member: reads the gauges */
	struct metrics_door *door;
	struct visitor *next;
	struct conn *conn; /* NULL when it is gone */
	struct maild *m;
	bool asked, reading;
	int64_t now_ms;
	struct buf figures;
};

static void
leave(struct visitor *v)
{
	struct visitor **at;

	if (v->conn != NULL || v->reading)
		return;
	for (at = &v->door->visitors; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	v->door->n_visitors--;
	buf_release(&v->figures);
	free(v);
}

static void
answer(struct visitor *v, const char *status, struct str text)
{
	struct buf out;

	buf_init(&out, METRICS_ROOM + BACKUPS_GAUGES_ROOM + FIGURES_ROOM + KB);
	buf_addf(&out,
	    "HTTP/1.1 %s\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n"
	    "Cache-Control: no-store\r\n\r\n",
	    status, text.len);
	buf_add(&out, text);
	conn_send(v->conn, buf_str(&out));
	conn_finish(v->conn);
	buf_release(&out);
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct visitor *v = (struct visitor *)job;

	buf_clear(&v->figures);
	return figures_add(db, v->now_ms, &v->figures, f);
}

static void
done_read(struct store_job *job)
{
	struct visitor *v = (struct visitor *)job;
	struct buf text;

	v->reading = false;
	if (v->conn != NULL && job->rc == -1) {
		answer(v, "503 Service Unavailable", str_of(job->fail.text));
	} else if (v->conn != NULL) {
		buf_init(
		    &text, METRICS_ROOM + BACKUPS_GAUGES_ROOM + FIGURES_ROOM);
		metrics_print(&v->m->metrics, &text);
		backups_print(v->m->backups, &text);
		buf_add(&text, buf_str(&v->figures));
		answer(v, "200 OK", buf_str(&text));
		buf_release(&text);
	}
	leave(v);
}

/* What the request line asks for, as a status; NULL: the metrics. */
static const char *
judge(struct str head)
{
	struct str line = str_cut(&head, '\n'), method, path;

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	method = str_cut(&line, ' ');
	path = str_cut(&line, ' ');
	if (!str_starts(line, STR("HTTP/1.")))
		return "400 Bad Request";
	if (!str_eq(method, STR("GET")))
		return "405 Method Not Allowed";
	if (!str_eq(path, STR("/metrics")))
		return "404 Not Found";
	return NULL;
}

static void
ready(void *arg, struct conn *c)
{
	struct visitor *v = arg;
	struct str in = conn_input(c);
	const char *problem;
	size_t at;

	if (v->asked)
		return;
	if (str_find_str(in, STR("\r\n\r\n"), &at)) {
		v->asked = true;
		problem = judge(in);
		if (problem != NULL) {
			answer(v, problem, STR(""));
			return;
		}
		v->reading = true;
		v->now_ms = clock_wall_ms(v->m->clock);
		v->job.run = run_read;
		v->job.done = done_read;
		store_read(v->m->mail, &v->job);
	} else if (in.len >= REQUEST_MAX) {
		answer(v, "431 Request Header Fields Too Large", STR(""));
	} else if (conn_eof(c)) {
		conn_abort(c);
	}
}

static void
expired(void *arg, struct conn *c)
{
	(void)arg;
	conn_abort(c);
}

static void
closed(void *arg, enum conn_end end, const char *text)
{
	struct visitor *v = arg;

	(void)end;
	(void)text;
	v->conn = NULL;
	leave(v);
}

static void
accept_one(void *arg, int fd, const struct address *peer, bool refuse)
{
	static const struct conn_host host = {ready, closed, expired};
	struct conn_limits limits = conn_default_limits();
	struct metrics_door *d = arg;
	struct visitor *v;

	(void)peer;
	if (refuse || d->n_visitors == VISITORS) {
		close(fd);
		return;
	}
	limits.in_limit = REQUEST_MAX;
	limits.stall_ms = TIME_MS;
	v = MEM_NEW(struct visitor);
	v->door = d;
	v->m = d->m;
	buf_init(&v->figures, FIGURES_ROOM);
	v->next = d->visitors;
	d->visitors = v;
	d->n_visitors++;
	v->conn = conn_new(d->m->loop, fd, &host, v, &limits);
	conn_deadline(v->conn, TIME_MS);
}

static int
listen_at(struct metrics_door *d, const char *text, struct fail *f)
{
	const struct conf *conf = d->m->conf;
	struct address at;
	int fd;

	if (!address_parse(str_of(text), &at) || !address_is_loopback(&at))
		return conf_refuse(conf, &conf->metrics_listen, f,
		    "\"%s\" is no address on loopback with a port: write one "
		    "like 127.0.0.1:9090",
		    text);
	fd = listen_bind(&at, f);
	if (fd == -1)
		return -1;
	d->listeners[d->n_listeners++] = listener_new(
	    d->m->loop, fd, accept_one, d);
	return 0;
}

struct metrics_door *
metrics_door_new(struct maild *m, struct fail *f)
{
	struct metrics_door *d = MEM_NEW(struct metrics_door);
	const struct conf_list *addresses = &m->conf->metrics_listen;

	d->m = m;
	d->listeners = mem_new(addresses->n + 1, sizeof(*d->listeners));
	for (size_t i = 0; i < addresses->n; i++)
		if (listen_at(d, addresses->items[i], f) == -1) {
			metrics_door_stop(d);
			metrics_door_free(d);
			return NULL;
		}
	return d;
}

void
metrics_door_stop(struct metrics_door *d)
{
	struct visitor *next;

	if (d == NULL)
		return;
	while (d->n_listeners > 0)
		listener_free(d->listeners[--d->n_listeners]);
	for (struct visitor *v = d->visitors; v != NULL; v = next) {
		next = v->next; /* v leaves, unless it reads */
		if (v->conn != NULL) {
			conn_abandon(v->conn);
			v->conn = NULL;
		}
		leave(v);
	}
}

void
metrics_door_free(struct metrics_door *d)
{
	if (d == NULL)
		return;
	while (d->visitors != NULL) {
		struct visitor *v = d->visitors;

		d->visitors = v->next;
		buf_release(&v->figures);
		free(v);
	}
	free(d->listeners);
	free(d);
}
