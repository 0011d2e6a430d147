/* SPDX-License-Identifier: MIT */
#include "common/daemon/daemon.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/notify.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define USER_PREFIX "pennypost-"
#define NAME_ROOM   64
#define PATH_ROOM   (4 * KB)
#define ARENAS      2 /* the loop's, and one for all other threads */

static _Noreturn void
usage(FILE *to, int code, const char *name, const char *about)
{
	fprintf(to,
	    "usage: %s [-c FILE] [-T] [-V] [-h]\n\n"
	    "%s\n\n"
	    "  -c FILE  read this configuration (default %s)\n"
	    "  -T       try what the sandbox refuses, and exit\n"
	    "  -V       print the version\n"
	    "  -h       print this\n\n"
	    "%s(8) says more; mailctl(1) is how to talk to the daemons.\n",
	    name, about, CONF_DEFAULT_FILE, name);
	exit(code);
}

/* Whoever closed them before us would have our words written to a socket, and
 * sockets handed to the resolver's process. */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR); /* for children too */
	while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* glibc would give each thread an arena of its own, in which what was freed
 * stays: popd kept 1.4 MB for each of its nine, and grew by 9 % in an hour
 * without holding more. */
static void
share_memory(void)
{
	mallopt(M_ARENA_MAX, ARENAS);
}

const char *
daemon_arguments(
    int argc, char **argv, const char *name, const char *about, bool *test)
{
	const char *file = CONF_DEFAULT_FILE;
	int option;

	open_standard();
	share_memory();
	*test = false;
	while ((option = getopt(argc, argv, "c:TVh")) != -1)
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'T':
			*test = true;
			break;
		case 'V':
			printf("%s (Penny Post) %s\n", name, PP_VERSION);
			exit(DAEMON_STOPPED);
		case 'h':
			usage(stdout, DAEMON_STOPPED, name, about);
		default:
			usage(stderr, DAEMON_USAGE, name, about);
		}
	if (optind == argc)
		return file;
	fprintf(stderr, "%s: \"%s\" is too much\n", name, argv[optind]);
	usage(stderr, DAEMON_USAGE, name, about);
}

char *
daemon_user(const struct conf *conf, const char *name)
{
	char own[NAME_ROOM];

	if (conf->server_user[0] != '\0')
		return mem_dup(str_of(conf->server_user));
	snprintf(own, sizeof(own), USER_PREFIX "%s", name);
	return getpwnam(own) != NULL ? mem_dup(str_of(own)) : NULL;
}

char *
daemon_path(const struct conf *conf, const char *file)
{
	struct buf path;

	buf_init(&path, PATH_ROOM);
	buf_addf(&path, "%s/%s", conf->server_runtime, file);
	return buf_take(&path);
}

int
daemon_clock(const struct conf *conf, struct clock *out, struct fail *f)
{
	*out = clock_system;
	if (conf->test_clock[0] == '\0' ||
	    clock_moved(out, conf->test_clock, f) == 0)
		return 0;
	struct fail why = *f;
	return conf_refuse(conf, &conf->test_clock, f, "%s", why.text);
}

int
daemon_refuse(
    const struct log *log, enum daemon_exit code, const struct fail *why)
{
	log_error(log, "%s", why->text);
	return (int)code;
}

void
daemon_run(struct loop *loop, const struct log *log)
{
	sigset_t stop;

	notify_supervisor("READY=1");
	log_info(log, "ready");
	loop_run(loop);
	/* held back, not ignored: freeing the loop gives signals it handled
	 * their default action again.  All other threads take none at all. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
}
