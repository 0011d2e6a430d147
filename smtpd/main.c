/* SPDX-License-Identifier: MIT */
/* smtpd: mail from other servers and from user agents, in. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/authority/gate.h"
#include "common/daemon/daemon.h"
#include "common/daemon/doors.h"
#include "common/dns/asker.h"
#include "common/mime/charset.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/policy/key_cache.h"
#include "common/store/route_cache.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "smtpd/guard.h"
#include "smtpd/judge.h"
#include "smtpd/profile.h"
#include "smtpd/proto/smtp_extension.h"
#include "smtpd/session.h"

#define NAME         "smtpd"
#define READERS      2
#define AUTH_WAIT_MS (30 * 1000)
#define STOP_WAIT_MS (8 * 1000)
#define NOTICE_MS    5 /* one in so long is soon enough for who is told */

/* The doors, in the order of the listeners. */
static const struct service services[] = {
    {"smtp",        false, false},
    {"submission",  true,  false},
    {"submissions", true,  true },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

struct daemon {
	struct smtpd smtpd;
	struct clock clock;
	struct conf *conf;
	struct doors *doors; /* NULL once closed */
	struct waker *reaper;
	struct timer *stop_timer;
	struct timer *notice_timer;
	bool notices_due;   /* it runs */
	int64_t noticed_ms; /* when it last fired */
	struct charset_tables *charsets;
};

static struct doors *
open_doors(const struct conf *conf, struct fail *f)
{
	const struct door_service table[N_SERVICES] = {
	    {services[0].name, &conf->listen_smtp,        true},
	    {services[1].name, &conf->listen_submission,  true},
	    {services[2].name, &conf->listen_submissions, true},
	};

	return doors_open(conf, table, N_SERVICES, f);
}

static void
on_connection(void *arg, const struct door_entry *where, int fd,
    const struct address *peer, bool refuse)
{
	session_accept(
	    arg, &services[where->service], where->options, fd, peer, refuse);
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
on_notices_due(void *arg)
{
	struct daemon *d = arg;
	struct smtpd *s = &d->smtpd;

	d->notices_due = false;
	d->noticed_ms = loop_now_ms(s->loop);
	mailbox_notice_send(&s->mailbox_notice);
	if (s->queue_changed)
		notice_send(s->queue_notice, STR("queue"));
	s->queue_changed = false;
}

/* After the replies of this round, or it would be they that wait: the first at
 * once, those that follow closely together. */
static void
tell_soon(struct daemon *d)
{
	struct smtpd *s = &d->smtpd;

	if (d->notices_due || (s->mailbox_notice.n == 0 && !s->queue_changed))
		return;
	d->notices_due = true;
	timer_set(
	    d->notice_timer, d->noticed_ms + NOTICE_MS - loop_now_ms(s->loop));
}

static void
on_reap(void *arg)
{
	struct daemon *d = arg;

	store_reap(d->smtpd.store);
	tell_soon(d);
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
	d->notice_timer = timer_new(s->loop, on_notices_due, d);
	s->authority = ipc_client_new(s->loop, auth, AUTH_WAIT_MS);
	s->gate = gate_new(&s->log);
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
	    /* a session has one job at a time, refusals besides: never
	     * full */
	    .max_waiting = (size_t)d->conf->limits_connections + 1 +
	                   SMTPD_REFUSALS_MAX,
	    .wake = wake,
	    .wake_arg = d,
	};

	d->smtpd.store = store_open(&o, f);
	if (d->smtpd.store == NULL)
		return -1;
	d->smtpd.routes = route_cache_new(o.dir, f);
	return d->smtpd.routes != NULL ? 0 : -1;
}

static int
load_tls(struct daemon *d, struct fail *f)
{
	d->smtpd.tls = tls_server_new(
	    d->conf->tls_certificate, d->conf->tls_key, "smtp", f);
	return d->smtpd.tls != NULL ? 0 : -1;
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
	/* who is root may be the only one who can read the key */
	if (geteuid() == 0 && load_tls(d, f) == -1)
		return DAEMON_CONFIG;
	user = daemon_user(d->conf, NAME);
	rc = privilege_drop(user, f);
	free(user);
	return rc == 0 ? 0 : DAEMON_SYSTEM;
}

/* Words with a space between, each of which must mean something: with a slip
 * of the pen nobody could log in, and none would know why. */
static int
check_words(const struct conf *conf, char *const *setting,
    bool (*is_known)(struct str), const char *what, struct fail *f)
{
	struct str rest = str_of(*setting);

	while (rest.len > 0) {
		struct str word = str_cut(&rest, ' ');

		if (word.len > 0 && !is_known(word))
			return conf_refuse(conf, setting, f,
			    "there is no %s `%.*s'", what, STR_FMT(word));
	}
	return 0;
}

static int
check_settings(const struct conf *conf, struct fail *f)
{
	if (check_words(conf, &conf->smtp_mechanisms, smtp_mechanism_is_known,
		"mechanism", f) == -1 ||
	    check_words(conf, &conf->smtp_extensions_off,
		smtp_extension_is_known, "extension", f) == -1)
		return -1;
	return judge_law_check(conf, f);
}

/* The resolver comes first: it forks, and the child is to have neither the
 * key (unless root had to read that) nor a database. */
static int
acquire(struct daemon *d, struct fail *f)
{
	const struct resolver_options o = {
	    .forward = d->conf->dns_forward,
	    .anchor = d->conf->dns_trust_anchor,
	    .confined = d->conf->server_sandbox,
	};
	struct smtpd *s = &d->smtpd;

	s->resolver = resolver_new(s->loop, &o, f);
	if (s->resolver == NULL)
		return DAEMON_SYSTEM;
	if (s->tls == NULL && load_tls(d, f) == -1)
		return DAEMON_CONFIG;
	s->asker = asker_new(s->loop, s->resolver, s->clock);
	s->keys = key_cache_new();
	s->guard = guard_new(s, f);
	if (s->guard == NULL || check_settings(d->conf, f) == -1)
		return DAEMON_CONFIG;
	return 0;
}

/* Before there is a thread. */
static int
confine(struct daemon *d, struct fail *f)
{
	struct sandbox_state ignored;

	d->charsets = charset_load();
	if (privilege_lock(f) == -1)
		return -1;
	return confine_enter(
	    d->conf, &smtpd_profile, &d->smtpd.log, &ignored, f);
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
	if (daemon_clock(d->conf, &d->clock, f) == -1)
		return DAEMON_CONFIG;
	d->smtpd.clock = &d->clock;
	d->smtpd.traces.clock = &d->clock;
	d->smtpd.conf = d->conf;
	open_crowd(d);
	privilege_raise_files();
	code = bind_and_drop(d, f);
	if (code != 0)
		return code;
	start_loop(d);
	code = acquire(d, f);
	if (code != 0)
		return code;
	if (confine(d, f) == -1 || open_store(d, f) == -1)
		return DAEMON_SYSTEM;
	doors_listen(d->doors, d->smtpd.loop, on_connection, &d->smtpd);
	return 0;
}

/* Newest first; everything outstanding is answered on the way. */
static void
stop(struct daemon *d)
{
	struct smtpd *s = &d->smtpd;

	asker_stop(s->asker);
	store_close(s->store);
	on_notices_due(d); /* what is left */
	route_cache_free(s->routes);
	ipc_client_free(s->authority);
	gate_free(s->gate);
	guard_free(s->guard);
	key_cache_free(s->keys);
	asker_free(s->asker);
	resolver_free(s->resolver);
	timer_free(d->stop_timer);
	timer_free(d->notice_timer);
	waker_free(d->reaper);
	loop_free(s->loop);
	tls_free(s->tls);
	crowd_release(&s->crowd);
	free(s->queue_notice);
	mailbox_notice_release(&s->mailbox_notice);
	charset_unload(d->charsets);
	conf_free(d->conf);
}

int
main(int argc, char **argv)
{
	struct daemon d = {0};
	bool test;
	const char *file = daemon_arguments(argc, argv, NAME,
	    "Takes mail from other servers and from user agents (SMTP).",
	    &test);
	struct fail f = {0};
	int code;

	rand_init();
	d.smtpd.log = log_to_stderr(NAME);
	if (test)
		return smtpd_self_test(file, &d.smtpd.log);
	code = start(&d, file, &f);
	if (code != 0) /* with all that was made on the way */
		exit(daemon_refuse(&d.smtpd.log, code, &f));
	daemon_run(d.smtpd.loop, &d.smtpd.log);
	stop(&d);
	return DAEMON_STOPPED;
}
