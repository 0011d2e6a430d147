/* SPDX-License-Identifier: MIT */
#include "common/daemon/selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemon/daemon.h"
#include "common/daemon/selftest_need.h"
#include "common/net/privilege.h"
#include "common/net/sandbox_attempts.h"
#include "common/net/unix_socket.h"
#include "common/util/mem.h"

#define PATH_ROOM   256
#define SECRETS_MAX 16
#define NAME_ROOM   64

/* The folder of the test, and what lies in it. */
struct place {
	struct conf conf; /* a copy: store and runtime are the test's own */
	char dir[PATH_ROOM], store[PATH_ROOM], run[PATH_ROOM];
	char outside[PATH_ROOM], auth[PATH_ROOM];
	char secrets[SECRETS_MAX][PATH_ROOM];
	const char *secret[SECRETS_MAX + 1];
	char abstract[NAME_ROOM];
	struct unix_socket auth_socket;
	int abstract_fd, listener, client, accepted, waiting;
	uint16_t port;
};

struct score {
	size_t attempts, possible, failed;
	char list[4 * KB]; /* of what was possible or did not work */
};

/* ---- the place ---- */

static int
system_fail(struct fail *f, const char *what)
{
	return fail(f, FAIL_TEMP, "the test cannot be made: %s: %s", what,
	    strerror(errno));
}

static int
make_file(const char *dir, const char *name, struct fail *f)
{
	char path[2 * PATH_ROOM];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd == -1)
		return system_fail(f, path);
	close(fd);
	return 0;
}

static int
make_folders(struct place *p, struct fail *f)
{
	char empty[2 * PATH_ROOM];

	snprintf(p->dir, sizeof(p->dir), "/tmp/pennypost-test.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return system_fail(f, p->dir);
	snprintf(p->store, PATH_ROOM, "%.200s/store", p->dir);
	snprintf(p->run, PATH_ROOM, "%.200s/run", p->dir);
	snprintf(p->outside, PATH_ROOM, "%.200s/outside", p->dir);
	snprintf(empty, sizeof(empty), "%s/empty", p->outside);
	if (mkdir(p->store, 0700) == -1 || mkdir(p->run, 0700) == -1 ||
	    mkdir(p->outside, 0700) == -1 || mkdir(empty, 0700) == -1)
		return system_fail(f, p->dir);
	if (make_file(p->outside, "file", f) == -1)
		return -1;
	return make_file(p->outside, "other", f);
}

static int
make_database(struct place *p, enum db_file file, struct fail *f)
{
	struct db *db = db_open(p->store, file, DB_WRITER, f);

	db_close(db);
	return db != NULL ? 0 : -1;
}

/* A listener, a connection that was accepted and one that waits. */
static int
make_connections(struct place *p, struct fail *f)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	struct sockaddr *at = (struct sockaddr *)&in;

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->listener, at, len) == -1 ||
	    listen(p->listener, SOMAXCONN) == -1 ||
	    getsockname(p->listener, at, &len) == -1 ||
	    connect(p->client, at, len) == -1)
		return system_fail(f, "a connection");
	p->accepted = accept(p->listener, NULL, NULL);
	if (p->accepted == -1 || connect(p->waiting, at, len) == -1)
		return system_fail(f, "a connection");
	p->port = ntohs(in.sin_port);
	return 0;
}

static int
make_sockets(struct place *p, struct fail *f)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(
	    p->abstract, NAME_ROOM, "pennypost-test-%d", (int)getpid());

	snprintf(p->auth, PATH_ROOM, "%.200s/auth.sock", p->run);
	if (unix_socket_bind(&p->auth_socket, p->auth, SOCK_STREAM, f) == -1)
		return -1;
	memcpy(un.sun_path + 1, p->abstract, (size_t)n);
	p->abstract_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->abstract_fd, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			    (size_t)n)) == -1 ||
	    listen(p->abstract_fd, 1) == -1)
		return system_fail(f, "an abstract socket");
	return make_connections(p, f);
}

static void
name_secrets(struct place *p, const struct confine_profile *profile)
{
	size_t n = 0;

	for (size_t i = 0; profile != NULL && profile->strangers[i] != NULL &&
			   n < SECRETS_MAX;
	     i++, n++) {
		snprintf(p->secrets[n], PATH_ROOM, "%.200s/%.40s", p->store,
		    profile->strangers[i]);
		p->secret[n] = p->secrets[n];
	}
	p->secret[n] = NULL;
}

static int
make_place(struct place *p, const struct conf *conf, struct fail *f)
{
	*p = (struct place){.conf = *conf};
	if (make_folders(p, f) == -1 || make_database(p, DB_MAIL, f) == -1 ||
	    make_database(p, DB_AUTH, f) == -1 ||
	    make_database(p, DB_SEARCH, f) == -1 ||
	    make_file(p->store, "maild.lock", f) == -1)
		return -1;
	p->conf.server_store = p->store;
	p->conf.server_runtime = p->run;
	return make_sockets(p, f);
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *where)
{
	(void)st;
	(void)what;
	(void)where;
	return remove(path);
}

/* ---- the child ---- */

static void
note(struct score *s, const char *what)
{
	size_t n = strlen(s->list);

	snprintf(
	    s->list + n, sizeof(s->list) - n, "%s%s", n > 0 ? ", " : "", what);
}

