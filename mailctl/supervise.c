/* SPDX-License-Identifier: MIT */
#include "mailctl/supervise.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/notify.h"
#include "common/util/mem.h"
#include "mailctl/child.h"

#define PATH_ROOM    4096
#define BACKOFF_MS   100
#define BACKOFF_MOST 30000
#define STEADY_MS    60000 /* alive so long: the back-off begins anew */
#define STOP_MS      30000 /* maild may have a checkpoint to finish */

static const char *const programs[] = {"maild", "smtpd", "popd"};

#define N_PROGRAMS (sizeof(programs) / sizeof(*programs))

struct daemon {
	struct supervisor *supervisor; /* borrowed */
	const char *program;
	char file[PATH_ROOM];
	char notify[PATH_ROOM]; /* "NOTIFY_SOCKET=..." */
	struct notice_inbox *inbox;
	struct timer *again;
	pid_t pid; /* 0: not there */
	bool ready, was_ready;
	int64_t started_ms, backoff_ms;
};

struct supervisor {
	struct supervisor_options o;
	struct daemon daemons[N_PROGRAMS];
	struct timer *killer;
	bool told_ready, stopping, ended;
	int status;
};

/* "smtpd: ended by signal 9", for the log. */
static void
log_end(const struct supervisor *s, const struct daemon *d, int status)
{
	if (WIFSIGNALED(status))
		log_warn(s->o.log, "%s was ended by signal %d (%s)", d->program,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0 || !s->stopping)
		log_warn(s->o.log, "%s ended with status %d", d->program,
		    WEXITSTATUS(status));
}

static int
find_program(struct daemon *d, struct fail *f)
{
	static const char *const places[] = {"", "/../libexec/pennypost"};
	char here[PATH_ROOM];
	ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);

	if (n <= 0)
		return fail(
		    f, FAIL_PERM, "/proc/self/exe: %s", strerror(errno));
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int len = snprintf(d->file, sizeof(d->file), "%s%s/%s", here,
		    places[i], d->program);
		if (len < (int)sizeof(d->file) && access(d->file, X_OK) == 0)
			return 0;
	}
	return fail(f, FAIL_PERM,
	    "%s is neither in %s nor in "
	    "%s/../libexec/pennypost",
	    d->program, here, here);
}

static int
start(struct daemon *d, struct fail *f)
{
	struct supervisor *s = d->supervisor;
	const char *argv[] = {d->file, "-c", s->o.conf_file, NULL};
	const char *settings[] = {d->notify, NULL};
	struct child_spec spec = {
	    .argv = argv,
	    .settings = settings,
	    .sockets = s->o.sockets,
	    .program = d->program,
	    .dies_with_us = true,
	    .detached = true,
	    .log_fd = s->o.log_fd,
	};
	pid_t pid = child_start(&spec, f);

	if (pid == -1)
		return -1;
	d->pid = pid;
	d->ready = false;
	d->started_ms = loop_now_ms(s->o.loop);
	return 0;
}

static void
start_later(struct daemon *d)
{
	timer_set(d->again, d->backoff_ms);
	d->backoff_ms = d->backoff_ms * 2 < BACKOFF_MOST ? d->backoff_ms * 2
	                                                 : BACKOFF_MOST;
}

static void
start_again(void *arg)
{
	struct daemon *d = arg;
	struct fail f = {0};

	if (d->supervisor->stopping || d->pid != 0)
		return;
	log_info(d->supervisor->o.log, "starting %s again", d->program);
	if (start(d, &f) == -1) {
		log_error(d->supervisor->o.log, "%s", f.text);
		start_later(d);
	}
}

static void
tell_if_ready(struct supervisor *s)
{
	if (s->told_ready || s->stopping)
		return;
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (!s->daemons[i].ready)
			return;
	s->told_ready = true;
	s->o.ready(s->o.arg);
}

static void
take_notice(void *arg, struct str text)
{
	struct daemon *d = arg;

	while (text.len > 0)
		if (str_eq(str_cut(&text, '\n'), STR("READY=1")))
			d->ready = d->was_ready = true;
	tell_if_ready(d->supervisor);
}

