/* SPDX-License-Identifier: MIT */
/* popd: mail out.  POP3 on 110 with STLS and on 995. */
#include <signal.h>
#include <stdlib.h>

#include "common/daemon/daemon.h"
#include "common/daemon/doors.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/util/rand.h"
#include "popd/pop3_session.h"
#include "popd/popd.h"

#define NAME             "popd"
#define STORE_READERS    2
#define WORKERS          2
#define AUTHORITY_MS     30000 /* longest wait for maild's word */
#define STOP_PATIENCE_MS 8000  /* sessions may finish their answer */
#define STOP_LAST_MS     500   /* and their connections may close */

/* The doors, in the order of the listeners. */
enum {
	DOOR_POP3,
	DOOR_POP3S,
	DOORS
};

struct server {
	struct popd popd;
	struct conf *conf;
	struct doors *doors; /* NULL once closed */
	struct waker *store_waker;
	struct timer *stop_timer;
	bool aborted;
};

static struct doors *
open_doors(const struct conf *conf, struct fail *f)
{
	const struct door_service table[DOORS] = {
	    [DOOR_POP3] = {"pop3",  &conf->listen_pop3 },
	    [DOOR_POP3S] = {"pop3s", &conf->listen_pop3s},
	};

	return doors_open(table, DOORS, f);
}

static void
reap_store(void *arg)
{
	store_reap(((struct server *)arg)->popd.store);
}

/* From any thread. */
static void
wake_loop(void *arg)
{
	waker_wake(((struct server *)arg)->store_waker);
}

static int
start_threads(struct server *s, struct fail *f)
{
	/* a session has one job under way: a queue this long is never full */
	size_t most = (size_t)s->conf->limits_connections + 1;
	struct store_options o = {.dir = s->conf->server_store,
	    .file = DB_MAIL,
	    .readers = STORE_READERS,
	    .max_waiting = most,
	    .wake = wake_loop,
	    .wake_arg = s};

	s->store_waker = waker_new(s->popd.loop, reap_store, s);
	s->popd.workers = workers_new(s->popd.loop, WORKERS, most);
	s->popd.store = store_open(&o, f);
	if (s->popd.store == NULL)
		return -1;
	return privilege_lock(f);
}

static void
find_authority(struct server *s)
{
	char *path = daemon_path(s->conf, "auth.sock");

	s->popd.authority = ipc_client_new(s->popd.loop, path, AUTHORITY_MS);
	free(path);
}

static void
entered(void *arg, size_t door, int fd, const struct address *peer, bool refuse)
{
	pop3_session_start(arg, fd, peer, door == DOOR_POP3S, refuse);
}

/* Patience with the sessions that remain is at its end. */
static void
stop_now(void *arg)
{
	struct server *s = arg;

	if (!s->aborted) {
		s->aborted = true;
		pop3_session_abort_all(&s->popd);
		timer_set(s->stop_timer, STOP_LAST_MS);
		return;
	}
	loop_stop(s->popd.loop);
}

static void
stop(void *arg)
{
	struct server *s = arg;

	if (s->popd.stopping)
		return;
	notify_supervisor("STOPPING=1");
	log_info(&s->popd.log, "stopping, %zu sessions", s->popd.connections);
	doors_close(s->doors);
	s->doors = NULL;
	pop3_session_stop_all(&s->popd); /* the last one stops the loop */
	timer_set(s->stop_timer, STOP_PATIENCE_MS);
	if (s->popd.connections == 0)
		loop_stop(s->popd.loop);
}

static void
reload(void *arg)
{
	struct server *s = arg;
	struct fail f;

	if (tls_reload(s->popd.tls, &f) == 0)
		log_info(&s->popd.log, "certificate is loaded again");
	else
		log_error(
		    &s->popd.log, "the old certificate stays: %s", f.text);
}

/* Everything under way is finished before the store is closed. */
static void
wind_up(struct server *s)
{
	ipc_client_free(s->popd.authority);
	workers_free(s->popd.workers);
	store_close(s->popd.store);
	waker_free(s->store_waker);
	timer_free(s->stop_timer);
	loop_free(s->popd.loop);
	tls_free(s->popd.tls);
	tally_release(&s->popd.maildrops);
	tally_release(&s->popd.peers);
	conf_free(s->conf);
}

/* Bound, then without a right that is not needed. */
static int
bind_and_drop(struct server *s, struct fail *f)
{
	char *user;
	int rc;

	s->doors = open_doors(s->conf, f);
	if (s->doors == NULL)
		return f->kind == FAIL_SYNTAX ? DAEMON_CONFIG : DAEMON_SYSTEM;
	s->popd.tls = tls_server_new(
	    s->conf->tls_certificate, s->conf->tls_key, "pop3", f);
	if (s->popd.tls == NULL)
		return DAEMON_CONFIG;
	user = daemon_user(s->conf, NAME);
	rc = privilege_drop(user, f);
	free(user);
	return rc == 0 ? 0 : DAEMON_SYSTEM;
}

/* Everything before the first connection, in the order it must happen
 * (docs/design.md s2).  0 or an exit code. */
static int
start(struct server *s, const char *file, struct fail *f)
{
	int code;

	s->conf = conf_read(file, f);
	if (s->conf == NULL)
		return DAEMON_CONFIG;
	s->popd.conf = s->conf;
	privilege_raise_files();
	code = bind_and_drop(s, f);
	if (code != 0)
		return code;
	s->popd.loop = loop_new();
	if (start_threads(s, f) == -1)
		return DAEMON_SYSTEM;
	find_authority(s);
	s->stop_timer = timer_new(s->popd.loop, stop_now, s);
	loop_on_signal(s->popd.loop, SIGTERM, stop, s);
	loop_on_signal(s->popd.loop, SIGINT, stop, s);
	loop_on_signal(s->popd.loop, SIGHUP, reload, s);
	doors_listen(s->doors, s->popd.loop, entered, &s->popd);
	return 0;
}

int
main(int argc, char **argv)
{
	struct server s = {.aborted = false};
	const char *file = daemon_arguments(
	    argc, argv, NAME, "Gives users their mail (POP3).");
	struct fail f = {0};
	int code;

	rand_init();
	s.popd.log = log_to_stderr(NAME);
	s.popd.clock = &clock_system;
	code = start(&s, file, &f);
	if (code != 0) /* with all that was made on the way */
		exit(daemon_refuse(&s.popd.log, code, &f));
	daemon_run(s.popd.loop, &s.popd.log);
	wind_up(&s);
	return DAEMON_STOPPED;
}
