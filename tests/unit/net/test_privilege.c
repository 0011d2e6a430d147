/* SPDX-License-Identifier: MIT */
#include "common/net/privilege.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/certificate.h"
#include "common/net/throwaway.h"
#include "tests/unit/net/net_test.h"

static bool
no_capability_left(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");
	int sets = 0, empty = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "CapInh", 6) != 0 &&
		    strncmp(line, "CapPrm", 6) != 0 &&
		    strncmp(line, "CapEff", 6) != 0 &&
		    strncmp(line, "CapAmb", 6) != 0)
			continue;
		sets++;
		empty += strstr(line, "\t0000000000000000\n") != NULL;
	}
	if (f != NULL)
		fclose(f);
	return sets == 4 && empty == 4;
}

static void
drop_to_nobody(void)
{
	const struct passwd *p = getpwnam("nobody");
	struct fail f = {0};
	gid_t groups[8];
	int n, signo = 0;

	CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
	CHECK(privilege_drop("nobody", &f) == 0);
	CHECK(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == SIGUSR1);
	CHECK(getuid() == p->pw_uid && geteuid() == p->pw_uid);
	CHECK(getgid() == p->pw_gid && getegid() == p->pw_gid);
	n = getgroups(8, groups);
	CHECK(n <= 1 && (n == 0 || groups[0] == p->pw_gid));
	CHECK(setuid(0) == -1);
	CHECK(no_capability_left());
	CHECK(privilege_drop("nobody", &f) == 0); /* not root: nothing to do */
}

static void
lock(void)
{
	struct fail f = {0};
	struct rlimit limit;

	CHECK(privilege_lock(&f) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CHECK(umask(0) == 0007);
#ifndef __SANITIZE_ADDRESS__
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
}

static void
stay(void)
{
	struct fail f = {0};

	CHECK(privilege_drop(NULL, &f) == 0);
	CHECK(privilege_drop("", &f) == 0);
	CHECK(geteuid() == 0);
	CHECK(privilege_drop("no-such-user", &f) == -1);
	CHECK(strstr(f.text, "no-such-user") != NULL);
	CHECK(privilege_drop("root", &f) == 0 && geteuid() == 0);
}

static void
raise_files(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &limit);
	privilege_raise_files();
	getrlimit(RLIMIT_NOFILE, &limit);
	CHECK(limit.rlim_cur == limit.rlim_max);
}

/* In a child: there is no way back. */
static void
apart(void (*test)(void), const char *title)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		test_failures = 0;
		test();
		_exit(TEST_EXIT());
	}
	waitpid(pid, &status, 0);
	if (status != 0)
		fprintf(stderr, "in %s\n", title);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool
names_host(const char *file, const char *host)
{
	struct certificate c = {0};
	struct fail f;

	CHECK(certificate_look(file, host, &c, &f) == 0);
	CHECK(c.expires_s > time(NULL) + 29 * 24 * 3600);
	CHECK(c.expires_s <= time(NULL) + 30 * 24 * 3600);
	return c.names_host;
}

static void
test_throwaway_files(void)
{
	const char *names[] = {
	    "mx.d.test", "a.example, DNS:evil.example", "127.0.0.1", "::1"};
	char folder[64], path[128];
	struct stat st;
	struct fail f;

	folder_open(folder);
	CHECK(throwaway_ca(folder, names, 4, &f) == 0);
	in_folder(path, folder, "cert.pem");
	CHECK(names_host(path, "mx.d.test"));
	CHECK(!names_host(path, "evil.example")); /* one name, not two */
	CHECK(!names_host(path, "other.d.test"));
	CHECK(throwaway_ca(folder, names, 1, &f) == 0); /* over the old */
	CHECK(stat(in_folder(path, folder, "key.pem"), &st) == 0);
	CHECK((st.st_mode & 0777) == 0600);
	CHECK(stat(in_folder(path, folder, "ca.pem"), &st) == 0);
	CHECK(stat(in_folder(path, folder, "cert.pem"), &st) == 0);
	CHECK(throwaway_ca("/nonexistent", names, 1, &f) == -1);
	folder_close(folder);
}

int
main(void)
{
	apart(lock, "lock");
	apart(raise_files, "raise_files");
	if (geteuid() == 0) {
		apart(stay, "stay");
		apart(drop_to_nobody, "drop_to_nobody");
	} else {
		fprintf(stderr, "skipped, not root: dropping to a user\n");
	}
	test_throwaway_files();
	return TEST_EXIT();
}
