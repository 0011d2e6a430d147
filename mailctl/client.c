/* SPDX-License-Identifier: MIT */
#include "mailctl/client.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/control/command.h"
#include "common/control/owner.h"
#include "common/daemon/daemon.h"
#include "common/net/ipc.h"
#include "common/net/privilege.h"
#include "common/util/mem.h"
#include "mailctl/cli.h"

#define PATH_ROOM   4200
#define ANSWER_MS   (10 * 60 * 1000) /* `check' reads the whole store */
#define PATIENCE_MS 8000 /* who starts, or owns the store now, is soon done */
#define STEP_MS     100

static void
wipe(json_t *request)
{
	const json_t *secret = json_object_get(request, "password");

	if (json_is_string(secret))
		explicit_bzero((char *)(uintptr_t)json_string_value(secret),
		    json_string_length(secret));
	json_decref(request);
}

/* What maild or control_run() said; NULL and *f if that was no. */
static json_t *
judge(json_t *reply, struct fail *f)
{
	const char *kind = json_string_value(json_object_get(reply, "kind"));
	const char *text = json_string_value(json_object_get(reply, "text"));

	if (json_is_true(json_object_get(reply, "ok")))
		return reply;
	fail(f,
	    kind == NULL || strcmp(kind, "temporary") == 0 ? FAIL_TEMP
	    : strcmp(kind, "usage") == 0                   ? FAIL_SYNTAX
							   : FAIL_PERM,
	    "%s", text != NULL ? text : "maild's answer makes no sense");
	json_decref(reply);
	return NULL;
}

int
client_maild_listens(const struct conf *conf, struct fail *f)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, rc;

	if (snprintf(un.sun_path, sizeof(un.sun_path), "%s/control.sock",
		conf->server_runtime) >= (int)sizeof(un.sun_path))
		return fail(f, FAIL_PERM, "server.runtime is too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fail(f, FAIL_TEMP, "socket: %s", strerror(errno));
	rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	close(fd);
	if (rc == 0 || errno == EAGAIN)
		return 1;
	if (errno == ECONNREFUSED || errno == ENOENT)
		return 0;
	return fail(f, FAIL_PERM, "%s: %s", un.sun_path, strerror(errno));
}

static json_t *
ask_maild(const struct conf *conf, const json_t *request, struct fail *f)
{
	struct buf path, reply;
	json_t *out = NULL;
	char *line = json_dumps(request, JSON_COMPACT);

	buf_init(&path, 4 * KB);
	buf_init(&reply, IPC_MAX);
	buf_addf(&path, "%s/control.sock", conf->server_runtime);
	if (ipc_ask_wait(path.data, str_of(line), ANSWER_MS, &reply, f) == 0)
		out = judge(json_loadb(reply.data != NULL ? reply.data : "",
				reply.len, 0, NULL),
		    f);
	explicit_bzero(line, strlen(line));
	free(line);
	buf_release(&path);
	buf_release(&reply);
	return out;
}

/* The owner of auth.db, or who it is going to be. */
int
client_become_owner(const struct conf *conf, struct fail *f)
{
	const struct passwd *pw = NULL;
	char path[PATH_ROOM];
	struct stat st;

	umask(0007);
	if (geteuid() != 0)
		return 0;
	snprintf(path, sizeof(path), "%s/auth.db", conf->server_store);
	if (stat(path, &st) == 0)
		pw = getpwuid(st.st_uid);
	else if (conf->server_user[0] != '\0')
		return privilege_drop(conf->server_user, f);
	else
		pw = getpwnam("pennypost-maild");
	return pw != NULL ? privilege_drop(pw->pw_name, f) : 0;
}

struct client_session {
	int owned;
	struct db *mail, *auth;
	struct clock clock;
	const char *hostname, *backup_dir; /* borrowed; NULL: not set */
};

static struct client_session *
session_open(const struct conf *conf, int64_t wait_ms, struct fail *f)
{
	struct client_session *s = MEM_NEW(struct client_session);
	const char *store_dir = conf->server_store;

	s->hostname = conf->server_hostname;
	if (conf->backup_dir[0] != '\0')
		s->backup_dir = conf->backup_dir;

	s->owned = owner_take(store_dir, wait_ms, f);
	if (s->owned != -1 && daemon_clock(conf, &s->clock, f) == 0)
		s->mail = db_open(store_dir, DB_MAIL, DB_WRITER, f);
	if (s->mail != NULL)
		s->auth = db_open(store_dir, DB_AUTH, DB_WRITER, f);
	if (s->auth != NULL)
		return s;
	client_session_close(s);
	return NULL;
}

void
client_session_close(struct client_session *s)
{
	if (s == NULL)
		return;
	db_close(s->auth);
	db_close(s->mail);
	clock_moved_release(&s->clock);
	if (s->owned != -1)
		close(s->owned);
	free(s);
}

struct client_session *
client_session_open(const struct conf *conf, struct fail *f)
{
	return session_open(conf, PATIENCE_MS, f);
}

json_t *
client_session_run(struct client_session *s, json_t *request, struct fail *f)
{
	struct control_outcome outcome;
	struct control c = {
	    .mail = s->mail,
	    .auth = s->auth,
	    .clock = &s->clock,
	    .hostname = s->hostname,
	    .backup_dir = s->backup_dir,
	};
	json_t *reply = judge(control_run(&c, request, &outcome), f);

	wipe(request);
	return reply;
}

/* By maild or, when there is none, here.  One that starts or stops, and
 * another mailctl, are waited for. */
static json_t *
ask(const struct conf *conf, json_t *request, struct fail *f)
{
	int64_t give_up = clock_mono_ms(&clock_system) + PATIENCE_MS;
	struct client_session *s = NULL;
	int listens;

	while ((listens = client_maild_listens(conf, f)) == 0) {
		if (client_become_owner(conf, f) == -1)
			break;
		s = session_open(conf, STEP_MS, f);
		if (s != NULL || f->kind != FAIL_TEMP ||
		    clock_mono_ms(&clock_system) > give_up)
			break;
	}
	json_t *reply = NULL;
	if (listens == 1)
		reply = ask_maild(conf, request, f);
	if (s == NULL) {
		wipe(request);
		return reply;
	}
	reply = client_session_run(s, request, f);
	client_session_close(s);
	return reply;
}

static int
exit_code(const struct fail *f)
{
	return f->kind == FAIL_TEMP     ? CLI_TEMPORARY
	       : f->kind == FAIL_SYNTAX ? CLI_USAGE
	                                : CLI_FAILED;
}

json_t *
client_ask_with(
    const struct conf *conf, json_t *request, struct fail *f, int *code)
{
	json_t *reply = ask(conf, request, f);

	*code = reply != NULL ? CLI_OK : exit_code(f);
	return reply;
}

json_t *
client_ask(const char *conf_file, json_t *request, struct fail *f, int *code)
{
	struct conf *conf = conf_read(conf_file, f);
	json_t *reply;

	if (conf == NULL) {
		wipe(request);
		*code = CLI_CONFIG;
		return NULL;
	}
	reply = client_ask_with(conf, request, f, code);
	conf_free(conf);
	return reply;
}
