/* SPDX-License-Identifier: MIT */
#include "common/net/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/landlock.h"
#include "common/net/sandbox_attempts.h"
#include "common/net/sandbox_build.h"
#include "tests/unit/net/net_test.h"

static const char *const no_secrets[] = {NULL};

/* What a child finds. */
struct world {
	char dir[64];
	struct sandbox_ground ground;
	int listener, other; /* two ports on loopback */
	int abstract;
	uint16_t port, other_port;
};

static const char *
below(const struct world *w, const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", w->dir, name);
	return out;
}

static int
open_as(const struct world *w, const char *name, int flags)
{
	char path[256];
	int fd = open(below(w, name, path), flags | O_CLOEXEC, 0600);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
listen_somewhere(uint16_t *port)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(fd, (struct sockaddr *)&in, len) == 0);
	CHECK(listen(fd, SOMAXCONN) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static int
connect_to(int fd, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 ? 0 : errno;
}

static int
connect_anew(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd == -1)
		return errno;
	err = connect_to(fd, port);
	close(fd);
	return err;
}

static struct sandbox_state
enter(const struct sandbox_profile *p)
{
	struct sandbox_state state;
	struct fail f = {0};

	CHECK(sandbox_enter(p, &state, &f) == 0);
	CHECK_STR(f.text, "");
	return state;
}

static int
attempt(const struct world *w, const char *name)
{
	for (size_t i = 0; i < sandbox_n_attempts; i++)
		if (strcmp(sandbox_attempts[i].name, name) == 0)
			return sandbox_attempt_make(
			    &sandbox_attempts[i], &w->ground);
	CHECK(!"there is such an attempt");
	return 0;
}

/* ---- what is refused ---- */

/* Nothing at all is allowed: each attempt of the table fails. */
static void
nothing_allowed(struct world *w)
{
	const struct sandbox_profile none = {.may = 0};
	struct sandbox_state s = enter(&none);

	for (size_t i = 0; i < sandbox_n_attempts && s.seccomp; i++) {
		const struct sandbox_attempt *a = &sandbox_attempts[i];
		int err;

		if (a->abi > s.landlock)
			continue;
		err = sandbox_attempt_make(a, &w->ground);
		if (sandbox_is_refusal(err) || sandbox_attempt_is_moot(a, err))
			continue;
		fprintf(stderr, "%s: %s\n", a->name, strerror(err));
		test_failures++;
	}
}

/* The table is of no use if it calls possible things refused: outside of a
 * sandbox, where root may do nearly all, most are seen to be possible. */
static void
nothing_entered(struct world *w)
{
	size_t possible = 0;

	for (size_t i = 0; i < sandbox_n_attempts; i++)
		possible += !sandbox_is_refusal(
		    sandbox_attempt_make(&sandbox_attempts[i], &w->ground));
	CHECK(geteuid() != 0 || possible > sandbox_n_attempts / 2);
	CHECK(attempt(w, "fork") == 0);
	CHECK(attempt(w, "open /etc/passwd") == 0);
	CHECK(attempt(w, "memory to write and execute") == 0);
	CHECK(attempt(w, "UDP") == 0);
}

/* A profile that is opened is found out. */
static void
opened(struct world *w)
{
	const struct sandbox_path paths[] = {
	    {"/etc", SANDBOX_READ, true}
        };
	const struct sandbox_profile open = {
	    .may = SANDBOX_FORK | SANDBOX_UDP,
	    .paths = paths,
	    .n_paths = 1,
	};
	struct sandbox_state s = enter(&open);

	CHECK(attempt(w, "fork") == 0);
	CHECK(attempt(w, "UDP") == 0);
	CHECK(attempt(w, "open /etc/passwd") == 0);
	CHECK(!s.seccomp || attempt(w, "clone of a user namespace") == EPERM);
	CHECK(!s.seccomp || attempt(w, "clone3") == ENOSYS);
	CHECK(s.landlock == 0 || attempt(w, "open /root") == EACCES);
}

/* ---- files ---- */

