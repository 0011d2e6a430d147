/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/listen.h"
#include "common/net/privilege.h"
#include "mailctl/box.h"
#include "mailctl/commands.h"
#include "mailctl/demo_journey.h"
#include "mailctl/show.h"
#include "mailctl/stubdns.h"

#define PORT_TRIES 50

enum who {
	BOB,
	ALICE,
	SERVERS
};

static const struct {
	const char *name, *domain, *host, *ip;
	const char *users[2];
} servers[SERVERS] = {
    [BOB] = {"Bob",   "bob.test",   "mx.bob.test",   "127.0.0.2",
	     {"bob:bobs-penny", NULL}                    },
    [ALICE] = {"Alice", "alice.test", "mx.alice.test", "127.0.0.3",
	     {"alice:alices-penny", "carol:carols-penny"}},
};

struct demo {
	struct loop *loop;
	struct log log;
	struct stubdns *dns;
	struct server {
		struct demo *demo; /* borrowed */
		struct box *box;
		bool ready, ended;
	} servers[SERVERS];
	struct demo_journey *journey;
	bool once;
	int code;
};

static void
stop(void *arg)
{
	struct demo *d = arg;

	for (size_t i = 0; i < SERVERS; i++)
		if (d->servers[i].box != NULL)
			box_stop(d->servers[i].box);
}

static void
print_settings(const struct demo *d)
{
	puts("\nBoth servers keep running.  Attach a user agent to either:\n");
	printf("  %-10s%-18s%-18s%-12s%-12s%-12s%s\n", "", "account",
	    "password", "host", "IMAP (TLS)", "POP3 (TLS)", "SMTP (STARTTLS)");
	for (size_t i = 0; i < SERVERS; i++) {
		const struct box *b = d->servers[i].box;
		struct str password = str_of(servers[i].users[0]);
		struct str name = str_cut(&password, ':');
		char account[64];
		snprintf(account, sizeof(account), "%.*s@%s", STR_FMT(name),
		    servers[i].domain);
		printf("  %-10s%-18s%-18.*s%-12s%-12u%-12u%u\n",
		    servers[i].name, account, STR_FMT(password), servers[i].ip,
		    (unsigned)box_port(b, SERVICE_imaps),
		    (unsigned)box_port(b, SERVICE_pop3s),
		    (unsigned)box_port(b, SERVICE_submission));
	}
	putchar('\n');
	for (size_t i = 0; i < SERVERS; i++)
		printf("  trust for %s's server: %s\n", servers[i].name,
		    box_ca_file(d->servers[i].box));
	for (size_t i = 0; i < SERVERS; i++)
		printf("  mailctl for %s's server: mailctl -c %s ...\n",
		    servers[i].name, box_conf_file(d->servers[i].box));
	for (size_t i = 0; i < SERVERS; i++)
		printf("  log of %s's server: %s/log\n", servers[i].name,
		    box_dir(d->servers[i].box));
	puts("\nCtrl-C stops both and removes everything.");
	fflush(stdout);
}

static void
journey_done(void *arg, bool good)
{
	struct demo *d = arg;

	d->code = good ? CLI_OK : CLI_FAILED;
	if (d->once)
		stop(d);
	else
		print_settings(d);
}

static void
server_ready(void *arg)
{
	struct server *s = arg;
	struct demo *d = s->demo;

	s->ready = true;
	if (!d->servers[BOB].ready || !d->servers[ALICE].ready)
		return;
	for (size_t i = 0; i < SERVERS; i++)
		printf("%s's server is %s on %s\n", servers[i].name,
		    servers[i].host, servers[i].ip);
	d->journey = demo_journey_start(d->loop, d->servers[BOB].box,
	    d->servers[ALICE].box, journey_done, d);
}

static void
server_ended(void *arg, int status)
{
	struct server *s = arg;
	struct demo *d = s->demo;

	s->ended = true;
	if (status != 0)
		d->code = status;
	if (d->code != CLI_OK)
		box_print_log(s->box, stderr);
	stop(d);
	for (size_t i = 0; i < SERVERS; i++)
		if (d->servers[i].box != NULL && !d->servers[i].ended)
			return;
	loop_stop(d->loop);
}

static void
reap(void *arg)
{
	struct demo *d = arg;

	for (size_t i = 0; i < SERVERS; i++)
		if (d->servers[i].box != NULL)
			box_reap(d->servers[i].box);
}

/* A port that is free at both addresses: other servers are found by name
 * only, so all of them have the same. */
