/* SPDX-License-Identifier: MIT */
#include "common/net/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/landlock.h"
#include "common/net/sandbox_build.h"
#include "common/net/sandbox_calls.h"
#include "common/util/mem.h"

#define REPORT_ROOM 4096
#define REPORTS     3

/* What an ABI has that the one before has not. */
static const struct lack {
	int abi;
	const char *words;
} lacks[] = {
    {LANDLOCK_FILES,   "files (Landlock ABI 2)"                           },
    {LANDLOCK_LENGTHS, "truncation (ABI 3)"                               },
    {LANDLOCK_PORTS,   "TCP ports (ABI 4)"                                },
    {LANDLOCK_IOCTL,   "device control (ABI 5)"                           },
    {LANDLOCK_SCOPES,  "abstract Unix sockets and signals outside (ABI 6)"},
};

static void __attribute__((format(printf, 2, 3)))
add(char words[SANDBOX_WORDS], const char *fmt, ...)
{
	size_t n = strlen(words);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0)
		n += (size_t)snprintf(words + n, SANDBOX_WORDS - n, "%s", ", ");
	if (n < SANDBOX_WORDS)
		vsnprintf(words + n, SANDBOX_WORDS - n, fmt, ap);
	va_end(ap);
}

static int
check_alone(struct fail *f)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	if (d == NULL)
		return 0; /* without /proc nobody can tell */
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	/* `.', `..' and this one */
	if (n > 3 + SANDBOX_THREADS_BEFORE)
		return fail(f, FAIL_PERM,
		    "sandbox: %zu threads run already, and would stay outside",
		    n - 3);
	return 0;
}

/* ---- files ---- */

#if SANDBOX_SANITIZED

/* What a sanitizer has to say goes to a file that it opens when it has: the
 * file is made now, so that there can be a rule for it. */
static size_t
make_reports(char paths[REPORTS][REPORT_ROOM])
{
	static const char *const options[REPORTS] = {
	    "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};
	size_t n = 0;

	for (size_t i = 0; i < REPORTS; i++) {
		const char *at = getenv(options[i]);
		FILE *file;

		at = at != NULL ? strstr(at, "log_path=") : NULL;
		if (at == NULL)
			continue;
		at += sizeof("log_path=") - 1;
		snprintf(paths[n], REPORT_ROOM, "%.*s.%d",
		    (int)strcspn(at, ": "), at, (int)getpid());
		file = fopen(paths[n], "ae");
		if (file != NULL && fclose(file) == 0)
			n++;
	}
	return n;
}

#else

static size_t
make_reports(char paths[REPORTS][REPORT_ROOM])
{
	(void)paths;
	return 0;
}

#endif

static int
confine_files(const struct sandbox_profile *p, int abi, struct fail *f)
{
	char reports[REPORTS][REPORT_ROOM];
	size_t n = make_reports(reports), at = p->n_paths;
	struct sandbox_profile whole = *p;
	struct sandbox_path *paths = mem_new(
	    p->n_paths + n + sandbox_n_build_paths + 1, sizeof(*paths));
	int rc;

	for (size_t i = 0; i < p->n_paths; i++)
		paths[i] = p->paths[i];
	for (size_t i = 0; i < n; i++)
		paths[at++] = (struct sandbox_path){
		    reports[i], SANDBOX_READ | SANDBOX_WRITE, false};
	for (size_t i = 0; i < sandbox_n_build_paths; i++)
		paths[at++] = sandbox_build_paths[i];
	whole.paths = paths;
	whole.n_paths = at;
	rc = landlock_enter(&whole, abi, f);
	free(paths);
	return rc;
}

/* ---- system calls ---- */

/* Refused in words that libc and libraries know to go on from. */
static const struct refusal {
	int nr, err;
	struct sandbox_argument what;
} refusals[] = {
    {SCMP_SYS(clone3),   ENOSYS,     {0}                            },
    {SCMP_SYS(sendto),   EOPNOTSUPP, {4, MSG_FASTOPEN, MSG_FASTOPEN}},
    {SCMP_SYS(sendmsg),  EOPNOTSUPP, {3, MSG_FASTOPEN, MSG_FASTOPEN}},
    {SCMP_SYS(sendmmsg), EOPNOTSUPP, {4, MSG_FASTOPEN, MSG_FASTOPEN}},
};

static unsigned
argument(struct scmp_arg_cmp *to, const struct sandbox_argument *a)
{
	if (a->which == 0)
		return 0;
	*to = (struct scmp_arg_cmp){.arg = a->which - 1,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = a->mask,
	    .datum_b = a->want};
	return 1;
}

static int
refuse(scmp_filter_ctx ctx)
{
	int rc = 0;

	for (size_t i = 0;
	     i < sizeof(refusals) / sizeof(refusals[0]) && rc == 0; i++) {
		struct scmp_arg_cmp arg;
		unsigned n = argument(&arg, &refusals[i].what);

		rc = seccomp_rule_add_array(ctx,
		    SCMP_ACT_ERRNO((uint32_t)refusals[i].err), refusals[i].nr,
		    n, &arg);
	}
	return rc;
}

/* Calls that this processor never had are left out by libseccomp, or refused
 * with EDOM. */
static int
allow(scmp_filter_ctx ctx, const struct sandbox_call *c)
{
	struct scmp_arg_cmp args[3];
	unsigned n = 0;
	int rc;

	for (size_t i = 0; i < 3; i++)
		n += argument(&args[n], &c->args[i]);
	rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, c->nr, n, args);
	return rc == -EDOM || rc == -EEXIST ? 0 : rc;
}