/* A rule for a file is for this file, whatever takes its name. */
static void
single_file(struct world *w)
{
	char file[256], other[256];
	const struct sandbox_path paths[] = {
	    {below(w, "file", file),      SANDBOX_READ | SANDBOX_WRITE, true},
	    {"/nonexistent/file",   SANDBOX_READ,         false},
	    {w->dir,  SANDBOX_LIST | SANDBOX_MAKE,true    },
	};
	const struct sandbox_profile p = {
	    .may = SANDBOX_FILES, .paths = paths, .n_paths = 3};

	if (enter(&p).landlock == 0)
		return;
	CHECK(open_as(w, "file", O_RDWR) == 0);
	CHECK(open_as(w, "file", O_WRONLY | O_TRUNC) == 0);
	CHECK(open_as(w, "other", O_RDONLY) == EACCES);
	CHECK(open_as(w, "other", O_WRONLY) == EACCES);
	CHECK(open_as(w, ".", O_RDONLY | O_DIRECTORY) == 0);
	CHECK(rename(below(w, "other", other), file) == 0);
	CHECK(open_as(w, "file", O_RDONLY) == EACCES);
}

static void
folder(struct world *w)
{
	char own[256], from[256], to[256];
	const struct sandbox_path paths[] = {
	    {below(w, "own", own),
             SANDBOX_READ | SANDBOX_WRITE | SANDBOX_LIST | SANDBOX_MAKE,
             true},
	};
	const struct sandbox_profile p = {
	    .may = SANDBOX_FILES, .paths = paths, .n_paths = 1};

	if (enter(&p).landlock == 0)
		return;
	CHECK(open_as(w, "own/new", O_RDWR | O_CREAT) == 0);
	CHECK(rename(below(w, "own/new", from), below(w, "own/sub/new", to)) ==
	      0);
	CHECK(open_as(w, "own/sub/new", O_RDONLY) == 0);
	CHECK(unlink(to) == 0);
	CHECK(mkdir(below(w, "own/folder", to), 0700) == -1 && errno == EACCES);
	CHECK(open_as(w, "file", O_RDONLY) == EACCES);
	CHECK(open_as(w, "new", O_RDWR | O_CREAT) == EACCES);
	CHECK(unlink(below(w, "file", from)) == -1 && errno == EACCES);
}

static void
missing(struct world *w)
{
	const struct sandbox_path paths[] = {
	    {"/nonexistent/file", SANDBOX_READ, true}
        };
	const struct sandbox_profile p = {.paths = paths, .n_paths = 1};
	struct sandbox_state state;
	struct fail f = {0};

	(void)w;
	if (landlock_abi() < LANDLOCK_FILES)
		return;
	CHECK(sandbox_enter(&p, &state, &f) == -1);
	CHECK_STR(
	    f.text, "sandbox: /nonexistent/file: No such file or directory");
}

/* ---- the network ---- */

static void
ports(struct world *w)
{
	const struct sandbox_profile p = {
	    .may = SANDBOX_TCP, .connect = {w->port}, .n_connect = 1};
	struct sandbox_state s = enter(&p);

	CHECK(connect_anew(w->port) == 0);
	CHECK(s.landlock < LANDLOCK_PORTS ||
	      connect_anew(w->other_port) == EACCES);
}

static void
any_port(struct world *w)
{
	const struct sandbox_profile p = {.may = SANDBOX_TCP};

	enter(&p);
	CHECK(connect_anew(w->port) == 0);
	CHECK(connect_anew(w->other_port) == 0);
}

static void
doors(struct world *w)
{
	const struct sandbox_profile p = {
	    .may = SANDBOX_TCP | SANDBOX_BIND | SANDBOX_LISTEN | SANDBOX_ENTER,
	    .bind = {0},
	    .n_bind = 1,
	};
	struct sandbox_state s = enter(&p);
	struct fail f = {0};
	uint16_t port;

	(void)w;
	close(listen_somewhere(&port));
	CHECK(sandbox_close_doors(&s, true, &f) == 0);
	CHECK(!s.seccomp || (listen(0, 1) == -1 && errno == EPERM));
	CHECK(attempt(w, "bind a TCP port") == 0);
	CHECK(!s.seccomp || attempt(w, "seccomp") == EPERM);
}

static void
doors_for_good(struct world *w)
{
	const struct sandbox_profile p = {
	    .may = SANDBOX_TCP | SANDBOX_BIND | SANDBOX_LISTEN | SANDBOX_ENTER};
	struct sandbox_state s = enter(&p);
	struct fail f = {0};

	CHECK(sandbox_close_doors(&s, false, &f) == 0);
	CHECK(!s.seccomp || attempt(w, "bind a TCP port") == EPERM);
}

/* ---- threads ---- */

static void *
wait_for_end(void *arg)
{
	char c;

	while (read(*(int *)arg, &c, 1) > 0)
		;
	return NULL;
}

