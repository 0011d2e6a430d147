/* SPDX-License-Identifier: MIT */
/* smtpd: mail from other servers and from user agents, in. */
#include <signal.h>
#include <stdlib.h>

#include "common/daemon/daemon.h"
#include "common/daemon/doors.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "smtpd/session.h"

#define NAME         "smtpd"
#define READERS      2
#define AUTH_WAIT_MS (30 * 1000)
#define STOP_WAIT_MS (8 * 1000)

/* The doors, in the order of the listeners. */
static const struct service services[] = {
    {"smtp",        false, false},
    {"submission",  true,  false},
    {"submissions", true,  true },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

struct daemon {
	struct smtpd smtpd;
	struct conf *conf;
	struct doors *doors; /* NULL once closed */
	struct waker *reaper;
	struct timer *stop_timer;
};

static struct doors *
open_doors(const struct conf *conf, struct fail *f)
{
	const struct door_service table[N_SERVICES] = {
	    {services[0].name, &conf->listen_smtp       },
	    {services[1].name, &conf->listen_submission },
	    {services[2].name, &conf->listen_submissions},
	};

	return doors_open(table, N_SERVICES, f);
}

static void
on_connection(
    void *arg, size_t service, int fd, const struct address *peer, bool refuse)
{
	session_accept(arg, &services[service], fd, peer, refuse);
}

static void
on_stop_time_over(void *arg)
{
	loop_stop(((struct daemon *)arg)->smtpd.loop);
}

static void
on_stop(void *arg)
{
	struct daemon *d = arg;

	if (d->smtpd.crowd.stopping)
		return;
	notify_supervisor("STOPPING=1");
	log_info(&d->smtpd.log, "stopping, %zu sessions", d->smtpd.crowd.n);
	doors_close(d->doors);
	d->doors = NULL;
	timer_set(d->stop_timer, STOP_WAIT_MS);
	crowd_stop(&d->smtpd.crowd); /* the last one stops the loop */
}

static void
on_all_gone(void *arg)
{
	loop_stop(((struct daemon *)arg)->smtpd.loop);
}

static void
on_reload(void *arg)
{
	struct daemon *d = arg;
	struct fail f;

	if (tls_reload(d->smtpd.tls, &f) == -1)
		log_error(&d->smtpd.log,
		    "certificate not reloaded, the old one stays: %s", f.text);
	else
		log_info(&d->smtpd.log, "certificate reloaded");
}

static void
on_reap(void *arg)
{
	struct smtpd *s = &((struct daemon *)arg)->smtpd;

	store_reap(s->store);
	mailbox_notice_send(&s->mailbox_notice);
}

/* From any thread. */
static void
wake(void *arg)
{
	waker_wake(((struct daemon *)arg)->reaper);
}

static void
start_loop(struct daemon *d)
{
	struct smtpd *s = &d->smtpd;
	char *auth = daemon_path(d->conf, "auth.sock");

	s->loop = loop_new();
	d->reaper = waker_new(s->loop, on_reap, d);
	d->stop_timer = timer_new(s->loop, on_stop_time_over, d);
	s->authority = ipc_client_new(s->loop, auth, AUTH_WAIT_MS);
	s->queue_notice = daemon_path(d->conf, "maild.notice");
	mailbox_notice_init(
	    &s->mailbox_notice, daemon_path(d->conf, "popd.notice"));
	loop_on_signal(s->loop, SIGTERM, on_stop, d);
	loop_on_signal(s->loop, SIGINT, on_stop, d);
	loop_on_signal(s->loop, SIGHUP, on_reload, d);
	free(auth);
}

static int
open_store(struct daemon *d, struct fail *f)
{
	struct store_options o = {
	    .dir = d->conf->server_store,
	    .file = DB_MAIL,
	    .readers = READERS,
	    /* a session has one job at a time: never full */
	    .max_waiting = (size_t)d->conf->limits_connections + 1,
	    .wake = wake,
	    .wake_arg = d,
	};

	d->smtpd.store = store_open(&o, f);
	return d->smtpd.store != NULL ? 0 : -1;
}

/* Bound, then without a right that is not needed. */
static int
bind_and_drop(struct daemon *d, struct fail *f)
{
	char *user;
	int rc;

	d->doors = open_doors(d->conf, f);
	if (d->doors == NULL)
		return f->kind == FAIL_SYNTAX ? DAEMON_CONFIG : DAEMON_SYSTEM;
	d->smtpd.tls = tls_server_new(
	    d->conf->tls_certificate, d->conf->tls_key, "smtp", f);
	if (d->smtpd.tls == NULL)
		return DAEMON_CONFIG;
	user = daemon_user(d->conf, NAME);
	rc = privilege_drop(user, f);
	free(user);
	return rc == 0 ? 0 : DAEMON_SYSTEM;
}

static void
open_crowd(struct daemon *d)
{
	struct crowd_limits limits = {
	    .all = d->conf->limits_connections,
	    .of_address = d->conf->limits_connections_per_address,
	};

	crowd_init(&d->smtpd.crowd, &limits, on_all_gone, d);
}

/* Everything before the first connection, in the order it must happen
 * (docs/design.md s2).  0 or an exit code. */
static int
start(struct daemon *d, const char *file, struct fail *f)
{
	int code;

	d->conf = conf_read(file, f);
	if (d->conf == NULL)
		return DAEMON_CONFIG;
	d->smtpd.conf = d->conf;
	open_crowd(d);
	privilege_raise_files();
	code = bind_and_drop(d, f);
	if (code != 0)
		return code;
	start_loop(d);
	if (open_store(d, f) == -1 || privilege_lock(f) == -1)
		return DAEMON_SYSTEM;
	doors_listen(d->doors, d->smtpd.loop, on_connection, &d->smtpd);
	return 0;
}

/* Newest first; everything outstanding is answered on the way. */
static void
stop(struct daemon *d)
{
	struct smtpd *s = &d->smtpd;

	store_close(s->store);
	ipc_client_free(s->authority);
	timer_free(d->stop_timer);
	waker_free(d->reaper);
	loop_free(s->loop);
	tls_free(s->tls);
	crowd_release(&s->crowd);
	free(s->queue_notice);
	mailbox_notice_release(&s->mailbox_notice);
	conf_free(d->conf);
}

int
main(int argc, char **argv)
{
	struct daemon d = {0};
	const char *file = daemon_arguments(argc, argv, NAME,
	    "Takes mail from other servers and from user agents (SMTP).");
	struct fail f = {0};
	int code;

	rand_init();
	d.smtpd.log = log_to_stderr(NAME);
	d.smtpd.clock = &clock_system;
	d.smtpd.traces.clock = &clock_system;
	code = start(&d, file, &f);
	if (code != 0) /* with all that was made on the way */
		exit(daemon_refuse(&d.smtpd.log, code, &f));
	daemon_run(d.smtpd.loop, &d.smtpd.log);
	stop(&d);
	return DAEMON_STOPPED;
}
