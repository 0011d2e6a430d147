/* SPDX-License-Identifier: MIT */
/* smtpd: mail from other servers and from user agents, in. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/net/listen.h"
#include "common/net/notify.h"
#include "common/net/privilege.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "smtpd/session.h"

#define SOCKETS_MAX  16 /* of one service */
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

struct door {
	struct smtpd *d;
	const struct service *service;
	struct listener *listeners[SOCKETS_MAX];
	int fds[SOCKETS_MAX];
	size_t n;
};

struct daemon {
	struct smtpd smtpd;
	struct conf *conf;
	struct door doors[N_SERVICES];
	struct waker *reaper;
	struct timer *stop_timer;
};

static int
usage(FILE *to, int code)
{
	fprintf(to,
	    "usage: smtpd [-c FILE] [-V] [-h]\n"
	    "  -c FILE  read this configuration (default %s)\n"
	    "  -V       print the version\n"
	    "  -h       print this\n",
	    CONF_DEFAULT_FILE);
	return code;
}

static int
give_up(int code, const struct fail *f)
{
	fprintf(stderr, "smtpd: %s\n", f->text);
	return code;
}

/* Sockets handed in come first; otherwise those of the configuration. */
static int
bind_door(struct door *door, const struct conf_list *addresses, struct fail *f)
{
	door->n = listen_activated(door->service->name, door->fds, SOCKETS_MAX);
	if (door->n > 0)
		return 0;
	for (size_t i = 0; i < addresses->n; i++) {
		struct address at;

		if (i == SOCKETS_MAX)
			return fail(f, FAIL_SYNTAX, "listen.%s: at most %d",
			    door->service->name, SOCKETS_MAX);
		if (!address_parse(str_of(addresses->items[i]), &at))
			return fail(f, FAIL_SYNTAX,
			    "listen.%s: \"%s\" is no address with port",
			    door->service->name, addresses->items[i]);
		door->fds[i] = listen_bind(&at, f);
		if (door->fds[i] == -1)
			return -1;
		door->n++;
	}
	return 0;
}

static int
bind_doors(struct daemon *d, struct fail *f)
{
	const struct conf_list *lists[N_SERVICES] = {
	    &d->conf->listen_smtp,
	    &d->conf->listen_submission,
	    &d->conf->listen_submissions,
	};

	for (size_t i = 0; i < N_SERVICES; i++) {
		d->doors[i].d = &d->smtpd;
		d->doors[i].service = &services[i];
		if (bind_door(&d->doors[i], lists[i], f) == -1)
			return -1;
	}
	return 0;
}

static void
on_connection(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct door *door = arg;

	session_accept(door->d, door->service, fd, peer, refuse);
}

static void
open_doors(struct daemon *d)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		for (size_t j = 0; j < d->doors[i].n; j++)
			d->doors[i].listeners[j] = listener_new(d->smtpd.loop,
			    d->doors[i].fds[j], on_connection, &d->doors[i]);
}

static void
close_doors(struct daemon *d)
{
	for (size_t i = 0; i < N_SERVICES; i++) {
		for (size_t j = 0; j < d->doors[i].n; j++)
			listener_free(d->doors[i].listeners[j]);
		d->doors[i].n = 0;
	}
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

	if (d->smtpd.stopping)
		return;
	d->smtpd.stopping = true;
	notify_supervisor("STOPPING=1");
	log_info(&d->smtpd.log, "stopping, %zu sessions", d->smtpd.connections);
	close_doors(d);
	session_stop_all(&d->smtpd);
	if (d->smtpd.connections == 0)
		loop_stop(d->smtpd.loop);
	else
		timer_set(d->stop_timer, STOP_WAIT_MS);
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
	store_reap(((struct daemon *)arg)->smtpd.store);
}

/* From any thread. */
static void
wake(void *arg)
{
	waker_wake(((struct daemon *)arg)->reaper);
}

static char *
in_runtime(const struct conf *conf, const char *name)
{
	struct buf path;

	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/%s", conf->server_runtime, name);
	return buf_take(&path);
}

/* Whom to become: the configured user, or our own if there is one. */
static const char *
user_of(const struct conf *conf)
{
	if (conf->server_user[0] != '\0')
		return conf->server_user;
	return getpwnam("pennypost-smtpd") != NULL ? "pennypost-smtpd" : NULL;
}

static void
start_loop(struct daemon *d)
{
	struct smtpd *s = &d->smtpd;
	char *auth = in_runtime(d->conf, "auth.sock");

	s->loop = loop_new();
	d->reaper = waker_new(s->loop, on_reap, d);
	d->stop_timer = timer_new(s->loop, on_stop_time_over, d);
	s->authority = ipc_client_new(s->loop, auth, AUTH_WAIT_MS);
	s->queue_notice = in_runtime(d->conf, "maild.notice");
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

/* Everything before the first connection, in the order it must happen
 * (docs/design.md s2).  0 or an exit code. */
static int
start(struct daemon *d, const char *file)
{
	struct smtpd *s = &d->smtpd;
	struct fail f = {0};

	d->conf = conf_read(file, &f);
	if (d->conf == NULL)
		return give_up(EX_CONFIG, &f);
	s->conf = d->conf;
	privilege_raise_files();
	if (bind_doors(d, &f) == -1)
		return give_up(
		    f.kind == FAIL_SYNTAX ? EX_CONFIG : EX_OSERR, &f);
	s->tls = tls_server_new(
	    d->conf->tls_certificate, d->conf->tls_key, "smtp", &f);
	if (s->tls == NULL)
		return give_up(EX_CONFIG, &f);
	if (privilege_drop(user_of(d->conf), &f) == -1)
		return give_up(EX_OSERR, &f);
	start_loop(d);
	if (open_store(d, &f) == -1)
		return give_up(EX_OSERR, &f);
	if (privilege_lock(&f) == -1)
		return give_up(EX_OSERR, &f);
	open_doors(d);
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
	tally_release(&s->peers);
	free(s->queue_notice);
	conf_free(d->conf);
}

int
main(int argc, char **argv)
{
	struct daemon d = {0};
	const char *file = CONF_DEFAULT_FILE;
	int opt, code;

	while ((opt = getopt(argc, argv, "c:Vh")) != -1)
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case 'V':
			printf("smtpd (Penny Post) %s\n", PP_VERSION);
			return 0;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, EX_USAGE);
		}
	if (optind < argc)
		return usage(stderr, EX_USAGE);
	rand_init();
	d.smtpd.log = log_to_stderr("smtpd");
	d.smtpd.clock = &clock_system;
	d.smtpd.traces.clock = &clock_system;
	code = start(&d, file);
	if (code != 0)
		exit(code); /* with all that was made on the way */
	notify_supervisor("READY=1");
	log_info(&d.smtpd.log, "ready");
	loop_run(d.smtpd.loop);
	stop(&d);
	return 0;
}
