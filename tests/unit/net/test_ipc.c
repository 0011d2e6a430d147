/* SPDX-License-Identifier: MIT */
#include "common/net/ipc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/net/net_test.h"

#define MANY 500

struct test {
	struct rig rig;
	char folder[64], path[128];
	struct log log;
	struct ipc_server *server;
	struct ipc_client *client;
	struct timer *timer;
	struct ipc_request *held[MANY];
	size_t n_held;
	size_t served, answered, good, want;
	bool hold;
	uid_t uid;
	char last[200];
};

static void
serve(void *arg, struct ipc_request *r, struct str line)
{
	struct test *t = arg;
	struct buf b;

	t->served++;
	t->uid = ipc_request_uid(r);
	snprintf(t->last, sizeof(t->last), "%.*s", STR_FMT(line));
	if (t->hold) {
		t->held[t->n_held++] = r;
		return;
	}
	buf_init(&b, IPC_MAX);
	buf_add(&b, STR("re:"));
	buf_add(&b, line);
	ipc_reply(r, buf_str(&b));
	buf_release(&b);
}

static void
open_test(struct test *t)
{
	struct fail f;

	*t = (struct test){0};
	rig_open(&t->rig);
	folder_open(t->folder);
	in_folder(t->path, t->folder, "auth.sock");
	t->log = log_to_stderr("test");
	t->log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	t->server = ipc_server_new(t->rig.loop, t->path, serve, t, &t->log, &f);
	CHECK(t->server != NULL);
	t->client = ipc_client_new(t->rig.loop, t->path, 5000);
}

static void
close_test(struct test *t)
{
	ipc_client_free(t->client);
	ipc_server_free(t->server);
	for (size_t i = 0; i < t->n_held; i++)
		ipc_reply(t->held[i], STR("too late"));
	rig_close(&t->rig);
	close(t->log.fd);
	folder_close(t->folder);
}

static void
on_answer(void *arg, bool ok, struct str line)
{
	struct test *t = arg;

	t->answered++;
	t->good += ok;
	snprintf(t->last, sizeof(t->last), "%.*s", STR_FMT(line));
	if (t->answered == t->want)
		loop_stop(t->rig.loop);
}

static void
ask(struct test *t, struct str line)
{
	ipc_ask(t->client, line, on_answer, t);
}

/* ---- questions and answers ---- */

