/* SPDX-License-Identifier: MIT */
/*
 * bench_conn: what a connection costs.  No test: build optimised, look.
 *
 *	bench_conn stream	bytes a second through conn, plain and TLS
 *	bench_conn idle [N]	memory of N idle TLS connections (server's side)
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/net/privilege.h"
#include "common/net/throwaway.h"
#include "common/net/tls.h"
#include "common/util/clock.h"
#include "tests/unit/net/net_test.h"

#define SECONDS 2

struct bench {
	struct loop *loop;
	uint64_t received;
	size_t ready, want;
	long before_kb;
};

static void
take(void *arg, struct conn *c)
{
	struct bench *b = arg;

	b->received += conn_input(c).len;
	conn_consume(c, conn_input(c).len);
	if (conn_eof(c))
		conn_finish(c);
}

static void
give(void *arg, struct conn *c)
{
	static const char chunk[16 * KB];

	(void)arg;
	while (conn_has_room(c))
		conn_send(c, (struct str){chunk, sizeof(chunk)});
}

static void
gone(void *arg, enum conn_end end, const char *text)
{
	struct bench *b = arg;

	(void)end;
	(void)text;
	if (b->want == 0)
		loop_stop(b->loop);
}

static void
stop(void *arg)
{
	struct bench *b = arg;

	loop_stop(b->loop);
}

static const struct conn_host taker = {take, gone, NULL};
static const struct conn_host giver = {give, gone, NULL};

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
stream(const char *name, struct tls *server, struct tls *client)
{
	struct bench b = {.loop = loop_new()};
	struct timer *timer;
	int fds[2];
	pid_t pid;

	tcp_pair(fds);
	pid = fork();
	if (pid == 0) { /* the giver, with a loop of its own */
		struct bench g = {.loop = loop_new()};
		struct conn *c;

		close(fds[1]);
		c = conn_new(g.loop, fds[0], &giver, &g, NULL);
		if (client != NULL)
			conn_start_tls(c, client, NULL);
		else
			give(&g, c);
		timer = timer_new(g.loop, stop, &g);
		timer_set(timer, SECONDS * 1000);
		loop_run(g.loop);
		_exit(0);
	}
	close(fds[0]);
	struct conn *c = conn_new(b.loop, fds[1], &taker, &b, NULL);
	if (server != NULL)
		conn_start_tls(c, server, NULL);
	double cpu = cpu_s();
	int64_t began = clock_mono_ms(&clock_system);
	loop_run(b.loop);
	int64_t took = clock_mono_ms(&clock_system) - began;
	cpu = cpu_s() - cpu;
	waitpid(pid, NULL, 0);
	printf("%-6s %6.0f MiB/s, receiver %6.0f MiB per CPU second\n", name,
	    (double)b.received / 1048576.0 / ((double)took / 1000),
	    (double)b.received / 1048576.0 / cpu);
	loop_free(b.loop);
}

/* ---- idle ---- */

static long
resident_kb(void)
{
	long pages = 0, size = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
		abort();
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A session that was greeted, said a few lines and waits. */
static void
chat(void *arg, struct conn *c)
{
	struct bench *b = arg;

	conn_consume(c, conn_input(c).len);
	if (conn_tls(c) == NULL)
		return;
	b->ready++;
	if (b->ready <= b->want * 4)
		conn_send(c, STR("+OK logged in, and so on, 60 bytes of text "
				 "as is usual here\r\n"));
	if (conn_eof(c))
		conn_finish(c);
}

static void
report(void *arg)
{
	struct bench *b = arg;
	long kb = resident_kb() - b->before_kb;

	printf("%zu connections, each heard %.1f times: %.1f KiB each\n",
	    b->want, (double)b->ready / (double)b->want,
	    (double)kb / (double)b->want);
	loop_stop(b->loop);
}

static const struct conn_host chatter = {chat, gone, NULL};

struct caller {
	struct bench b;
	int (*fds)[2];
	size_t next;
	struct tls *tls;
	struct timer *timer;
};

/* One a millisecond, as clients come on a busy morning. */
static void
call_next(void *arg)
{
	struct caller *a = arg;
	struct conn *c = conn_new(
	    a->b.loop, a->fds[a->next++][0], &chatter, &a->b, NULL);

	conn_start_tls(c, a->tls, NULL);
	if (a->next < a->b.want)
		timer_set(a->timer, 1);
}

static void
idle_peer(int (*fds)[2], size_t n, struct tls *client)
{
	struct caller a = {.fds = fds, .tls = client};

	a.b.loop = loop_new();
	a.b.want = n;
	for (size_t i = 0; i < n; i++)
		close(fds[i][1]);
	a.timer = timer_new(a.b.loop, call_next, &a);
	timer_set(a.timer, 1);
	timer_set(timer_new(a.b.loop, stop, &a.b), 6000 + (int64_t)n * 5);
	loop_run(a.b.loop);
	_exit(0);
}

static void
idle(size_t n, struct tls *server, struct tls *client)
{
	int(*fds)[2] = mem_new(n, sizeof(*fds));
	struct bench b = {.loop = loop_new(), .want = n};
	pid_t pid;

	for (size_t i = 0; i < n; i++)
		tcp_pair(fds[i]);
	pid = fork();
	if (pid == 0)
		idle_peer(fds, n, client);
	b.before_kb = resident_kb();
	for (size_t i = 0; i < n; i++) {
		struct conn *c;

		close(fds[i][0]);
		c = conn_new(b.loop, fds[i][1], &chatter, &b, NULL);
		if (server != NULL)
			conn_start_tls(c, server, NULL);
	}
	timer_set(timer_new(b.loop, report, &b), 3000 + (int64_t)n * 4);
	loop_run(b.loop);
	waitpid(pid, NULL, 0);
	loop_free(b.loop);
	free(fds);
}

int
main(int argc, char **argv)
{
	const char *names[] = {"mx.d.test"};
	char folder[64], cert[128], key[128];
	struct fail f;

	privilege_raise_files();
	folder_open(folder);
	if (throwaway_ca(folder, names, 1, &f) == -1)
		abort();
	struct tls *server = tls_server_new(in_folder(cert, folder, "cert.pem"),
	    in_folder(key, folder, "key.pem"), NULL, &f);
	struct tls *client = tls_client_new(NULL, &f);
	folder_close(folder);
	if (argc > 1 && strcmp(argv[1], "idle") == 0) {
		uint64_t n = 1000;

		if (argc > 2)
			str_to_u64(str_of(argv[2]), 100000, &n);
		idle(n, server, client);
	} else {
		stream("plain", NULL, NULL);
		stream("TLS", server, client);
	}
	tls_free(server);
	tls_free(client);
	return 0;
}
