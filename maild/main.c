/* SPDX-License-Identifier: MIT */
/* maild: what happens to mail between the doors. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/control/owner.h"
#include "common/daemon/daemon.h"
#include "common/mime/charset.h"
#include "common/net/address.h"
#include "common/net/privilege.h"
#include "common/util/rand.h"
#include "maild/auth/auth.h"
#include "maild/backups.h"
#include "maild/control.h"
#include "maild/indexer.h"
#include "maild/keeper.h"
#include "maild/maild.h"
#include "maild/metrics_door.h"
#include "maild/profile.h"
#include "maild/relay/own_signer.h"
#include "maild/relay/pending.h"
#include "maild/relay/relay.h"
#include "maild/relay/relay_tls.h"
#include "maild/relay/smarthosts.h"

#define NAME           "maild"
#define OWNER_WAIT_MS  10000 /* an offline mailctl finishes first */
#define STOP_MOST_MS   8000
#define STOP_LOOK_MS   20
#define MAIL_READERS   4
#define AUTH_READERS   1
#define BODY_THREADS   2
#define BODIES_WAITING 1024

/* ---- what the parts call ---- */

static void
wake_from_store(void *arg)
{
	waker_wake(((struct maild *)arg)->reap);
}

static void
reap(void *arg)
{
	struct maild *m = arg;

	if (m->mail != NULL)
		store_reap(m->mail);
	mailbox_notice_send(&m->mailbox_notice);
	if (m->passwords != NULL)
		store_reap(m->passwords);
}

static void
take_notice(void *arg, struct str text)
{
	struct maild *m = arg;

	if (str_eq(text, STR("queue"))) {
		relay_kick(m->relay);
		pending_kick(m->pending);
	}
}

/* Stopping: what is under way gets a few seconds. */
static void
look_whether_done(void *arg)
{
	struct maild *m = arg;
	bool busy = relay_active(m->relay) > 0 || auth_pending(m->auth) > 0 ||
	            control_server_pending(m->control) > 0;

	if (busy && clock_mono_ms(m->clock) < m->stop_by_ms)
		timer_set(m->stop_timer, STOP_LOOK_MS);
	else
		loop_stop(m->loop);
}

static void
stop(void *arg)
{
	struct maild *m = arg;

	if (m->stop_by_ms != 0)
		return;
	notify_supervisor("STOPPING=1");
	m->stop_by_ms = clock_mono_ms(m->clock) + STOP_MOST_MS;
	relay_stop(m->relay);
	auth_stop(m->auth);
	control_server_stop(m->control);
	indexer_stop(m->indexer);
	backups_stop(m->backups);
	pending_stop(m->pending);
	metrics_door_stop(m->metrics_door);
	/* a round of the loop later, so that answers given now are sent */
	timer_set(m->stop_timer, STOP_LOOK_MS);
}

static void
reload(void *arg)
{
	struct maild *m = arg;

	log_info(&m->log, "nothing to read again: restart for new settings");
}

/* ---- start, in the order of docs/design.md s2 ---- */

static struct store *
open_store(struct maild *m, enum db_file file, size_t readers, struct fail *f)
{
	const struct store_options o = {
	    .dir = m->conf->server_store,
	    .file = file,
	    .readers = readers,
	    .wake = wake_from_store,
	    .wake_arg = m,
	};

	return store_open(&o, f);
}

/* Whom to believe where a certificate must be verified. */
static int
choose_trust(struct maild *m, struct fail *f)
{
	const char *file = m->conf->relay_trust;
	struct fail why = {0};

	if (file[0] == '\0')
		return tls_client_trust_system(m->tls, f);
	if (tls_client_trust_file(m->tls, file, &why) == -1)
		return conf_refuse(
		    m->conf, &m->conf->relay_trust, f, "%s", why.text);
	return 0;
}

/* The resolver comes first: it forks, before there are keys or databases to
 * inherit. */
