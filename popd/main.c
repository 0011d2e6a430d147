/* SPDX-License-Identifier: MIT */
/* popd: mail out.  POP3 on 110 with STLS and on 995, IMAP on 143 with STARTTLS
 * and on 993. */
#include <signal.h>
#include <stdlib.h>

#include "common/authority/gate.h"
#include "common/daemon/daemon.h"
#include "common/daemon/doors.h"
#include "common/mime/charset.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/util/rand.h"
#include "popd/imap_session.h"
#include "popd/ops/header_cache.h"
#include "popd/pop3_session.h"
#include "popd/popd.h"
#include "popd/profile.h"
#include "popd/proto/imap_caps.h"

#define NAME             "popd"
#define STORE_READERS    3
#define WORKERS          2
#define AUTHORITY_MS     30000 /* longest wait for maild's word */
#define JOBS_BESIDE      100   /* of the store, of no session */
#define HEADERS_KEPT     (8 * MB)
#define STOP_PATIENCE_MS 8000 /* sessions may finish their answer */
#define STOP_LAST_MS     500  /* and their connections may close */

/* The doors, in the order of the listeners. */
enum {
	DOOR_POP3,
	DOOR_POP3S,
	DOOR_IMAP,
	DOOR_IMAPS,
	DOORS
};

static const struct service {
	void (*start)(struct popd *popd, int fd, const struct address *peer,
	    bool tls, bool crowded);
	bool tls;        /* from the start */
	struct str shut; /* to whom the gate keeps out */
} services[DOORS] = {
    [DOOR_POP3] = {pop3_session_start, false,
		   STR("-ERR [SYS/TEMP] too many logins, try again later\r\n")    },
    [DOOR_POP3S] = {pop3_session_start, true,  STR("")                             },
    [DOOR_IMAP] = {imap_session_start, false,
		   STR("* BYE [UNAVAILABLE] too many logins, try again later\r\n")},
    [DOOR_IMAPS] = {imap_session_start, true,  STR("")                             },
};

struct server {
	struct popd popd;
	struct clock clock;
	struct conf *conf;
	struct doors *doors; /* NULL once closed */
	struct waker *store_waker;
	struct notice_inbox *notices;
	struct timer *stop_timer;
	bool aborted;
	struct charset_tables *charsets;
};

static struct doors *
open_doors(const struct conf *conf, struct fail *f)
{
	const struct door_service table[DOORS] = {
	    [DOOR_POP3] = {"pop3",  &conf->listen_pop3,  false},
	    [DOOR_POP3S] = {"pop3s", &conf->listen_pop3s, false},
	    [DOOR_IMAP] = {"imap",  &conf->listen_imap,  false},
	    [DOOR_IMAPS] = {"imaps", &conf->listen_imaps, false},
	};

	return doors_open(conf, table, DOORS, f);
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
	/* a session has one job under way, reads ahead, and looks at one
	 * mailbox, which may be read.  What sessions that are gone have left
	 * behind comes on top: the queue may be full then, and the job of who
	 * comes next fails */
	size_t most = (size_t)s->conf->limits_connections * 3 + JOBS_BESIDE;
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
	s->popd.searches.max = STORE_READERS - 1;
	s->popd.headers = header_cache_new(HEADERS_KEPT);
	s->popd.mailboxes = mailboxes_new(
	    s->popd.loop, s->popd.store, &s->popd.log);
	s->popd.fetched = fetched_new(
	    s->popd.loop, s->popd.store, s->popd.clock, &s->popd.log);
	return 0;
}

/* "mailbox 7 12": another daemon has changed these. */
static void
take_notice(void *arg, struct str text)
{
	struct server *s = arg;
	struct str word = str_cut(&text, ' ');
	uint64_t id;

	if (!str_eq(word, STR("mailbox")))
		return;
	while (text.len > 0 && str_to_u64(str_cut(&text, ' '), INT64_MAX, &id))
		mailboxes_notice(s->popd.mailboxes, (int64_t)id);
}

static int
open_notices(struct server *s, struct fail *f)
{
	char *path = daemon_path(s->conf, "popd.notice");

	s->notices = notice_inbox_new(s->popd.loop, path, take_notice, s, f);
	free(path);
	return s->notices != NULL ? 0 : -1;
}

/* Before there is a thread. */
static int
confine(struct server *s, struct fail *f)
{
	struct sandbox_state ignored;

	s->charsets = charset_load();
	return confine_enter(s->conf, &popd_profile, &s->popd.log, &ignored, f);
}

static void
find_authority(struct server *s)
{
	char *path = daemon_path(s->conf, "auth.sock");

	s->popd.authority = ipc_client_new(s->popd.loop, path, AUTHORITY_MS);
	s->popd.gate = gate_new(&s->popd.log);
	free(path);
}

static void
entered(void *arg, const struct door_entry *where, int fd,
    const struct address *peer, bool refuse)
{
	const struct service *s = &services[where->service];
	struct popd *popd = arg;

	if (refuse || gate_admits(popd->gate, peer, loop_now_ms(popd->loop)))
		s->start(popd, fd, peer, s->tls, refuse);
	else
		crowd_turn_away(fd, s->shut);
}