static uint16_t
common_port(struct fail *f)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		struct address at[SERVERS];
		socklen_t len = sizeof(at[BOB].sa);
		int fds[SERVERS] = {-1, -1};
		uint16_t port = 0;

		address_from_ip(str_of(servers[BOB].ip), 0, &at[BOB]);
		fds[BOB] = listen_bind(&at[BOB], f);
		if (fds[BOB] != -1 &&
		    getsockname(
			fds[BOB], (struct sockaddr *)&at[BOB].sa, &len) == 0)
			port = address_port(&at[BOB]);
		address_from_ip(str_of(servers[ALICE].ip), port, &at[ALICE]);
		fds[ALICE] = listen_bind(&at[ALICE], f);
		for (size_t s = 0; s < SERVERS; s++)
			if (fds[s] != -1)
				close(fds[s]);
		if (port != 0 && fds[ALICE] != -1)
			return port;
	}
	return 0;
}

/* What `mailctl domain dns' tells a person to publish. */
static void
publish(struct demo *d, const json_t *records)
{
	const json_t *record;
	size_t i;

	json_array_foreach(records, i,
	    record) if (strcmp(show_text(record, "type"), "TXT") == 0)
	    stubdns_add_txt(d->dns, show_text(record, "name"),
		str_of(show_text(record, "value")));
}

static int
start_server(struct demo *d, enum who who, uint16_t port, struct fail *f)
{
	struct server *s = &d->servers[who];
	struct box_options o = {
	    .loop = d->loop,
	    .log = &d->log,
	    .host = servers[who].ip,
	    .quiet = true,
	    .keys = true,
	    .dns = stubdns_address(d->dns),
	    .ready = server_ready,
	    .ended = server_ended,
	    .arg = s,
	};
	char smtp[32], relay[32], source[40];
	int code;

	snprintf(smtp, sizeof(smtp), "smtp=%u", (unsigned)port);
	snprintf(relay, sizeof(relay), "relay.port=%u", (unsigned)port);
	o.domains.at[o.domains.n++] = servers[who].domain;
	for (size_t i = 0; i < 2 && servers[who].users[i] != NULL; i++)
		o.users.at[o.users.n++] = servers[who].users[i];
	o.ports.at[o.ports.n++] = smtp;
	o.settings.at[o.settings.n++] = relay;
	/* to be judged like a server of the Internet, not like a neighbour */
	snprintf(source, sizeof(source), "relay.source=%s", servers[who].ip);
	o.settings.at[o.settings.n++] = source;
	o.settings.at[o.settings.n++] = "policy.exempt=none";
	o.settings.at[o.settings.n++] = "policy.dnsbl=none";
	o.settings.at[o.settings.n++] = "smtp.greet_delay=0s";
	s->demo = d;
	stubdns_add_mx(d->dns, servers[who].domain, servers[who].host);
	stubdns_add_a(d->dns, servers[who].host, servers[who].ip);
	stubdns_add_ptr(d->dns, servers[who].ip, servers[who].host);
	s->box = box_new(&o, f, &code);
	if (s->box == NULL)
		return -1;
	publish(d, box_records(s->box));
	return 0;
}

static int
start(struct demo *d, struct fail *f)
{
	uint16_t port;

	d->dns = stubdns_new(d->loop, f);
	if (d->dns == NULL || (port = common_port(f)) == 0)
		return -1;
	for (int who = 0; who < SERVERS; who++)
		if (start_server(d, (enum who)who, port, f) == -1)
			return -1;
	return 0;
}

int
cmd_demo(struct cli *cli, int argc, char **argv)
{
	struct demo d = {.log = log_to_stderr("mailctl")};
	const struct cli_option options[] = {
	    {"once", CLI_FLAG, &d.once},
            {NULL,   CLI_FLAG, NULL   }
        };
	struct fail f = {0};
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 0, 0, &n, &done);

	if (done)
		return code;
	d.code = CLI_FAILED;
	d.loop = loop_new();
	privilege_raise_files();
	if (start(&d, &f) == 0) {
		loop_on_signal(d.loop, SIGCHLD, reap, &d);
		loop_on_signal(d.loop, SIGINT, stop, &d);
		loop_on_signal(d.loop, SIGTERM, stop, &d);
		reap(&d); /* who died before the handler was there */
		loop_run(d.loop);
	} else {
		cli_complain("%s", f.text);
		d.code = CLI_SYSTEM;
	}
	demo_journey_free(d.journey);
	for (size_t i = 0; i < SERVERS; i++)
		box_free(d.servers[i].box);
	stubdns_free(d.dns);
	loop_free(d.loop);
	return d.code;
}