static void
attempt_all(struct score *s, const struct place *p, unsigned may,
    const struct sandbox_state *state)
{
	const struct sandbox_ground ground = {
	    .outside = p->outside,
	    .abstract = p->abstract,
	    .port = p->port,
	    .accepted = p->accepted,
	    .secrets = p->secret,
	};

	for (size_t i = 0; i < sandbox_n_attempts; i++) {
		const struct sandbox_attempt *a = &sandbox_attempts[i];
		int err;

		if (a->may & may)
			continue;
		if (state->landlock != 0 && a->abi > state->landlock) {
			printf("not asked %s: needs Landlock ABI %d\n", a->name,
			    a->abi);
			continue;
		}
		err = sandbox_attempt_make(a, &ground);
		if (sandbox_attempt_is_moot(a, err)) {
			printf("not here  %s\n", a->name);
			continue;
		}
		s->attempts++;
		if (sandbox_is_refusal(err)) {
			printf("refused   %s: %s\n", a->name, strerror(err));
			continue;
		}
		printf("POSSIBLE  %s%s%s\n", a->name, err != 0 ? ": " : "",
		    err != 0 ? strerror(err) : "");
		s->possible++;
		note(s, a->name);
	}
}

static void
meet_all(struct score *s, const struct place *p,
    const struct selftest_part *part, unsigned may)
{
	const struct selftest_means means = {
	    .conf = &p->conf,
	    .profile = part->profile,
	    .auth = p->auth,
	    .listener = p->listener,
	    .port = p->port,
	};
	bool tls = part->profile != NULL && part->profile->tls;

	for (size_t i = 0; i < selftest_n_needs; i++) {
		const struct selftest_need *need = &selftest_needs[i];
		struct fail f = {0};

		if ((need->may & may) != need->may || (need->tls && !tls))
			continue;
		if (need->meet(&means, &f) == 0) {
			printf("works     %s\n", need->name);
			continue;
		}
		printf("FAILS     %s: %s\n", need->name, f.text);
		s->failed++;
		note(s, need->name);
	}
}

/* What is left of a profile when the daemon is ready. */
static int
enter(const struct place *p, const struct selftest_part *part,
    struct sandbox_state *state, unsigned *may, struct fail *f)
{
	const struct confine_profile *profile = part->profile;
	const struct log log = log_to_stderr(part->name);
	bool keep_bind;

	if (privilege_lock(f) == -1)
		return -1;
	if (profile == NULL) {
		*may = part->plain->may;
		if (!p->conf.server_sandbox)
			return 0;
		return sandbox_enter(part->plain, state, f);
	}
	keep_bind = profile->sources != NULL &&
	            profile->sources(&p->conf)->n > 0;
	*may = profile->may & ~(unsigned)SANDBOX_ENTER;
	if (!keep_bind)
		*may &= ~(unsigned)SANDBOX_LISTEN;
	if (confine_enter(&p->conf, profile, &log, state, f) == -1)
		return -1;
	return profile->may & SANDBOX_LISTEN
	           ? sandbox_close_doors(state, true, f)
	           : 0;
}

static int
try_part(const struct place *p, const struct selftest_part *part)
{
	struct sandbox_state state = {.landlock = 0};
	struct score s = {.attempts = 0};
	struct fail f = {0};
	unsigned may;

	printf("%s\n", part->name);
	if (enter(p, part, &state, &may, &f) == -1) {
		printf("%s\n", f.text);
		return DAEMON_SYSTEM;
	}
	/* first: what an attempt breaks that was possible is needed here */
	meet_all(&s, p, part, may);
	attempt_all(&s, p, may, &state);
	if (s.possible == 0)
		printf("%zu attempts, all refused\n", s.attempts);
	else
		printf("%zu attempts, %zu possible\n", s.attempts, s.possible);
	if (s.failed > 0)
		printf("%zu things that are needed do not work\n", s.failed);
	if (s.list[0] != '\0')
		printf("not as it should be: %s\n", s.list);
	return s.possible > 0 || s.failed > 0;
}

/* ---- the whole ---- */

static int
in_child(struct place *p, const struct selftest_part *part)
{
	pid_t pid;
	int status = -1, code;

	name_secrets(p, part->profile);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		code = try_part(p, part);
		fflush(stdout);
		_exit(code);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return DAEMON_SYSTEM;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("%s: ended by signal %d\n", part->name, WTERMSIG(status));
	return 1;
}

int
selftest_run(const struct conf *conf, const char *user,
    const struct selftest_part *parts, size_t n)
{
	struct place *p = MEM_NEW(struct place);
	struct fail f = {0};
	int code = 0;

	if (privilege_drop(user, &f) == -1 || make_place(p, conf, &f) == -1) {
		printf("%s\n", f.text);
		code = DAEMON_SYSTEM;
	}
	for (size_t i = 0; i < n && code != DAEMON_SYSTEM; i++) {
		int rc = in_child(p, &parts[i]);

		code = rc != 0 ? rc : code;
	}
	if (p->auth_socket.path != NULL)
		unix_socket_close(&p->auth_socket);
	if (p->dir[0] != '\0')
		nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(p);
	fflush(stdout);
	return code;
}