/* Patience with the sessions that remain is at its end. */
static void
stop_now(void *arg)
{
	struct server *s = arg;

	if (!s->aborted) {
		s->aborted = true;
		crowd_abort(&s->popd.crowd);
		timer_set(s->stop_timer, STOP_LAST_MS);
		return;
	}
	loop_stop(s->popd.loop);
}

static void
all_gone(void *arg)
{
	loop_stop(((struct server *)arg)->popd.loop);
}

static void
stop(void *arg)
{
	struct server *s = arg;

	if (s->popd.crowd.stopping)
		return;
	notify_supervisor("STOPPING=1");
	log_info(&s->popd.log, "stopping, %zu sessions", s->popd.crowd.n);
	doors_close(s->doors);
	s->doors = NULL;
	timer_set(s->stop_timer, STOP_PATIENCE_MS);
	crowd_stop(&s->popd.crowd); /* the last one stops the loop */
}

static void
reload(void *arg)
{
	struct server *s = arg;
	struct fail f;

	if (tls_reload(s->popd.pop3_tls, &f) == 0 &&
	    tls_reload(s->popd.imap_tls, &f) == 0)
		log_info(&s->popd.log, "certificate is loaded again");
	else
		log_error(
		    &s->popd.log, "the old certificate stays: %s", f.text);
}

/* Everything under way is finished before the store is closed. */
static void
wind_up(struct server *s)
{
	notice_inbox_free(s->notices);
	ipc_client_free(s->popd.authority);
	gate_free(s->popd.gate);
	workers_free(s->popd.workers);
	fetched_free(s->popd.fetched);
	s->popd.fetched = NULL;
	mailboxes_stop(s->popd.mailboxes);
	store_close(s->popd.store);
	waker_free(s->store_waker);
	timer_free(s->stop_timer);
	loop_free(s->popd.loop);
	mailboxes_free(s->popd.mailboxes);
	header_cache_free(s->popd.headers);
	tls_free(s->popd.pop3_tls);
	tls_free(s->popd.imap_tls);
	tally_release(&s->popd.maildrops);
	crowd_release(&s->popd.crowd);
	charset_unload(s->charsets);
	conf_free(s->conf);
}

static int
load_certificates(struct server *s, struct fail *f)
{
	const char *cert = s->conf->tls_certificate, *key = s->conf->tls_key;

	s->popd.pop3_tls = tls_server_new(cert, key, "pop3", f);
	if (s->popd.pop3_tls == NULL)
		return -1;
	s->popd.imap_tls = tls_server_new(cert, key, "imap", f);
	return s->popd.imap_tls != NULL ? 0 : -1;
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
	if (load_certificates(s, f) == -1)
		return DAEMON_CONFIG;
	user = daemon_user(s->conf, NAME);
	rc = privilege_drop(user, f);
	free(user);
	return rc == 0 ? 0 : DAEMON_SYSTEM;
}

static int
read_conf(struct server *s, const char *file, struct fail *f)
{
	struct conf *conf = conf_read(file, f);
	struct crowd_limits limits;
	struct str unknown;
	imap_caps off;

	s->conf = conf;
	s->popd.conf = conf;
	if (conf == NULL || daemon_clock(conf, &s->clock, f) == -1)
		return -1;
	s->popd.clock = &s->clock;
	s->popd.traces.clock = &s->clock;
	if (!imap_caps_parse(
		str_of(conf->imap_capabilities_off), &off, &unknown))
		return conf_refuse(conf, &conf->imap_capabilities_off, f,
		    "%.*s is no capability that can be off", STR_FMT(unknown));
	limits = (struct crowd_limits){.all = conf->limits_connections,
	    .of_address = conf->limits_connections_per_address,
	    .of_account = conf->limits_connections_per_account};
	crowd_init(&s->popd.crowd, &limits, all_gone, s);
	return 0;
}

/* Everything before the first connection, in the order it must happen
 * (docs/design.md s2).  0 or an exit code. */
static int
start(struct server *s, const char *file, struct fail *f)
{
	int code;

	if (read_conf(s, file, f) == -1)
		return DAEMON_CONFIG;
	privilege_raise_files();
	code = bind_and_drop(s, f);
	if (code != 0)
		return code;
	s->popd.loop = loop_new();
	if (privilege_lock(f) == -1 || open_notices(s, f) == -1 ||
	    confine(s, f) == -1 || start_threads(s, f) == -1)
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
	bool test;
	const char *file = daemon_arguments(
	    argc, argv, NAME, "Gives users their mail (POP3, IMAP).", &test);
	struct fail f = {0};
	int code;

	rand_init();
	s.popd.log = log_to_stderr(NAME);
	if (test)
		return popd_self_test(file, &s.popd.log);
	code = start(&s, file, &f);
	if (code != 0) /* with all that was made on the way */
		exit(daemon_refuse(&s.popd.log, code, &f));
	daemon_run(s.popd.loop, &s.popd.log);
	wind_up(&s);
	return DAEMON_STOPPED;
}
