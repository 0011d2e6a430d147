/* SPDX-License-Identifier: MIT */
/* popd: mail out.  POP3 on 110 with STLS and on 995. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/net/listen.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/util/mem.h"
#include "popd/pop3_session.h"
#include "popd/popd.h"

#define LISTENERS_MAX    32
#define STORE_READERS    2
#define WORKERS          2
#define AUTHORITY_MS     30000 /* longest wait for maild's word */
#define STOP_PATIENCE_MS 8000  /* sessions may finish their answer */
#define STOP_LAST_MS     500   /* and their connections may close */

/* A way in: which name activation gives it, and whether TLS comes first. */
struct door {
	struct popd *popd;
	bool tls;
	struct listener *listeners[LISTENERS_MAX];
	int fds[LISTENERS_MAX];
	size_t n;
};

struct server {
	struct popd popd;
	struct conf *conf;
	struct door pop3, pop3s;
	struct waker *store_waker;
	struct timer *stop_timer;
	bool aborted;
};

static _Noreturn void
die(int code, const char *text)
{
	fprintf(stderr, "popd: %s\n", text);
	exit(code);
}

static void
usage(FILE *out)
{
	fprintf(out, "usage: popd [-c file]   serve POP3 as the file says "
		     "(default " CONF_DEFAULT_FILE ")\n"
		     "       popd -V          print the version\n"
		     "       popd -h          print this\n");
}

static const char *
read_arguments(int argc, char **argv)
{
	const char *file = CONF_DEFAULT_FILE;
	int option;

	while ((option = getopt(argc, argv, "c:Vh")) != -1)
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'V':
			printf("popd (Penny Post) " PP_VERSION "\n");
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	if (optind != argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
	return file;
}

/* Sockets handed in under this name, otherwise those the file names. */
static void
open_door(struct server *s, struct door *d, const char *name, bool tls,
    const struct conf_list *places)
{
	struct address at;
	struct fail f;

	d->popd = &s->popd;
	d->tls = tls;
	d->n = listen_activated(name, d->fds, LISTENERS_MAX);
	if (d->n > 0)
		return;
	for (size_t i = 0; i < places->n && d->n < LISTENERS_MAX; i++) {
		if (!address_parse(str_of(places->items[i]), &at)) {
			fprintf(stderr, "popd: [listen] %s: %s is no address\n",
			    name, places->items[i]);
			exit(EX_CONFIG);
		}
		d->fds[d->n] = listen_bind(&at, &f);
		if (d->fds[d->n++] == -1)
			die(EX_OSERR, f.text);
	}
}

static void
open_doors(struct server *s)
{
	open_door(s, &s->pop3, "pop3", false, &s->conf->listen_pop3);
	open_door(s, &s->pop3s, "pop3s", true, &s->conf->listen_pop3s);
	if (s->pop3.n + s->pop3s.n == 0)
		die(EX_CONFIG, "no socket handed in and none in [listen]");
}

static void
load_tls(struct server *s)
{
	struct fail f;

	s->popd.tls = tls_server_new(
	    s->conf->tls_certificate, s->conf->tls_key, "pop3", &f);
	if (s->popd.tls == NULL)
		die(EX_CONFIG, f.text);
}

static void
drop_privileges(const struct conf *c)
{
	const char *user = c->server_user;
	struct fail f;

	if (user[0] == '\0')
		user = getpwnam("pennypost-popd") != NULL ? "pennypost-popd"
		                                          : NULL;
	privilege_raise_files();
	if (privilege_drop(user, &f) == -1)
		die(EX_OSERR, f.text);
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

static void
start_threads(struct server *s)
{
	/* a session has one job under way: a queue this long is never full */
	size_t most = (size_t)s->conf->limits_connections + LISTENERS_MAX;
	struct store_options o = {.dir = s->conf->server_store,
	    .file = DB_MAIL,
	    .readers = STORE_READERS,
	    .max_waiting = most,
	    .wake = wake_loop,
	    .wake_arg = s};
	struct fail f;

	s->store_waker = waker_new(s->popd.loop, reap_store, s);
	s->popd.workers = workers_new(s->popd.loop, WORKERS, most);
	s->popd.store = store_open(&o, &f);
	if (s->popd.store == NULL)
		die(EX_OSERR, f.text);
	if (privilege_lock(&f) == -1)
		die(EX_OSERR, f.text);
}

static void
find_authority(struct server *s)
{
	struct buf path;

	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/auth.sock", s->conf->server_runtime);
	s->popd.authority = ipc_client_new(
	    s->popd.loop, path.data, AUTHORITY_MS);
	buf_release(&path);
}

static void
entered(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct door *d = arg;

	pop3_session_start(d->popd, fd, peer, d->tls, refuse);
}

static void
welcome(struct door *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->listeners[i] = listener_new(
		    d->popd->loop, d->fds[i], entered, d);
}

static void
shut(struct door *d)
{
	for (size_t i = 0; i < d->n; i++)
		listener_free(d->listeners[i]);
	d->n = 0;
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
	shut(&s->pop3);
	shut(&s->pop3s);
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

int
main(int argc, char **argv)
{
	struct server s = {.aborted = false};
	const char *file = read_arguments(argc, argv);
	struct fail f;

	s.conf = conf_read(file, &f);
	if (s.conf == NULL)
		die(EX_CONFIG, f.text);
	s.popd.conf = s.conf;
	s.popd.log = log_to_stderr("popd");
	s.popd.clock = &clock_system;
	s.popd.loop = loop_new();
	open_doors(&s);
	load_tls(&s);
	drop_privileges(s.conf);
	start_threads(&s);
	find_authority(&s);
	s.stop_timer = timer_new(s.popd.loop, stop_now, &s);
	loop_on_signal(s.popd.loop, SIGTERM, stop, &s);
	loop_on_signal(s.popd.loop, SIGINT, stop, &s);
	loop_on_signal(s.popd.loop, SIGHUP, reload, &s);
	welcome(&s.pop3);
	welcome(&s.pop3s);
	notify_supervisor("READY=1");
	log_info(&s.popd.log, "ready");
	loop_run(s.popd.loop);
	wind_up(&s);
	return 0;
}