static int
acquire(struct maild *m, struct fail *f)
{
	const struct resolver_options o = {
	    .forward = m->conf->dns_forward,
	    .anchor = m->conf->dns_trust_anchor,
	    .confined = m->conf->server_sandbox,
	};

	m->resolver = resolver_new(m->loop, &o, f);
	if (m->resolver == NULL)
		return -1;
	m->tls = tls_client_new(NULL, f);
	if (m->tls == NULL)
		return -1;
	tls_client_clock(m->tls, m->clock);
	return choose_trust(m, f);
}

/* Before there is a thread; whoever owns the store has made its folder. */
static int
confine(struct maild *m, struct fail *f)
{
	m->charsets = charset_load();
	/* a rule is of a folder that is there */
	backups_make_dir(m->conf);
	m->owned = owner_take(m->conf->server_store, OWNER_WAIT_MS, f);
	if (m->owned == -1 || privilege_lock(f) == -1)
		return -1;
	return confine_enter(m->conf, &maild_profile, &m->log, &m->sandbox, f);
}

static int
open_stores(struct maild *m, struct fail *f)
{
	m->reap = waker_new(m->loop, reap, m);
	m->mail = open_store(m, DB_MAIL, MAIL_READERS, f);
	if (m->mail == NULL)
		return -1;
	m->passwords = open_store(m, DB_AUTH, AUTH_READERS, f);
	return m->passwords != NULL ? 0 : -1;
}

static int
check_source(struct maild *m, struct fail *f)
{
	const struct conf_list *sources = &m->conf->relay_source;
	struct address source;

	for (size_t i = 0; i < sources->n; i++)
		if (!address_from_ip(str_of(sources->items[i]), 0, &source))
			return conf_refuse(m->conf, sources, f,
			    "\"%s\" is no IP address: write one like 192.0.2.1",
			    sources->items[i]);
	return 0;
}

static void
tell_pending(void *arg)
{
	pending_kick(((struct maild *)arg)->pending);
}

static void
kick_relay(void *arg)
{
	relay_kick(((struct maild *)arg)->relay);
}

static int
start_parts(struct maild *m, struct fail *f)
{
	m->signer = own_signer_new(
	    m->mail, m->passwords, m->conf->server_hostname, &m->log);
	m->smarthosts = smarthosts_new(m->mail, m->passwords, &m->log);
	struct relay_deps deps = {
	    .loop = m->loop,
	    .store = m->mail,
	    .resolver = m->resolver,
	    .workers = m->workers,
	    .tls = m->tls,
	    .conf = m->conf,
	    .log = &m->log,
	    .clock = m->clock,
	    .traces = &m->traces,
	    .notice = &m->mailbox_notice,
	    .metrics = &m->metrics,
	    .signer = m->signer,
	    .smarthosts = m->smarthosts,
	    .waiting = tell_pending,
	    .waiting_arg = m,
	};
	char *path;

	mailbox_notice_init(
	    &m->mailbox_notice, daemon_path(m->conf, "popd.notice"));
	m->pending = pending_new(&deps);
	m->relay_tls = relay_tls_new(&deps, kick_relay, m, f);
	if (m->relay_tls == NULL)
		return -1;
	m->relay = relay_new(&deps);
	m->auth = auth_new(m, f);
	if (m->auth == NULL)
		return -1;
	m->backups = backups_new(m);
	m->control = control_server_new(m, f);
	if (m->control == NULL)
		return -1;
	m->metrics_door = metrics_door_new(m, f);
	if (m->metrics_door == NULL)
		return -1;
	m->keeper = keeper_new(m);
	m->indexer = indexer_new(m, f);
	if (m->indexer == NULL)
		return -1;
	path = daemon_path(m->conf, "maild.notice");
	m->notices = notice_inbox_new(m->loop, path, take_notice, m, f);
	free(path);
	return m->notices != NULL ? 0 : -1;
}

static int
drop_rights(struct maild *m, struct fail *f)
{
	char *user = daemon_user(m->conf, NAME);
	int rc = privilege_drop(user, f);

	free(user);
	return rc;
}