static void
test_one(void)
{
	struct test t;
	struct stat st;

	open_test(&t);
	CHECK(stat(t.path, &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK((st.st_mode & 07) == 0);
	t.want = 1;
	ask(&t, STR("{\"op\":\"verify\"}"));
	CHECK(t.answered == 0); /* never from inside */
	loop_run(t.rig.loop);
	CHECK(t.good == 1 && t.uid == geteuid());
	CHECK_STR(t.last, "re:{\"op\":\"verify\"}");
	close_test(&t);
	CHECK(stat(t.path, &st) == -1);
}

static void
test_many(void)
{
	struct test t;

	open_test(&t);
	t.want = MANY;
	for (int i = 0; i < MANY; i++)
		ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.answered == MANY && t.good == MANY && t.served == MANY);
	close_test(&t);
}

static void
test_large(void)
{
	struct test t;
	struct buf b;

	open_test(&t);
	buf_init(&b, IPC_MAX);
	while (b.len < IPC_MAX - 3)
		buf_add_char(&b, 'x');
	t.want = 1;
	ask(&t, buf_str(&b));
	loop_run(t.rig.loop);
	CHECK(t.good == 1 && strncmp(t.last, "re:xxx", 6) == 0);
	buf_release(&b);
	close_test(&t);
}

static void
ask_blocking(void *arg)
{
	struct test *t = arg;
	struct buf reply;
	struct fail f;

	buf_init(&reply, IPC_MAX);
	for (int i = 0; i < 20; i++) {
		buf_clear(&reply);
		CHECK(ipc_ask_wait(t->path, STR("one"), 5000, &reply, &f) == 0);
		CHECK(str_eq(buf_str(&reply), STR("re:one")));
	}
	t->hold = true;
	buf_clear(&reply);
	CHECK(ipc_ask_wait(t->path, STR("two"), 50, &reply, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	CHECK_STR(f.text, "no answer in time");
	CHECK(ipc_ask_wait("/nonexistent", STR("x"), 50, &reply, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	buf_release(&reply);
}

static void
test_wait(void)
{
	struct test t;

	open_test(&t);
	rig_play(&t.rig, ask_blocking, &t);
	close_test(&t);
}

/* ---- when somebody goes away ---- */

static void
test_nobody(void)
{
	struct test t;

	open_test(&t);
	ipc_server_free(t.server);
	t.server = NULL;
	t.want = 3;
	for (int i = 0; i < 3; i++)
		ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.answered == 3 && t.good == 0);
	CHECK_STR(t.last, "nobody is there");
	/* and again when there is somebody */
	struct fail f;
	t.server = ipc_server_new(t.rig.loop, t.path, serve, &t, &t.log, &f);
	t.want = 4;
	ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.good == 1);
	close_test(&t);
}

static void
kill_server(void *arg)
{
	struct test *t = arg;

	if (t->n_held < 5) { /* not all have arrived */
		timer_set(t->timer, 5);
		return;
	}
	ipc_server_free(t->server);
	t->server = NULL;
}

static void
test_server_dies(void)
{
	struct test t;

	open_test(&t);
	t.hold = true;
	t.want = 5;
	for (int i = 0; i < 5; i++)
		ask(&t, STR("x"));
	t.timer = timer_new(t.rig.loop, kill_server, &t);
	timer_set(t.timer, 5);
	loop_run(t.rig.loop);
	CHECK(t.n_held == 5 && t.answered == 5 && t.good == 0);
	CHECK_STR(t.last, "the other side closed");
	timer_free(t.timer);
	close_test(&t); /* answers the held ones: to nobody */
}

/* However late the server gets to read, no question goes unanswered. */
static void
test_timeout(void)
{
	struct test t;

	open_test(&t);
	ipc_client_free(t.client);
	t.client = ipc_client_new(t.rig.loop, t.path, 50);
	t.hold = true;
	t.want = 200; /* more than there are connections */
	for (int i = 0; i < 200; i++)
		ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.answered == 200 && t.good == 0);
	CHECK_STR(t.last, "no answer in time");
	close_test(&t);
}

static void
answer_first_128(void *arg)
{
	struct test *t = arg;

	if (t->n_held < 128) { /* not all have arrived */
		timer_set(t->timer, 5);
		return;
	}
	CHECK(t->n_held == 128 && t->answered == 0);
	t->hold = false;
	for (size_t i = 0; i < t->n_held; i++)
		ipc_reply(t->held[i], STR("at last"));
	t->n_held = 0;
}

/* A client has 128 connections: the other questions wait for one of them. */
static void
test_connections(void)
{
	struct test t;

	open_test(&t);
	ipc_client_free(t.client);
	t.client = ipc_client_new(t.rig.loop, t.path, 60000);
	t.hold = true;
	t.want = 200;
	t.timer = timer_new(t.rig.loop, answer_first_128, &t);
	timer_set(t.timer, 5);
	for (int i = 0; i < 200; i++)
		ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.answered == 200 && t.good == 200 && t.served == 200);
	timer_free(t.timer);
	close_test(&t);
}

static void
on_late(void *arg, bool ok, struct str line)
{
	struct test *t = arg;

	CHECK(!ok && t->n_held == 1);
	(void)line;
	if (t->n_held == 0) {
		loop_stop(t->rig.loop);
		return;
	}
	/* ask again, and only then does the server answer the first */
	t->want = t->answered + 1;
	t->hold = false;
	ask(t, STR("second"));
	ipc_reply(t->held[0], STR("first"));
	t->n_held = 0;
}

/* A late answer is never taken for that of the next question. */
static void
test_late(void)
{
	struct test t;

	open_test(&t);
	ipc_client_free(t.client);
	t.client = ipc_client_new(t.rig.loop, t.path, 2000);
	t.hold = true;
	ipc_ask(t.client, STR("x"), on_late, &t);
	loop_run(t.rig.loop);
	CHECK(t.good == 1);
	CHECK_STR(t.last, "re:second");
	close_test(&t);
}

static void
test_too_many(void)
{
	struct test t;

	open_test(&t);
	t.hold = true;
	t.want = 904;
	for (int i = 0; i < 5000; i++)
		ask(&t, STR("x"));
	loop_run(t.rig.loop);
	CHECK(t.answered == 904 && t.good == 0);
	CHECK_STR(t.last, "too many questions wait");
	t.want = 0;
	close_test(&t);
	CHECK(t.answered == 5000 && t.good == 0);
}

/* A peer by hand. */
static int
connect_to(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
die_in_the_middle(void *arg)
{
	struct test *t = arg;
	int fd = connect_to(t->path);

	CHECK(fd >= 0);
	CHECK(send(fd, "question\n", 9, MSG_NOSIGNAL) == 9);
	for (int i = 0;
	     i < 60000 && __atomic_load_n(&t->served, __ATOMIC_RELAXED) == 0;
	     i++)
		usleep(1000);
	close(fd);
	usleep(50000);
	fd = connect_to(t->path);
	CHECK(send(fd, "half a quest", 12, MSG_NOSIGNAL) == 12);
	usleep(50000);
	close(fd);
	usleep(50000);
}

static void
test_client_dies(void)
{
	struct test t;

	open_test(&t);
	t.hold = true;
	rig_play(&t.rig, die_in_the_middle, &t);
	CHECK(t.served == 1 && t.n_held == 1);
	ipc_reply(t.held[0], STR("to whom?"));
	t.n_held = 0;
	close_test(&t);
}

static void
answer_all(void *arg)
{
	struct test *t = arg;

	if (t->n_held == 0) { /* it has not arrived */
		timer_set(t->timer, 5);
		return;
	}
	for (size_t i = 0; i < t->n_held; i++)
		ipc_reply(t->held[i], STR("late"));
	t->n_held = 0;
	t->hold = false;
}

/* The second question waits unread while the first is being served. */
static void
pipeline(void *arg)
{
	struct test *t = arg;
	int fd = connect_to(t->path);
	char got[100] = "";

	CHECK(send(fd, "a\nb\nc\n", 6, MSG_NOSIGNAL) == 6);
	shutdown(fd, SHUT_WR);
	CHECK(recv(fd, got, 5 + 5 + 5, MSG_WAITALL) == 15);
	CHECK_STR(got, "late\nre:b\nre:c\n");
	CHECK(recv(fd, got, 1, 0) == 0);
	close(fd);
}

static void
test_pipeline(void)
{
	struct test t;

	open_test(&t);
	t.hold = true;
	t.timer = timer_new(t.rig.loop, answer_all, &t);
	timer_set(t.timer, 50);
	rig_play(&t.rig, pipeline, &t);
	CHECK(t.served == 3);
	timer_free(t.timer);
	close_test(&t);
}

static void
no_newline(void *arg)
{
	struct test *t = arg;
	static const char noise[64 * KB];
	int fd = connect_to(t->path);
	size_t sent = 0;
	ssize_t n;

	while (sent < 5 * MB &&
	       (n = send(fd, noise, sizeof(noise), MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	CHECK(sent < 5 * MB); /* it was closed on us */
	CHECK(sent >= IPC_MAX);
	close(fd);
}

static void
test_oversized(void)
{
	struct test t;

	open_test(&t);
	rig_play(&t.rig, no_newline, &t);
	CHECK(t.served == 0);
	close_test(&t);
}

/* ---- who may ask ---- */

static void
ask_as_nobody(void *arg)
{
	struct test *t = arg;
	pid_t pid;
	int status;

	chmod(t->folder, 0755);
	chmod(t->path, 0666); /* so that only the credentials decide */
	pid = fork();
	if (pid == 0) {
		char byte;
		int fd;

		if (setresgid(65534, 65534, 65534) == -1 ||
		    setresuid(65534, 65534, 65534) == -1)
			_exit(2);
		fd = connect_to(t->path);
		if (fd == -1)
			_exit(3);
		send(fd, "question\n", 9, MSG_NOSIGNAL);
		_exit(recv(fd, &byte, 1, 0) > 0 ? 4 : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	usleep(20000);
}

static void
test_stranger(void)
{
	struct test t;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped, not root: a stranger asks\n");
		return;
	}
	open_test(&t);
	rig_play(&t.rig, ask_as_nobody, &t);
	CHECK(t.served == 0);
	close_test(&t);
}

static void
test_paths(void)
{
	struct rig r;
	struct fail f;
	struct log log = log_to_stderr("test");
	char folder[64], path[128], long_path[200];
	FILE *file;

	rig_open(&r);
	folder_open(folder);
	in_folder(path, folder, "file");
	file = fopen(path, "w");
	fclose(file);
	/* not a socket: stays what it is */
	CHECK(ipc_server_new(r.loop, path, serve, NULL, &log, &f) == NULL);
	CHECK(access(path, F_OK) == 0);
	memset(long_path, 'x', sizeof(long_path));
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	CHECK(ipc_server_new(r.loop, long_path, serve, NULL, &log, &f) == NULL);
	folder_close(folder);
	rig_close(&r);
}

/* A server that nobody freed goes with the loop: the leak checker watches. */
static void
test_left(void)
{
	struct test t;

	open_test(&t);
	t.want = 1;
	ask(&t, STR("x"));
	loop_run(t.rig.loop);
	ipc_client_free(t.client);
	t.client = NULL;
	t.server = NULL;
	close_test(&t);
}

int
main(void)
{
	test_left();
	test_one();
	test_many();
	test_large();
	test_wait();
	test_nobody();
	test_server_dies();
	test_timeout();
	test_connections();
	test_late();
	test_too_many();
	test_client_dies();
	test_pipeline();
	test_oversized();
	test_stranger();
	test_paths();
	return TEST_EXIT();
}
