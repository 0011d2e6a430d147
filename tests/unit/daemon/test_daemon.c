/* SPDX-License-Identifier: MIT */
#include "common/daemon/doors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemon/daemon.h"
#include "tests/test.h"

static char any[] = "127.0.0.1:0";
static char nonsense[] = "here:there";
static char with_option[] = "127.0.0.1:0,judge=no";

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
	    {"smtp", &none, true },
	    {"pop3", &list, false},
	};
	struct fail f = {0};

	CHECK(doors_open(NULL, table, 2, &f) == NULL);
	CHECK(f.kind == FAIL_SYNTAX);
	CHECK(strstr(f.text, words) != NULL);
}

struct visit {
	struct loop *loop;
	size_t service;
	struct listen_options options;
	int n;
};

static void
entered(void *arg, const struct door_entry *where, int fd,
    const struct address *peer, bool refuse)
{
	struct visit *v = arg;

	CHECK(!refuse && address_is_loopback(peer));
	v->service = where->service;
	v->options = *where->options;
	v->n++;
	close(fd);
	loop_stop(v->loop);
}

/* Handed in as descriptor 3 under this name; who connects arrives at the right
 * service, with the options of the word that is for this address. */
static void
visit(const char *name, const struct conf_list *smtp,
    const struct conf_list *pop3, struct visit *v)
{
	const struct door_service table[] = {
	    {"smtp", smtp, true },
	    {"pop3", pop3, false},
	};
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
	setenv("LISTEN_FDNAMES", name, 1);
	v->loop = loop_new();
	d = doors_open(NULL, table, 2, &f);
	CHECK(d != NULL);
	doors_listen(d, v->loop, entered, v);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&at.sa, len) == 0);
	loop_run(v->loop);
	doors_close(d);
	CHECK(fcntl(3, F_GETFD) == -1);
	close(client);
	loop_free(v->loop);
}

static void
visit_pop3(void)
{
	struct conf_list list = places(nonsense, 1), none = {NULL, 0};
	struct visit v = {0};

	visit("pop3", &none, &list, &v); /* the list is not for it */
	CHECK(v.n == 1 && v.service == 1);
	CHECK(v.options.judge && !v.options.tls_required && !v.options.proxy);
	CHECK(v.options.size == 0 && v.options.recipients == 0);
}

static void
visit_smtp(void)
{
	char other[] = "127.0.0.9:0,recipients=7", word[] = "*:0,judge=no,"
							    "size=3M";
	char *items[] = {nonsense, other, word, NULL};
	struct conf_list list = {items, 3}, none = {NULL, 0};
	struct visit v = {0};

	visit("smtp", &list, &none, &v);
	CHECK(v.n == 1 && v.service == 0 && !v.options.judge);
	CHECK(v.options.size == 3 * 1024 * 1024);
	CHECK(v.options.recipients == 0);
}

/* Bound here: each has the options of its own word. */
static void
visit_bound(void)
{
	char first[] = "127.0.0.1:0,tls=required,proxy=required";
	char *items[] = {first, NULL};
	struct conf_list list = {items, 1}, none = {NULL, 0};
	const struct door_service table[] = {
	    {"smtp", &list, true },
	    {"pop3", &none, false},
	};
	struct visit v = {.loop = loop_new()};
	struct address at = {0};
	socklen_t len = sizeof(at.sa);
	struct doors *d;
	struct fail f = {0};
	int client, fd = 3;

	unsetenv("LISTEN_FDS");
	d = doors_open(NULL, table, 2, &f);
	CHECK(d != NULL);
	/* which descriptor it is, only the system can tell */
	while (fd < 1000 &&
	       (getsockname(fd, (struct sockaddr *)&at.sa, &len) == -1 ||
		   at.sa.ss_family != AF_INET)) {
		fd++;
		len = sizeof(at.sa);
	}
	doors_listen(d, v.loop, entered, &v);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&at.sa, len) == 0);
	loop_run(v.loop);
	CHECK(v.n == 1 && v.service == 0);
	CHECK(v.options.tls_required && v.options.proxy && v.options.judge);
	doors_close(d);
	close(client);
	loop_free(v.loop);
}

