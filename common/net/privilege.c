/* SPDX-License-Identifier: MIT */
#include "common/net/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECKER 1
#endif
#endif
#ifndef LEAK_CHECKER
#define LEAK_CHECKER 0
#endif

void
privilege_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
has_capability(void)
{
	static const struct __user_cap_data_struct
	    none[_LINUX_CAPABILITY_U32S_3] = {
		{0, 0, 0}
        };
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, now) == -1 ||
	       memcmp(now, none, sizeof(now)) != 0;
}

/* No capability in any set; dropping needs none.  Where there is nothing to
 * drop, systemd's filter of system calls may refuse even that. */
static int
drop_capabilities(struct fail *f)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
	    {0, 0, 0}
        };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (has_capability() && syscall(SYS_capset, &head, none) == -1)
		return fail(f, FAIL_PERM, "cannot drop capabilities: %s",
		    strerror(errno));
	return 0;
}

/* The kernel forgets the parent-death signal when the user changes. */
static int
follow_parent(pid_t parent, int signo, struct fail *f)
{
	if (signo == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, signo) == -1)
		return fail(
		    f, FAIL_PERM, "parent-death signal: %s", strerror(errno));
	if (getppid() != parent) /* it died in between */
		raise(signo);
	return 0;
}

int
privilege_drop(const char *user, struct fail *f)
{
	const pid_t parent = getppid();
	const struct passwd *p;
	int death_signal = 0;

	if (geteuid() != 0 || user == NULL || user[0] == '\0')
		return 0;
	errno = 0;
	p = getpwnam(user);
	if (p == NULL)
		return fail(f, FAIL_PERM, "user %s: %s", user,
		    errno != 0 ? strerror(errno) : "no such user");
	if (p->pw_uid == 0)
		return 0;
	prctl(PR_GET_PDEATHSIG, &death_signal);
	/* groups first: without root they could not be changed any more */
	if (initgroups(user, p->pw_gid) == -1 ||
	    setresgid(p->pw_gid, p->pw_gid, p->pw_gid) == -1 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) == -1)
		return fail(f, FAIL_PERM, "cannot become %s: %s", user,
		    strerror(errno));
	if (setresuid(0, 0, 0) != -1)
		return fail(f, FAIL_PERM, "root came back after %s", user);
	if (drop_capabilities(f) == -1)
		return -1;
	return follow_parent(parent, death_signal, f);
}

int
privilege_lock(struct fail *f)
{
	const struct rlimit no_core = {0, 0};

	umask(0007);
	/* what systemd lent for binding (AmbientCapabilities) ends here; a
	 * plain root in a container without user= stays what it is */
	if (geteuid() != 0 && drop_capabilities(f) == -1)
		return -1;
	if (setrlimit(RLIMIT_CORE, &no_core) == -1)
		return fail(f, FAIL_PERM, "no core files: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fail(f, FAIL_PERM, "no_new_privs: %s", strerror(errno));
	/* the leak checker of test builds must trace us at exit */
	if (!LEAK_CHECKER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return fail(f, FAIL_PERM, "non-dumpable: %s", strerror(errno));
	return 0;
}
