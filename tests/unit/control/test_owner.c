/* SPDX-License-Identifier: MIT */
/* One owner at a time; the kernel takes it back from the dead. */
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/control/owner.h"
#include "common/util/clock.h"
#include "tests/test.h"

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

/* A child that is the owner until it is killed. */
static pid_t
start_owner(const char *dir)
{
	int fds[2];
	char c;

	if (pipe(fds) == -1)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		struct fail f;
		bool got = owner_take(dir, 0, &f) != -1;
		if (write(fds[1], got ? "y" : "n", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(fds[0], &c, 1) != 1 || c != 'y')
		abort();
	close(fds[0]);
	close(fds[1]);
	return pid;
}

int
main(void)
{
	char root[] = "/tmp/owner-XXXXXX", dir[64];
	struct fail f = {0};
	struct stat st;
	int64_t begun;
	int fd;

	if (mkdtemp(root) == NULL)
		abort();
	snprintf(dir, sizeof(dir), "%s/store", root);
	fd = owner_take(dir, 0, &f);
	CHECK(fd != -1);
	CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 02770);
	CHECK(owner_take(dir, 0, &f) == -1 && f.kind == FAIL_TEMP);
	begun = clock_mono_ms(&clock_system);
	CHECK(owner_take(dir, 100, &f) == -1 && f.kind == FAIL_TEMP);
	CHECK(clock_mono_ms(&clock_system) - begun >= 80);
	close(fd);

	pid_t pid = start_owner(dir);
	CHECK(owner_take(dir, 0, &f) == -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd = owner_take(dir, 1000, &f);
	CHECK(fd != -1);
	close(fd);

	snprintf(dir, sizeof(dir), "%s/no/such", root);
	CHECK(owner_take(dir, 0, &f) == -1 && f.kind == FAIL_PERM);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return TEST_EXIT();
}