static void
not_alone(struct world *w)
{
	const struct sandbox_profile p = {.may = 0};
	struct sandbox_state state;
	struct fail f = {0};
	pthread_t thread;
	int ends[2];

	(void)w;
	CHECK(pipe(ends) == 0);
	CHECK(pthread_create(&thread, NULL, wait_for_end, &ends[0]) == 0);
	CHECK(sandbox_enter(&p, &state, &f) == -1);
	CHECK(strstr(f.text, "threads run already") != NULL);
	close(ends[1]);
	pthread_join(thread, NULL);
}

static void *
try_from_thread(void *arg)
{
	CHECK(open_as(arg, "other", O_RDONLY) != 0);
	return NULL;
}

static void
thread_later(struct world *w)
{
	const struct sandbox_profile p = {.may = SANDBOX_THREADS};
	struct sandbox_state s = enter(&p);
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL,
		  s.landlock ? try_from_thread : wait_for_end, w) == 0);
	pthread_join(thread, NULL);
}

/* A thread may stand back (net/worker.h), and see how far it did; other
 * processes it leaves alone. */
static void *
stand_back(void *arg)
{
	int now = getpriority(PRIO_PROCESS, 0);

	(void)arg;
	CHECK(setpriority(PRIO_PROCESS, 0, now + 1) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == now + 1 || now >= 19);
	CHECK(setpriority(PRIO_PROCESS, (id_t)getppid(), now + 1) == -1);
	CHECK(errno == EPERM);
	CHECK(setpriority(PRIO_USER, 0, now + 1) == -1 && errno == EPERM);
	return NULL;
}

static void
standing_back(struct world *w)
{
	const struct sandbox_profile p = {.may = SANDBOX_THREADS};
	struct sandbox_state s = enter(&p);
	pthread_t thread;

	(void)w;
	if (!s.seccomp)
		return;
	CHECK(pthread_create(&thread, NULL, stand_back, NULL) == 0);
	pthread_join(thread, NULL);
}

/* ---- the whole ---- */

static int
listen_abstract(const char *name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path + 1, name, n);
	CHECK(bind(fd, (struct sockaddr *)&un,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			      n)) == 0);
	CHECK(listen(fd, 1) == 0);
	return fd;
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *where)
{
	(void)st;
	(void)what;
	(void)where;
	return remove(path);
}

static void
make(struct world *w)
{
	static const char *const folders[] = {"own", "own/sub", "empty"};
	char path[256];
	int fd;

	snprintf(w->dir, sizeof(w->dir), "/tmp/pp-sandbox-XXXXXX");
	CHECK(mkdtemp(w->dir) != NULL);
	for (size_t i = 0; i < 3; i++)
		CHECK(mkdir(below(w, folders[i], path), 0700) == 0);
	CHECK(open_as(w, "file", O_WRONLY | O_CREAT) == 0);
	CHECK(open_as(w, "other", O_WRONLY | O_CREAT) == 0);
	w->abstract = listen_abstract(w->dir);
	w->listener = listen_somewhere(&w->port);
	w->other = listen_somewhere(&w->other_port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect_to(fd, w->port) == 0);
	w->ground = (struct sandbox_ground){.outside = w->dir,
	    .abstract = w->dir, /* a name like another */
	    .port = w->port,
	    .accepted = accept(w->listener, NULL, NULL),
	    .secrets = no_secrets};
}

static void
apart(void (*test)(struct world *w), const char *title)
{
	struct world w = {.dir = ""};
	int status = -1;
	pid_t pid;

	make(&w);
	pid = fork();
	if (pid == 0) {
		test_failures = 0;
		test(&w);
		_exit(TEST_EXIT());
	}
	waitpid(pid, &status, 0);
	if (status != 0)
		fprintf(stderr, "in %s: status %d\n", title, status);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(w.listener);
	close(w.other);
	close(w.abstract);
	nftw(w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define APART(test) apart(test, #test)

int
main(void)
{
	if (landlock_abi() < LANDLOCK_FILES)
		fprintf(stderr, "this kernel has no Landlock: files are not "
				"looked at\n");
	APART(nothing_allowed);
	APART(nothing_entered);
	APART(opened);
	APART(single_file);
	APART(folder);
	APART(missing);
	APART(ports);
	APART(any_port);
	APART(doors);
	APART(doors_for_good);
	if (!SANDBOX_THREADS_BEFORE) {
		APART(not_alone);
		APART(thread_later);
		APART(standing_back);
	}
	return TEST_EXIT();
}
