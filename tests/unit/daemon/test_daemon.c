/* SPDX-License-Identifier: MIT */
#include "common/daemon/doors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemon/daemon.h"
#include "tests/test.h"

static char any[] = "127.0.0.1:0";
static char nonsense[] = "here:there";

/* A list of n times the same place. */
static struct conf_list
places(char *place, size_t n)
{
	static char *items[DOOR_SOCKETS_MAX + 1];

	for (size_t i = 0; i < n; i++)
		items[i] = place;
	return (struct conf_list){items, n};
}

static void
check_refused(char *place, size_t n, const char *words)
{
	struct conf_list list = places(place, n), none = {NULL, 0};
	const struct door_service table[] = {
	    {"smtp", &none},
            {"pop3", &list}
        };
	struct fail f = {0};

	CHECK(doors_open(table, 2, &f) == NULL);
	CHECK(f.kind == FAIL_SYNTAX);
	CHECK(strstr(f.text, words) != NULL);
}

struct visit {
	struct loop *loop;
	size_t service;
	int n;
};

static void
entered(
    void *arg, size_t service, int fd, const struct address *peer, bool refuse)
{
	struct visit *v = arg;

	CHECK(!refuse && address_is_loopback(peer));
	v->service = service;
	v->n++;
	close(fd);
	loop_stop(v->loop);
}

/* Handed in as descriptor 3; who connects arrives at the right service. */
static void
visit(void)
{
	struct conf_list list = places(nonsense, 1), none = {NULL, 0};
	const struct door_service table[] = {
	    {"smtp", &none},
            {"pop3", &list}
        };
	struct visit v = {.loop = loop_new()};
	struct address at;
	socklen_t len = sizeof(at.sa);
	struct doors *d;
	struct fail f = {0};
	int fd, client;

	CHECK(address_parse(str_of(any), &at));
	fd = fcntl(listen_bind(&at, &f), F_DUPFD, 20);
	getsockname(fd, (struct sockaddr *)&at.sa, &len);
	dup2(fd, 3);
	unsetenv("LISTEN_PID");
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "pop3", 1);
	d = doors_open(table, 2, &f); /* the list is not looked at */
	CHECK(d != NULL);
	doors_listen(d, v.loop, entered, &v);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&at.sa, len) == 0);
	loop_run(v.loop);
	CHECK(v.n == 1 && v.service == 1);
	doors_close(d);
	CHECK(fcntl(3, F_GETFD) == -1);
	close(client);
	loop_free(v.loop);
}

static void
ask_to_stop(void *arg)
{
	loop_stop(arg);
}

/* The second one comes when the loop is gone. */
static void
stop_twice(void)
{
	struct log log = log_to_stderr("test");
	struct loop *l = loop_new();

	loop_on_signal(l, SIGTERM, ask_to_stop, l);
	kill(getpid(), SIGTERM);
	daemon_run(l, &log);
	loop_free(l);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
}

/* Its descriptors, environment and signals are not ours. */
static int
apart(void (*fn)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		test_failures = 0;
		fn();
		_exit(TEST_EXIT());
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
wrong_argument(void)
{
	char name[] = "smtpd", option[] = "-x";
	char *argv[] = {name, option, NULL};

	daemon_arguments(2, argv, "smtpd", "Does things.");
}

static void
too_many_arguments(void)
{
	char name[] = "smtpd", word[] = "word";
	char *argv[] = {name, word, NULL};

	daemon_arguments(2, argv, "smtpd", "Does things.");
}

static void
test_names(void)
{
	char user[] = "somebody", nobody[] = "", runtime[] = "/run/x";
	struct conf c = {.server_user = user, .server_runtime = runtime};
	char *got = daemon_user(&c, "smtpd");

	CHECK_STR(got, "somebody");
	free(got);
	c.server_user = nobody;
	CHECK(daemon_user(&c, "no-such-daemon") == NULL);
	got = daemon_path(&c, "auth.sock");
	CHECK_STR(got, "/run/x/auth.sock");
	free(got);
}

int
main(void)
{
	check_refused(NULL, 0, "no socket");
	check_refused(any, DOOR_SOCKETS_MAX + 1, "more than 32");
	check_refused(nonsense, 1, "here:there");
	CHECK(apart(visit) == 0);
	CHECK(apart(stop_twice) == 0);
	CHECK(WEXITSTATUS(apart(wrong_argument)) == DAEMON_USAGE);
	CHECK(WEXITSTATUS(apart(too_many_arguments)) == DAEMON_USAGE);
	test_names();
	return TEST_EXIT();
}