static void
kill_all(struct supervisor *s, int signo)
{
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (s->daemons[i].pid != 0)
			kill(s->daemons[i].pid, signo);
}

static bool
is_any_alive(const struct supervisor *s)
{
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (s->daemons[i].pid != 0)
			return true;
	return false;
}

static void
tell_if_ended(struct supervisor *s)
{
	if (!s->stopping || s->ended || is_any_alive(s))
		return;
	s->ended = true;
	timer_clear(s->killer);
	s->o.ended(s->o.arg, s->status);
}

static void
kill_rest(void *arg)
{
	struct supervisor *s = arg;

	if (is_any_alive(s)) {
		log_warn(
		    s->o.log, "not everything ended by itself: killing it");
		kill_all(s, SIGKILL);
	}
	tell_if_ended(s);
}

/* The exit code that tells of this end. */
static int
code_of(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* asked to stop before it could say how it wants to */
	return WTERMSIG(status) == SIGTERM ? 0 : 1;
}

static void
took_end(struct daemon *d, int status)
{
	struct supervisor *s = d->supervisor;
	int64_t now = loop_now_ms(s->o.loop);
	int code = code_of(status);

	d->pid = 0;
	d->ready = false;
	log_end(s, d, status);
	if (s->stopping) {
		if (s->status == 0)
			s->status = code;
		return;
	}
	if (!d->was_ready) {
		/* it will not be better next time */
		s->status = code != 0 ? code : 1;
		supervisor_stop(s);
		return;
	}
	if (now - d->started_ms > STEADY_MS)
		d->backoff_ms = BACKOFF_MS;
	start_later(d);
}

void
supervisor_reap(struct supervisor *s)
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct daemon *d = &s->daemons[i];
		int status;
		if (d->pid != 0 && waitpid(d->pid, &status, WNOHANG) == d->pid)
			took_end(d, status);
	}
	tell_if_ended(s);
}

static int
prepare(struct supervisor *s, struct daemon *d, struct fail *f)
{
	const char *path = d->notify + sizeof("NOTIFY_SOCKET=") - 1;

	d->backoff_ms = BACKOFF_MS;
	d->again = timer_new(s->o.loop, start_again, d);
	if (snprintf(d->notify, sizeof(d->notify), "NOTIFY_SOCKET=%s/ready.%s",
		s->o.runtime_dir, d->program) >= (int)sizeof(d->notify))
		return fail(f, FAIL_PERM, "server.runtime is too long");
	if (find_program(d, f) == -1)
		return -1;
	d->inbox = notice_inbox_new(s->o.loop, path, take_notice, d, f);
	return d->inbox != NULL ? 0 : -1;
}

struct supervisor *
supervisor_new(const struct supervisor_options *o, struct fail *f)
{
	struct supervisor *s = MEM_NEW(struct supervisor);
	int rc = 0;

	s->o = *o;
	s->killer = timer_new(o->loop, kill_rest, s);
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		s->daemons[i].supervisor = s;
		s->daemons[i].program = programs[i];
	}
	for (size_t i = 0; i < N_PROGRAMS && rc == 0; i++)
		rc = prepare(s, &s->daemons[i], f);
	for (size_t i = 0; i < N_PROGRAMS && rc == 0; i++)
		rc = start(&s->daemons[i], f);
	if (rc == 0)
		return s;
	supervisor_free(s);
	return NULL;
}

void
supervisor_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	kill_all(s, SIGTERM);
	timer_set(s->killer, is_any_alive(s) ? STOP_MS : 0);
}

void
supervisor_signal(struct supervisor *s, int signo)
{
	kill_all(s, signo);
}

void
supervisor_free(struct supervisor *s)
{
	if (s == NULL)
		return;
	kill_all(s, SIGKILL);
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct daemon *d = &s->daemons[i];
		if (d->pid != 0)
			waitpid(d->pid, NULL, 0);
		if (d->inbox != NULL)
			unlink(d->notify + sizeof("NOTIFY_SOCKET=") - 1);
		notice_inbox_free(d->inbox);
		timer_free(d->again);
	}
	timer_free(s->killer);
	free(s);
}
