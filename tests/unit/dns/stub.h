/* SPDX-License-Identifier: MIT */
/* stub: tests/tools/stub_dns.py as a child of a test program. */
#ifndef TESTS_UNIT_DNS_STUB_H
#define TESTS_UNIT_DNS_STUB_H

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct stub {
	pid_t pid;
	char address[64]; /* "127.0.0.1:40123", empty if it did not start */
	char file[64];
	char anchor[72]; /* file for a resolver that validates */
	int in;          /* closed, it ends: also when the test dies */
};

extern char **environ;

/* zone is JSON as stub_dns.py takes it. */
static struct stub
stub_start(const char *zone)
{
	char python[] = "/usr/bin/python3",
	     script[] = "tests/tools/stub_dns.py";
	struct stub s = {.file = "/tmp/pennypost-stub-XXXXXX.json"};
	char eof[] = "--until-eof", option[] = "--anchor",
	     *argv[] = {python, script, eof, option, s.anchor, s.file, NULL};
	posix_spawn_file_actions_t actions;
	char line[256] = "", *port;
	int fd = mkstemps(s.file, 5), in[2], out[2];
	FILE *f;

	if (fd == -1 || write(fd, zone, strlen(zone)) == -1 ||
	    pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		return s;
	close(fd);
	snprintf(s.anchor, sizeof(s.anchor), "%s.ds", s.file);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	if (posix_spawn(&s.pid, argv[0], &actions, NULL, argv, environ) != 0)
		s.pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	s.in = in[1];
	f = fdopen(out[0], "r");
	if (fgets(line, sizeof(line), f) != NULL &&
	    (port = strstr(line, "\"port\": ")) != NULL)
		snprintf(s.address, sizeof(s.address), "127.0.0.1:%.5s",
		    strtok_r(port + 8, "}", &port));
	fclose(f);
	return s;
}

static void
stub_stop(struct stub *s)
{
	if (s->pid > 0) {
		close(s->in);
		waitpid(s->pid, NULL, 0);
	}
	unlink(s->file);
	unlink(s->anchor);
}

#endif