static int
start(struct maild *m, struct fail *f)
{
	privilege_raise_files();
	m->loop = loop_new();
	m->stop_timer = timer_new(m->loop, look_whether_done, m);
	/* nothing here needs root: the DNS child must not have it either */
	if (drop_rights(m, f) == -1 || acquire(m, f) == -1)
		return -1;
	if (check_source(m, f) == -1)
		return -1;
	umask(0007);
	if (confine(m, f) == -1)
		return -1;
	m->workers = workers_new(m->loop, BODY_THREADS, BODIES_WAITING);
	if (open_stores(m, f) == -1 || start_parts(m, f) == -1 ||
	    sandbox_close_doors(&m->sandbox, true, f) == -1)
		return -1;
	loop_on_signal(m->loop, SIGTERM, stop, m);
	loop_on_signal(m->loop, SIGINT, stop, m);
	loop_on_signal(m->loop, SIGHUP, reload, m);
	return 0;
}

/* ---- the end, in reverse ---- */

/* All is closed, and none is in the way of who stops us. */
static void
end_indexer(struct maild *m, int code)
{
	if (indexer_is_busy(m->indexer))
		_exit(code);
	indexer_free(m->indexer);
	m->indexer = NULL;
}

static void
finish(struct maild *m, int code)
{
	notice_inbox_free(m->notices);
	control_server_free(m->control);
	if (!indexer_is_busy(m->indexer))
		end_indexer(m, code);
	backups_stop(m->backups);
	metrics_door_stop(m->metrics_door);
	pending_stop(m->pending);
	/* the store's last jobs are the parts' too */
	if (m->relay != NULL)
		relay_stop(m->relay);
	relay_tls_stop(m->relay_tls);
	own_signer_stop(m->signer);
	smarthosts_stop(m->smarthosts);
	workers_free(m->workers);
	if (m->mail != NULL)
		store_close(m->mail);
	m->mail = NULL;
	mailbox_notice_release(&m->mailbox_notice);
	if (m->passwords != NULL)
		store_close(m->passwords);
	m->passwords = NULL;
	auth_free(m->auth);
	keeper_free(m->keeper);
	backups_free(m->backups);
	pending_free(m->pending);
	metrics_door_free(m->metrics_door);
	own_signer_free(m->signer);
	relay_free(m->relay);
	relay_tls_free(m->relay_tls);
	smarthosts_free(m->smarthosts);
	resolver_free(m->resolver);
	tls_free(m->tls);
	end_indexer(m, code);
	timer_free(m->stop_timer);
	waker_free(m->reap);
	loop_free(m->loop);
	if (m->owned != -1)
		close(m->owned);
	charset_unload(m->charsets);
	conf_free(m->conf);
}

int
main(int argc, char **argv)
{
	bool test;
	const char *file = daemon_arguments(argc, argv, NAME,
	    "Relays queued mail, checks passwords, keeps the store.", &test);
	struct clock clock;
	struct maild m = {
	    .log = log_to_stderr(NAME),
	    .owned = -1,
	};
	struct fail f = {0};
	int code = DAEMON_STOPPED;

	rand_init();
	if (test)
		return maild_self_test(file, &m.log);
	m.conf = conf_read(file, &f);
	if (m.conf == NULL || daemon_clock(m.conf, &clock, &f) == -1) {
		conf_free(m.conf);
		return daemon_refuse(&m.log, DAEMON_CONFIG, &f);
	}
	m.clock = &clock;
	m.traces.clock = m.clock;
	m.started_ms = clock_wall_ms(m.clock);
	if (start(&m, &f) == 0) {
		relay_kick(m.relay);
		pending_kick(m.pending);
		daemon_run(m.loop, &m.log);
		log_info(&m.log, "stopped");
	} else {
		code = daemon_refuse(&m.log, DAEMON_SYSTEM, &f);
	}
	finish(&m, code);
	return code;
}
