/* SPDX-License-Identifier: MIT */
#include "common/net/listen.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/net/net_test.h"

/* ---- activation: in a child, where descriptors 3 and on are ours ---- */

static const struct {
	const char *title;
	const char *pid; /* "own", NULL for unset */
	const char *fds, *names, *ask;
	size_t max, found;
	int first;
} activations[] = {
    {"named",       "own", "3",           "smtp:imap:smtp",  "smtp", 8, 2, 3},
    {"second name", "own", "3",           "smtp:imap:smtp",  "imap", 8, 1, 4},
    {"pid unset",   NULL,  "3",           "smtp:imap:smtp",  "smtp", 8, 2, 3},
    {"other pid",   "1",   "3",           "smtp:imap:smtp",  "smtp", 8, 0, 0},
    {"odd pid",     "1x",  "3",           "smtp:imap:smtp",  "smtp", 8, 0, 0},
    {"less room",   "own", "3",           "smtp:imap:smtp",  "smtp", 1, 1, 3},
    {"other name",  "own", "3",           "smtp:imap:smtp",  "pop3", 8, 0, 0},
    {"prefix",      "own", "3",           "smtps:imap:x",    "smtp", 8, 0, 0},
    {"no names",    "own", "3",           NULL,              "smtp", 8, 0, 0},
    {"few names",   "own", "3",           "x",               "smtp", 8, 0, 0},
    {"no sockets",  "own", "5",           "a:b:c:smtp:smtp", "smtp", 8, 0, 0},
    {"fewer",       "own", "1",           "imap:smtp",       "smtp", 8, 0, 0},
    {"none",        "own", NULL,          "smtp",            "smtp", 8, 0, 0},
    {"negative",    "own", "-1",          "smtp",            "smtp", 8, 0, 0},
    {"huge",        "own", "99999999999", "smtp",            "smtp", 8, 0, 0},
};

static void
put(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static int
activation_child(size_t i)
{
	char pid[20];
	int fds[8];
	int s = socket(AF_INET, SOCK_STREAM, 0);
	int file = fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 20);

	s = fcntl(s, F_DUPFD, 20);
	dup2(s, 3);
	dup2(s, 4);
	dup2(s, 5);
	dup2(file, 6);
	close(7);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	put("LISTEN_PID",
	    activations[i].pid != NULL && strcmp(activations[i].pid, "own") == 0
		? pid
		: activations[i].pid);
	put("LISTEN_FDS", activations[i].fds);
	put("LISTEN_FDNAMES", activations[i].names);
	if (listen_activated(activations[i].ask, fds, activations[i].max) !=
	    activations[i].found)
		return 1;
	if (activations[i].found > 0 &&
	    (fds[0] != activations[i].first ||
		(fcntl(fds[0], F_GETFD) & FD_CLOEXEC) == 0))
		return 2;
	return 0;
}

static void
test_activation(void)
{
	for (size_t i = 0; i < sizeof(activations) / sizeof(activations[0]);
	     i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(activation_child(i));
		waitpid(pid, &status, 0);
		if (status != 0)
			fprintf(stderr, "case: %s\n", activations[i].title);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* ---- binding ---- */

static void
test_bind(void)
{
	struct address at, got = {0};
	struct fail f = {0};
	socklen_t len = sizeof(got.sa);
	int fd;

	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	fd = listen_bind(&at, &f);
	CHECK(fd >= 0);
	getsockname(fd, (struct sockaddr *)&got.sa, &len);
	CHECK(address_port(&got) != 0);
	CHECK(listen_bind(&got, &f) == -1);
	CHECK(strstr(f.text, "127.0.0.1 port ") != NULL);
	close(fd);
	fd = listen_bind(&got, &f); /* again at once */
	CHECK(fd >= 0);
	close(fd);
	CHECK(address_parse(STR("192.0.2.1:25"), &at));
	CHECK(listen_bind(&at, &f) == -1);
}

/* `*' serves IPv4 too. */
static void
test_any(void)
{
	struct address at, got = {0};
	struct fail f = {0};
	socklen_t len = sizeof(got.sa);
	struct sockaddr_in v4 = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, client;

	CHECK(address_parse(STR("*:0"), &at));
	fd = listen_bind(&at, &f);
	CHECK(fd >= 0);
	getsockname(fd, (struct sockaddr *)&got.sa, &len);
	v4.sin_port = htons(address_port(&got));
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&v4, sizeof(v4)) == 0);
	close(client);
	close(fd);
}

/* ---- out of descriptors ---- */

struct crowd {
	struct rig rig;
	struct listener *listener;
	struct timer *timer;
	int clients[8];
	int accepted, refused;
	rlim_t usual;
	bool relieved;
	clock_t cpu;
};

static void
limit_files(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void
on_accept(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct crowd *c = arg;

	CHECK(address_is_loopback(peer));
	if (refuse && c->refused++ == 0) {
		c->cpu = clock();
		timer_set(c->timer, 300);
	}
	if (!refuse)
		c->accepted++;
	CHECK(refuse || c->relieved);
	close(fd);
	if (c->accepted + c->refused == 8)
		loop_stop(c->rig.loop);
}

static void
relieve(void *arg)
{
	struct crowd *c = arg;

	/* one refused in each pause of 100 ms, no more: it did not spin */
	CHECK(c->refused >= 1 && c->refused <= 4 && c->accepted == 0);
	/* nor did it turn round and round while it waited */
	CHECK(clock() - c->cpu < CLOCKS_PER_SEC / 5);
	limit_files(c->usual);
	c->relieved = true;
}

static void
test_no_descriptors(void)
{
	struct crowd c = {0};
	struct address at;
	struct fail f;
	struct rlimit limit;
	int next;

	rig_open(&c.rig);
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	c.listener = listener_new(
	    c.rig.loop, listen_bind(&at, &f), on_accept, &c);
	at = *listener_address(c.listener);
	for (int i = 0; i < 8; i++) {
		c.clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(connect(c.clients[i], (struct sockaddr *)&at.sa,
			  address_len(&at)) == 0);
	}
	c.timer = timer_new(c.rig.loop, relieve, &c);
	getrlimit(RLIMIT_NOFILE, &limit);
	c.usual = limit.rlim_cur;
	next = open("/dev/null", O_RDONLY);
	close(next);
	limit_files((rlim_t)next);
	loop_run(c.rig.loop);
	CHECK(c.accepted + c.refused == 8 && c.accepted >= 4);
	for (int i = 0; i < 8; i++) {
		char byte;

		CHECK(recv(c.clients[i], &byte, 1, 0) <= 0);
		close(c.clients[i]);
	}
	timer_free(c.timer);
	listener_free(c.listener);
	rig_close(&c.rig);
}

int
main(void)
{
	test_activation();
	test_bind();
	test_any();
	test_no_descriptors();
	return TEST_EXIT();
}
