/* SPDX-License-Identifier: MIT */
#include "mailctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/util/mem.h"

#define FIRST_FD    3 /* sd_listen_fds(3) */
#define PID_SETTING "LISTEN_PID="

/* Everything the child needs, made before fork(): after it only what is safe
 * between fork and exec is called. */
struct plan {
	const struct child_spec *spec;
	char **env;
	size_t env_n;
	int fds[SOCKETS_MAX];
	size_t fds_n;
	char names[SOCKETS_MAX * 16];
	char fds_setting[32], pid_setting[32];
	pid_t parent;
	int report; /* errno of a failed exec goes here */
};

static bool
is_setting_of(const char *entry, const char *setting)
{
	struct str name = str_of(setting);

	name = str_cut(&name, '=');
	return str_starts(str_of(entry), name) && entry[name.len] == '=';
}

/* Add or replace one variable of the environment to be. */
static void
put(struct plan *p, const char *setting)
{
	for (size_t i = 0; i < p->env_n; i++)
		if (is_setting_of(p->env[i], setting)) {
			free(p->env[i]);
			p->env[i] = mem_dup(str_of(setting));
			return;
		}
	p->env = mem_grow(p->env, p->env_n + 2, sizeof(*p->env));
	p->env[p->env_n++] = mem_dup(str_of(setting));
	p->env[p->env_n] = NULL;
}

static void
drop(struct plan *p, const char *setting)
{
	for (size_t i = 0; i < p->env_n; i++)
		if (is_setting_of(p->env[i], setting)) {
			free(p->env[i]);
			p->env[i] = p->env[--p->env_n];
			p->env[p->env_n] = NULL;
			return;
		}
}

static void
plan_sockets(struct plan *p)
{
	const struct child_spec *spec = p->spec;
	size_t at = (size_t)snprintf(
	    p->names, sizeof(p->names), "LISTEN_FDNAMES=");

	for (size_t i = 0; spec->sockets != NULL && i < spec->sockets->n; i++) {
		enum service s = spec->sockets->at[i].service;
		if (strcmp(service_program(s), spec->program) != 0)
			continue;
		at += (size_t)snprintf(p->names + at, sizeof(p->names) - at,
		    "%s%s", p->fds_n > 0 ? ":" : "", service_name(s));
		p->fds[p->fds_n++] = spec->sockets->at[i].fd;
	}
	drop(p, "LISTEN_PID=");
	drop(p, "LISTEN_FDS=");
	drop(p, "LISTEN_FDNAMES=");
	if (p->fds_n == 0)
		return;
	snprintf(
	    p->fds_setting, sizeof(p->fds_setting), "LISTEN_FDS=%zu", p->fds_n);
	snprintf(p->pid_setting, sizeof(p->pid_setting), PID_SETTING);
	put(p, p->fds_setting);
	put(p, p->names);
}

/* In the child: LISTEN_PID is its own id, in digits. */
static void
write_pid(char *out, pid_t pid)
{
	char digits[16];
	size_t n = 0;

	for (; pid > 0; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	while (n > 0)
		*out++ = digits[--n];
	*out = '\0';
}

/* In the child: the sockets become 3, 4, ...  First out of the way of each
 * other, since one may have the number that another is to get. */
static int
place_fds(struct plan *p)
{
	int high = FIRST_FD + (int)p->fds_n;

	for (size_t i = 0; i < p->fds_n; i++)
		if ((p->fds[i] = fcntl(p->fds[i], F_DUPFD_CLOEXEC, high)) == -1)
			return -1;
	if (p->report < high &&
	    (p->report = fcntl(p->report, F_DUPFD_CLOEXEC, high)) == -1)
		return -1;
	for (size_t i = 0; i < p->fds_n; i++)
		if (dup2(p->fds[i], FIRST_FD + (int)i) == -1)
			return -1;
	return 0;
}

/* In the child: what the terminal says is for others. */
static void
detach(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	if (null > 0)
		dup2(null, 0);
}

static void
become(struct plan *p)
{
	sigset_t none;
	int why;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (p->spec->detached)
		detach();
	if (p->spec->log_fd > 0)
		dup2(p->spec->log_fd, 2);
	if (p->spec->dies_with_us) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* the parent may have died before that */
		if (getppid() != p->parent)
			_exit(0);
	}
	if (p->fds_n > 0)
		write_pid(p->pid_setting + sizeof(PID_SETTING) - 1, getpid());
	if (place_fds(p) == 0)
		execvpe(p->spec->argv[0],
		    (char *const *)(uintptr_t)p->spec->argv, p->env);
	why = errno;
	if (write(p->report, &why, sizeof(why)) == -1)
		_exit(126);
	_exit(127);
}

static pid_t
fork_and_wait(struct plan *p, struct fail *f)
{
	int pipe_fds[2], why = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) == -1)
		return fail(f, FAIL_TEMP, "pipe: %s", strerror(errno));
	p->report = pipe_fds[1];
	p->parent = getpid();
	pid = fork();
	if (pid == 0)
		become(p);
	close(pipe_fds[1]);
	if (pid == -1) {
		fail(f, FAIL_TEMP, "fork: %s", strerror(errno));
	} else {
		/* ends when exec() has closed it, or says why not */
		do
			n = read(pipe_fds[0], &why, sizeof(why));
		while (n == -1 && errno == EINTR);
		if (n > 0)
			pid = fail(f, FAIL_PERM, "%s: %s", p->spec->argv[0],
			    strerror(why));
	}
	close(pipe_fds[0]);
	return pid;
}

pid_t
child_start(const struct child_spec *spec, struct fail *f)
{
	struct plan p = {.spec = spec};
	pid_t pid;

	for (char **e = environ; *e != NULL; e++)
		put(&p, *e);
	plan_sockets(&p);
	for (const char *const *s = spec->settings; s != NULL && *s != NULL;
	     s++)
		put(&p, *s);
	/* last, and by its own address: the child writes its id into it */
	if (p.fds_n > 0) {
		p.env = mem_grow(p.env, p.env_n + 2, sizeof(*p.env));
		p.env[p.env_n] = p.pid_setting;
		p.env[p.env_n + 1] = NULL;
	}
	pid = fork_and_wait(&p, f);
	for (size_t i = 0; i < p.env_n; i++)
		free(p.env[i]);
	free(p.env);
	return pid;
}