/* The words that say what holds for a listener, and how they can be wrong. */
static const struct {
	const char *word;
	enum listen_word result;
	struct listen_options options;
	const char *sentence; /* what is said of it */
} words[] = {
    {"127.0.0.1:25",						     LISTEN_WORD_OK,         {.judge = true},                   NULL                     },
    {"*:25,judge=no,tls=required,proxy=required,size=10M,recipients=50",
     LISTEN_WORD_OK,									     {false, true, true, 10485760, 50}, NULL                     },
    {"[::1]:25,recipients=1,judge=yes,tls=offered,proxy=no",             LISTEN_WORD_OK,
     {.judge = true, .recipients = 1},											      NULL                     },
    {"here:there",						       LISTEN_WORD_NO_ADDRESS, {.judge = true},
     "\"here:there\" is no address:port"														     },
    {"here:there,judge=no",					      LISTEN_WORD_NO_ADDRESS, {.judge = false},
     "\"here:there\" is no address:port"														     },
    {"",								 LISTEN_WORD_NO_ADDRESS, {.judge = true},                   "\"\" is no address:port"},
    {"*:25,judge=maybe",						 LISTEN_WORD_NO_OPTION,  {0},                               "judge= wants yes or no" },
    {"*:25,judge",						       LISTEN_WORD_NO_OPTION,  {0},                               "judge= wants yes or no" },
    {"*:25,tls=no",						      LISTEN_WORD_NO_OPTION,  {0},
     "tls= wants required or offered"															},
    {"*:25,size=10T",						    LISTEN_WORD_NO_OPTION,  {0},
     "size= wants a size like 256K, 50M or 1G"													       },
    {"*:25,size=1",						      LISTEN_WORD_NO_OPTION,  {0},
     "size= wants a size like 256K, 50M or 1G"													       },
    {"*:25,recipients=0",						LISTEN_WORD_NO_OPTION,  {0},                               "recipients= wants "     },
    {"*:25,colour=red",						  LISTEN_WORD_NO_OPTION,  {0},
     "no such option: \"colour\""															    },
    {"*:25,,judge=no",						   LISTEN_WORD_NO_OPTION,  {0},                               "no such option: \"\""   },
    {"*:25,judge=no,judge=no",					   LISTEN_WORD_NO_OPTION,  {0},                               "judge= twice"           },
};

static void
test_words(void)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct listen_options *want = &words[i].options;
		struct listen_options got;
		struct fail f = {0};
		struct address at;

		CHECK(listen_options_parse(str_of(words[i].word), &at, &got,
			  &f) == words[i].result);
		if (words[i].sentence != NULL)
			CHECK(strstr(f.text, words[i].sentence) == f.text);
		if (words[i].result == LISTEN_WORD_NO_OPTION)
			continue;
		CHECK(got.judge == want->judge && got.proxy == want->proxy);
		CHECK(got.tls_required == want->tls_required);
		CHECK(got.size == want->size);
		CHECK(got.recipients == want->recipients);
	}
}

/* An error names the file and the line that has the word. */
static void
test_line_is_named(void)
{
	char name[] = "/tmp/pp-doors-XXXXXX", want[64];
	static const char text[] = "[listen]\n\nsmtp = *:0 *:0,judge=never\n";
	int fd = mkstemp(name);
	struct fail f = {0};
	struct conf *c;

	CHECK(fd != -1 && write(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	c = conf_read(name, &f);
	CHECK(c != NULL);
	if (c != NULL) {
		const struct door_service table[] = {
		    {"smtp", &c->listen_smtp, true},
		};

		CHECK(doors_open(c, table, 1, &f) == NULL);
		snprintf(want, sizeof(want),
		    "%s:3: smtp: judge= wants yes or no", name);
		if (strcmp(f.text, want) != 0)
			fprintf(stderr, "%s\n", f.text);
		CHECK(f.kind == FAIL_SYNTAX && strcmp(f.text, want) == 0);
	}
	conf_free(c);
	unlink(name);
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
	bool test;

	daemon_arguments(2, argv, "smtpd", "Does things.", &test);
}

static void
too_many_arguments(void)
{
	char name[] = "smtpd", word[] = "word";
	char *argv[] = {name, word, NULL};
	bool test;

	daemon_arguments(2, argv, "smtpd", "Does things.", &test);
}

/* Started without any of its first descriptors. */
static void
nothing_open(void)
{
	char name[] = "smtpd";
	char *argv[] = {name, NULL};
	bool test;
	int next;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	daemon_arguments(1, argv, "smtpd", "Does things.", &test);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		CHECK(fcntl(fd, F_GETFD) == 0);
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(next > STDERR_FILENO);
	close(next);
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
	check_refused(with_option, 1, "no options are known here");
	test_words();
	test_line_is_named();
	CHECK(apart(visit_pop3) == 0);
	CHECK(apart(visit_smtp) == 0);
	CHECK(apart(visit_bound) == 0);
	CHECK(apart(stop_twice) == 0);
	CHECK(WEXITSTATUS(apart(wrong_argument)) == DAEMON_USAGE);
	CHECK(WEXITSTATUS(apart(too_many_arguments)) == DAEMON_USAGE);
	CHECK(apart(nothing_open) == 0);
	test_names();
	return TEST_EXIT();
}
