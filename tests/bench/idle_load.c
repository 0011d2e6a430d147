/* SPDX-License-Identifier: MIT */
/*
 * idle_load: many IMAP sessions that wait for mail.
 *
 *	idle_load [option...] ADDRESS:PORT
 *	  -n N     sessions (1000)
 *	  -a N     of so many accounts in turn (100): user0@d.test...
 *	  -w TEXT  their password (secret)
 *	  -o N     at most so many on their way at once (10)
 *	  -T       TLS from the first octet on
 *	  -l       only log in and out again
 *
 * Each logs in, selects INBOX and idles.  When all do, a line of JSON on
 * standard output says how long that took and how long each login took; with
 * -l that is all.  From then on there is a line "ACCOUNT COUNT MICROSECONDS"
 * for each EXISTS that a session is told, with the monotonic clock's time,
 *until standard input ends.  Any other answer than the one hoped for ends the
 *program with 1 and a sentence.
 */
#include <poll.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/load.h"

struct options {
	const char *at, *password;
	uint64_t sessions, accounts, at_once;
	bool tls, logins;
};

enum step {
	GREETING,
	LOGIN,
	SELECT,
	IDLE,
	IDLING,
	LOGOUT
};

struct idle_load {
	struct options o;
	struct load *load;
	struct client *clients;
	uint64_t begun, there;
	int64_t began_us;
	struct load_times logins;
};

struct client {
	struct load_conn conn; /* first: cast back */
	struct idle_load *l;
	uint64_t account;
	enum step step;
	int64_t since_us;
};

static void
begin_one(struct idle_load *l)
{
	struct client *k;

	if (l->begun == l->o.sessions)
		return;
	k = &l->clients[l->begun];
	k->l = l;
	k->account = l->begun++ % l->o.accounts;
	k->step = GREETING;
	k->since_us = load_now_us();
	load_connect(l->load, &k->conn);
}

static void
log_in(struct client *k)
{
	char text[300];
	int n = snprintf(text, sizeof(text),
	    "a LOGIN user%llu@d.test %.100s\r\n",
	    (unsigned long long)k->account, k->l->o.password);

	load_send(&k->conn, (struct str){text, (size_t)n});
	k->step = LOGIN;
}

static void
is_there(struct client *k)
{
	k->l->there++;
	begin_one(k->l);
}

/* The answer we waited for came: what next? */
static void
advance(struct client *k)
{
	switch (k->step) {
	case GREETING:
		log_in(k);
		break;
	case LOGIN:
		load_times_add(&k->l->logins, load_now_us() - k->since_us);
		k->step = k->l->o.logins ? LOGOUT : SELECT;
		load_send(&k->conn, k->l->o.logins ? STR("a LOGOUT\r\n")
						   : STR("a SELECT INBOX\r\n"));
		break;
	case SELECT:
		k->step = IDLE;
		load_send(&k->conn, STR("a IDLE\r\n"));
		break;
	case IDLE:
		k->step = IDLING;
		is_there(k);
		break;
	case IDLING:
	case LOGOUT:
		break;
	}
}

static void
tell(struct client *k, struct str line)
{
	struct str rest = str_after(line, 2);
	uint64_t n;

	if (str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &n) &&
	    str_starts(rest, STR("EXISTS"))) {
		printf("%llu %llu %lld\n", (unsigned long long)k->account,
		    (unsigned long long)n, (long long)load_now_us());
		fflush(stdout);
	}
}

static bool
on_line(struct load_conn *c, struct str line)
{
	static const char *const hoped[] = {[GREETING] = "* OK",
	    [LOGIN] = "a OK",
	    [SELECT] = "a OK",
	    [IDLE] = "+",
	    [IDLING] = "* ",
	    [LOGOUT] = "a OK"};
	struct client *k = (struct client *)c;

	if (str_starts(line, str_of(hoped[k->step]))) {
		if (k->step == IDLING)
			tell(k, line);
		advance(k);
		return true;
	}
	if (!str_starts(line, STR("* ")) || k->step == GREETING)
		load_die("idle_load: user%llu: waited for %s and got %.*s",
		    (unsigned long long)k->account, hoped[k->step],
		    STR_FMT(line));
	return true;
}

static void
on_closed(struct load_conn *c)
{
	struct client *k = (struct client *)c;

	if (k->step != LOGOUT)
		load_die("idle_load: a connection was closed");
	is_there(k);
}

static struct options
read_options(int argc, char **argv)
{
	struct options o = {.password = "secret",
	    .sessions = 1000,
	    .accounts = 100,
	    .at_once = 10};
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "n:a:w:o:Tl")) != -1)
		switch (opt) {
		case 'n':
			good &= str_to_u64(
			    str_of(optarg), 1000000, &o.sessions);
			break;
		case 'a':
			good &= str_to_u64(
			    str_of(optarg), 1000000, &o.accounts);
			break;
		case 'w':
			o.password = optarg;
			break;
		case 'o':
			good &= str_to_u64(str_of(optarg), 10000, &o.at_once);
			break;
		case 'T':
			o.tls = true;
			break;
		case 'l':
			o.logins = true;
			break;
		default:
			exit(2);
		}
	if (!good || optind != argc - 1 || o.accounts == 0)
		load_die("usage: idle_load [option...] ADDRESS:PORT");
	o.at = argv[optind];
	return o;
}

static void
report(struct idle_load *l)
{
	double took = (double)(load_now_us() - l->began_us) / 1e6;

	printf("{\"sessions\": %llu, \"seconds\": %.3f, \"per_second\": %.1f, "
	       "\"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
	    (unsigned long long)l->there, took, (double)l->there / took,
	    load_times_ms(&l->logins, 50), load_times_ms(&l->logins, 99));
	fflush(stdout);
}

static bool
input_ended(void)
{
	struct pollfd in = {STDIN_FILENO, POLLIN, 0};
	char text[256];

	return poll(&in, 1, 0) > 0 &&
	       read(STDIN_FILENO, text, sizeof(text)) <= 0;
}

int
main(int argc, char **argv)
{
	struct idle_load l = {.o = read_options(argc, argv)};
	struct load_host host = {on_line, on_closed, l.o.tls};

	l.clients = mem_new(l.o.sessions, sizeof(*l.clients));
	l.load = load_new(l.o.at, &host);
	l.began_us = load_now_us();
	for (uint64_t i = 0; i < l.o.at_once; i++)
		begin_one(&l);
	while (l.there < l.o.sessions)
		load_turn(l.load, 1000);
	report(&l);
	while (!l.o.logins && !input_ended())
		load_turn(l.load, 200);
	exit(0); /* what is open closes */
}
