/* SPDX-License-Identifier: MIT */
/*
 * The n-th allocation fails, once and from then on, for every n until all
 * passes untouched, while two ends meet over TLS in one loop and talk:
 *
 *	OpenSSL's	a connection that is not made, or breaks, with a
 *			word; or the process ends, as below
 *	our own, libuv's	the process ends with one line on standard
 *			error (common/util/mem.h)
 *
 * Never a crash, never a hang, and no end that believes it has verified the
 * other and has not, or has got what was not said.  Each in a child.
 *
 *	fault_malloc_net [--all] [--stride N] [--seed N] [--act NAME]
 */
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/net/throwaway.h"
#include "common/net/tls_internal.h" /* the door to OpenSSL */
#include "tests/fault/failing_mem.h"
#include "tests/fault/points.h"
#include "tests/unit/net/side.h"

#define STRIDE 300   /* unless told otherwise: what ctest has time for */
#define TALK   40000 /* octets each way */
#define WORDS  4096

/* ---- what is done ---- */

struct files {
	char folder[64], cert[128], key[128], ca[128];
};

struct meeting {
	struct rig rig;
	struct side server, client;
	struct tls *server_tls, *client_tls;
	struct listener *door;
	const char *name; /* that the client expects */
	char *text;
};

/* Say it all once it is secure; hang up when as much has come back. */
static void
talk(struct side *s)
{
	struct meeting *m = (struct meeting *)s->rig;

	if (!s->secure)
		return;
	if (s == &m->client && strcmp(m->name, "localhost") != 0)
		CHECK(!conn_tls(s->conn)->verified);
	if (s->sent == 0) {
		conn_send(s->conn, (struct str){m->text, TALK});
		s->sent = TALK;
	}
	if (s->eof || s->got.len >= TALK)
		conn_finish(s->conn);
}

static void
accepted(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct meeting *m = arg;

	(void)peer;
	(void)refuse;
	side_open(&m->server, &m->rig, fd, NULL);
	m->server.act = talk;
	m->server.other = &m->client;
	m->client.other = &m->server;
	conn_start_tls(m->server.conn, m->server_tls, NULL);
}

static void
secure(struct side *s)
{
	struct meeting *m = (struct meeting *)s->rig;

	s->act = talk;
	conn_start_tls(s->conn, m->client_tls, m->name);
}

/* -1: it did not come to that. */
static int
prepare(struct meeting *m, const struct files *files, struct fail *f)
{
	m->client_tls = tls_client_new(files->ca, f);
	m->server_tls = tls_server_new(files->cert, files->key, "smtp", f);
	return m->client_tls != NULL && m->server_tls != NULL ? 0 : -1;
}

static void
meet(struct meeting *m)
{
	struct address loopback, at;
	struct fail f;
	int fd;

	CHECK(address_parse(STR("127.0.0.1:0"), &loopback));
	fd = listen_bind(&loopback, &f);
	CHECK(fd != -1);
	m->door = listener_new(m->rig.loop, fd, accepted, m);
	at = *listener_address(m->door);
	side_init(&m->client, &m->rig);
	m->client.act = secure;
	m->client.conn = conn_connect(
	    m->rig.loop, &at, NULL, &side_host, &m->client, NULL);
	loop_run(m->rig.loop);
	listener_free(m->door);
}

/* What an end was told is what the other said. */
static void
judge(const struct meeting *m)
{
	const struct side *both[] = {&m->client, &m->server};

	for (size_t i = 0; i < 2; i++) {
		struct str got = buf_str(&both[i]->got);

		CHECK(got.len <= TALK &&
		      str_eq(got, (struct str){m->text, got.len}));
		CHECK(both[i]->conn == NULL);
	}
	CHECK(m->client.closes == 1);
}

static void
all_of_it(const struct files *files, const char *name)
{
	struct meeting m = {.name = name};
	struct fail f = {0};

	m.text = mem_new(TALK, 1);
	memset(m.text, 'x', TALK);
	rig_open(&m.rig);
	buf_init(&m.server.got, 1);
	if (prepare(&m, files, &f) == 0) {
		meet(&m);
		judge(&m);
	} else {
		CHECK(f.text[0] != '\0');
	}
	side_release(&m.client);
	side_release(&m.server);
	tls_free(m.client_tls);
	tls_free(m.server_tls);
	rig_close(&m.rig);
	free(m.text);
}

/* ---- who has no memory ---- */

static void *
ssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return failing_malloc(size);
}

static void *
ssl_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return failing_realloc(old, size);
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	failing_free(p);
}

/* Ours: the linker puts these between common/util and the C library. */
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