static int
allow_all(scmp_filter_ctx ctx, const struct sandbox_call *calls, size_t n,
    unsigned may)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (calls[i].may & (may | SANDBOX_ALWAYS))
			rc = allow(ctx, &calls[i]);
	return rc;
}

/* abort() and raise(): signals of the process to itself. */
static int
allow_own_signals(scmp_filter_ctx ctx)
{
	const struct sandbox_call own = {.nr = SCMP_SYS(tgkill),
	    .args = {{1, 0xffffffff, (uint64_t)getpid()}}};

	return allow(ctx, &own);
}

static int
load(scmp_filter_ctx ctx)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	/* a tree instead of a list; libseccomp before 2.5 has none */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return rc == 0 ? seccomp_load(ctx) : rc;
}

/* 1: done, 0: this kernel has no such thing, -1. */
static int
confine_calls(const struct sandbox_profile *p, struct fail *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (ctx == NULL)
		return 0;
	rc = refuse(ctx);
	if (rc == 0)
		rc = allow_all(ctx, sandbox_calls, sandbox_n_calls, p->may);
	if (rc == 0)
		rc = allow_all(ctx, sandbox_build_calls, sandbox_n_build_calls,
		    SANDBOX_ALWAYS);
	if (rc == 0)
		rc = allow_own_signals(ctx);
	if (rc != 0) {
		seccomp_release(ctx);
		return fail(f, FAIL_TEMP, "sandbox: the filter of calls: %s",
		    strerror(-rc));
	}
	rc = load(ctx);
	seccomp_release(ctx);
	return rc == 0;
}

/* ---- public ---- */

int
sandbox_enter(
    const struct sandbox_profile *p, struct sandbox_state *out, struct fail *f)
{
	int abi = landlock_abi(), rc;

	*out = (struct sandbox_state){.landlock = 0};
	if (check_alone(f) == -1)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail(
		    f, FAIL_PERM, "sandbox: no_new_privs: %s", strerror(errno));
	if (abi >= LANDLOCK_FILES) {
		if (confine_files(p, abi, f) == -1)
			return -1;
		out->landlock = abi;
		add(out->has, "Landlock ABI %d", abi);
	}
	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
		if (abi < lacks[i].abi)
			add(out->lacks, "%s", lacks[i].words);
	rc = confine_calls(p, f);
	if (rc == -1)
		return -1;
	out->seccomp = rc == 1;
	if (out->seccomp)
		add(out->has, "seccomp");
	else
		add(out->lacks, "system calls (seccomp)");
	return 0;
}

int
sandbox_close_doors(
    const struct sandbox_state *s, bool keep_bind, struct fail *f)
{
	static const int shut[] = {SCMP_SYS(listen), SCMP_SYS(seccomp),
	    SCMP_SYS(landlock_restrict_self), SCMP_SYS(bind)};
	size_t n = sizeof(shut) / sizeof(shut[0]) - keep_bind;
	scmp_filter_ctx ctx;
	int rc = 0;

	if (!s->seccomp)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	for (size_t i = 0; i < n && rc == 0 && ctx != NULL; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), shut[i], 0);
	if (ctx != NULL && rc == 0)
		rc = load(ctx);
	seccomp_release(ctx);
	if (ctx == NULL || rc != 0)
		return fail(f, FAIL_TEMP, "sandbox: closing the doors: %s",
		    strerror(rc != 0 ? -rc : ENOMEM));
	return 0;
}
