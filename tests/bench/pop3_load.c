/* SPDX-License-Identifier: MIT */
/*
 * pop3_load: fetch whole maildrops as fast as the server gives them.
 *
 *	pop3_load [option...] ADDRESS:PORT
 *	  -c N     connections (1)
 *	  -a N     accounts (100): user0@DOMAIN..., each fetched once
 *	  -d NAME  DOMAIN (d.test)
 *	  -w TEXT  their password (secret)
 *	  -p       the RETRs of a maildrop in one piece (RFC 2449 s6.6)
 *	  -D       delete what was fetched
 *
 * Each connection takes the next account: USER, PASS, STAT, RETR of all, QUIT.
 * On standard output one line of JSON: maildrops, messages, octets, and how
 * many messages a second.  Ends with 1 at the first reply that is not +OK.
 */
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/load.h"

#define AHEAD 100 /* RETRs sent before their answers */

struct options {
	const char *at, *domain, *password;
	uint64_t connections, accounts;
	bool pipelining, deletes;
};

enum step {
	GREETING,
	USER,
	PASS,
	STAT,
	RETR,
	TEXT,
	DELE,
	QUIT
};

struct pop3_load {
	struct options o;
	struct load *load;
	uint64_t next_account, maildrops, messages, octets, failed;
};

struct client {
	struct load_conn conn; /* first: cast back */
	struct pop3_load *p;
	enum step step;
	uint64_t account, count, asked, got, deleted;
	bool broken;
};

static void
send_number(struct client *k, const char *verb, uint64_t n)
{
	char text[64];
	int len = snprintf(
	    text, sizeof(text), "%s %llu\r\n", verb, (unsigned long long)n);

	load_send(&k->conn, (struct str){text, (size_t)len});
}

static void
send_name(struct client *k)
{
	char text[300];
	int n = snprintf(text, sizeof(text), "USER user%llu@%s\r\n",
	    (unsigned long long)k->account, k->p->o.domain);

	load_send(&k->conn, (struct str){text, (size_t)n});
	k->step = USER;
}

static void
send_password(struct client *k)
{
	char text[300];
	int n = snprintf(text, sizeof(text), "PASS %s\r\n", k->p->o.password);

	load_send(&k->conn, (struct str){text, (size_t)n});
	k->step = PASS;
}

/* Ask for more, or else delete, or else leave. */
static void
go_on(struct client *k)
{
	uint64_t ahead = k->p->o.pipelining ? AHEAD : 1;

	while (k->asked < k->count && k->asked < k->got + ahead)
		send_number(k, "RETR", ++k->asked);
	k->step = RETR;
	if (k->got < k->count)
		return;
	if (k->p->o.deletes && k->deleted < k->count) {
		send_number(k, "DELE", ++k->deleted);
		k->step = DELE;
		return;
	}
	load_send(&k->conn, STR("QUIT\r\n"));
	k->step = QUIT;
}

static bool
begin_fetch(struct client *k, struct str line)
{
	struct str rest = str_after(line, 4);

	if (!str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &k->count))
		return false;
	go_on(k);
	return true;
}

static bool
advance(struct client *k, struct str line)
{
	switch (k->step) {
	case GREETING:
		send_name(k);
		return true;
	case USER:
		send_password(k);
		return true;
	case PASS:
		load_send(&k->conn, STR("STAT\r\n"));
		k->step = STAT;
		return true;
	case STAT:
		return begin_fetch(k, line);
	case RETR:
		k->step = TEXT;
		return true;
	case DELE:
		go_on(k);
		return true;
	case QUIT:
		k->p->maildrops++;
		return false;
	case TEXT:
		break;
	}
	return false;
}

static bool
on_line(struct load_conn *c, struct str line)
{
	struct client *k = (struct client *)c;

	if (k->step == TEXT && str_eq(line, STR("."))) {
		k->got++;
		k->p->messages++;
		go_on(k);
		return true;
	}
	if (k->step == TEXT) {
		k->p->octets += line.len + 2;
		return true;
	}
	if (str_starts(line, STR("+OK")))
		return advance(k, line);
	if (k->p->failed++ == 0)
		fprintf(stderr, "pop3_load: user%llu: %.*s\n",
		    (unsigned long long)k->account, STR_FMT(line));
	k->broken = true;
	return false;
}

/* Fetch the next maildrop, if there is one. */
static void
next(struct client *k)
{
	struct pop3_load *p = k->p;

	if (p->failed > 0 || p->next_account == p->o.accounts)
		return;
	k->account = p->next_account++;
	k->step = GREETING;
	k->count = k->asked = k->got = k->deleted = 0;
	load_connect(p->load, &k->conn);
}

static void
on_closed(struct load_conn *c)
{
	struct client *k = (struct client *)c;

	if (k->step != QUIT && !k->broken && k->p->failed++ == 0)
		fprintf(stderr, "pop3_load: the connection was closed\n");
	next(k);
}

static const struct load_host host = {on_line, on_closed, false};

static struct options
read_options(int argc, char **argv)
{
	struct options o = {.domain = "d.test",
	    .password = "secret",
	    .connections = 1,
	    .accounts = 100};
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "c:a:d:w:pD")) != -1)
		switch (opt) {
		case 'c':
			good &= str_to_u64(
			    str_of(optarg), 10000, &o.connections);
			break;
		case 'a':
			good &= str_to_u64(
			    str_of(optarg), UINT32_MAX, &o.accounts);
			break;
		case 'd':
			o.domain = optarg;
			break;
		case 'w':
			o.password = optarg;
			break;
		case 'p':
			o.pipelining = true;
			break;
		case 'D':
			o.deletes = true;
			break;
		default:
			exit(2);
		}
	if (!good || optind != argc - 1)
		load_die("usage: pop3_load [option...] ADDRESS:PORT");
	o.at = argv[optind];
	return o;
}

int
main(int argc, char **argv)
{
	struct pop3_load p = {.o = read_options(argc, argv)};
	struct client *clients = mem_new(p.o.connections, sizeof(*clients));
	int64_t began = load_now_us();
	double took;

	p.load = load_new(p.o.at, &host);
	for (uint64_t i = 0; i < p.o.connections; i++) {
		clients[i].p = &p;
		next(&clients[i]);
	}
	load_run(p.load);
	took = (double)(load_now_us() - began) / 1e6;
	printf("{\"maildrops\": %llu, \"messages\": %llu, \"octets\": %llu, "
	       "\"failed\": %llu, \"seconds\": %.3f, \"per_second\": %.1f}\n",
	    (unsigned long long)p.maildrops, (unsigned long long)p.messages,
	    (unsigned long long)p.octets, (unsigned long long)p.failed, took,
	    (double)p.messages / took);
	load_free(p.load);
	free(clients);
	return p.failed > 0 ? 1 : 0;
}