static bool ours_fail;

void *
__wrap_calloc(size_t n, size_t size)
{
	return ours_fail && failing_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return ours_fail && failing_now() ? NULL
	                                  : __real_reallocarray(old, n, size);
}

static const struct victim {
	const char *name;
	bool ours;
	const char *expects; /* a name that is not the server's must never be
	                      * found to be */
} victims[] = {
    {"OpenSSL",               false, "localhost" },
    {"OpenSSL, another name", false, "other.test"},
    {"our own and libuv",     true,  "localhost" },
};

/* What OpenSSL itself forgets when it fails halfway is not ours to find. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:CRYPTO_\nleak:libcrypto\nleak:libssl\n";
}

/* ---- the walk ---- */

struct tally {
	int points, ended, most;
};

struct report { /* from the child */
	int seen;
};

static void
child(const struct victim *v, const struct files *files, int n, bool ever,
    int words, int tell)
{
	struct report r;

	test_failures = 0;
	dup2(words, STDERR_FILENO);
	if (!v->ours)
		CHECK(CRYPTO_set_mem_functions(
			  ssl_malloc, ssl_realloc, ssl_free) == 1);
	ours_fail = v->ours;
	failing_arm(n, ever);
	all_of_it(files, v->expects);
	r.seen = failing_heal();
	ours_fail = false;
	CHECK(write(tell, &r, sizeof(r)) == sizeof(r));
	exit(test_failures > 0);
}

static bool
is_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return strncmp(text, "out of memory: ", 15) == 0 && end != NULL &&
	       end[1] == '\0';
}

static void
read_all(int fd, char *out, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < room && (got = read(fd, out + n, room - n - 1)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fd);
}

/* How many allocations there were; -1: it ended before it could say. */
static int
fail_at(const struct victim *v, const struct files *files, int n, bool ever,
    struct tally *tally)
{
	int words[2], told[2], status = 0;
	struct report r = {-1};
	char text[WORDS];
	pid_t pid;

	CHECK(pipe(words) == 0 && pipe(told) == 0);
	pid = fork();
	if (pid == 0)
		child(v, files, n, ever, words[1], told[1]);
	close(words[1]);
	close(told[1]);
	read_all(words[0], text, sizeof(text));
	if (read(told[0], &r, sizeof(r)) != sizeof(r))
		r.seen = -1;
	close(told[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	tally->points++;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
		tally->ended++;
		CHECK(is_one_line(text));
	} else {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	if (test_failures > 0)
		fprintf(stderr, "%s, allocation %d%s:\n%s\n", v->name, n,
		    ever ? " and all after it" : "", text);
	return r.seen;
}

static void
walk(const struct victim *v, const struct files *files, struct points *points,
    struct tally *tally)
{
	int all = fail_at(v, files, 1 << 30, false, tally);

	CHECK(all > 0);
	for (int ever = 0; ever < 2; ever++)
		for (int n = points_after(points, 0);
		     test_failures == 0 && n <= all;
		     n = points_after(points, n))
			fail_at(v, files, n, ever == 1, tally);
	if (all > tally->most)
		tally->most = all;
	printf("%-28s %6d allocations, %d points so far\n", v->name, all,
	    tally->points);
	fflush(stdout);
}

static void
files_make(struct files *f)
{
	const char *const names[] = {"localhost", "127.0.0.1"};
	struct fail why;

	folder_open(f->folder);
	in_folder(f->cert, f->folder, "cert.pem");
	in_folder(f->key, f->folder, "key.pem");
	in_folder(f->ca, f->folder, "ca.pem");
	CHECK(throwaway_ca(f->folder, names, 2, &why) == 0);
}

/* In a child, since OpenSSL must not have been used before the walk. */
static void
files_make_apart(struct files *f)
{
	int status = 0, fds[2];
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		files_make(f);
		CHECK(write(fds[1], f, sizeof(*f)) == sizeof(*f));
		_exit(test_failures > 0);
	}
	CHECK(read(fds[0], f, sizeof(*f)) == sizeof(*f));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(fds[0]);
	close(fds[1]);
}

int
main(int argc, char **argv)
{
	struct points points = points_from(argc, argv, STRIDE);
	struct tally tally = {0};
	struct files files;

	files_make_apart(&files);
	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++)
		if (points_want(&points, victims[i].name))
			walk(&victims[i], &files, &points, &tally);
	folder_close(files.folder);
	printf("%d points, %d ended the process with one line, at most %d "
	       "allocations\n",
	    tally.points, tally.ended, tally.most);
	return TEST_EXIT();
}
