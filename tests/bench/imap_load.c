/* SPDX-License-Identifier: MIT */
/*
 * imap_load: one thing that IMAP clients do, as fast as the server does it.
 *
 *	imap_load SCENARIO [option...] ADDRESS:PORT
 *	  -u NAME  account (user0@d.test); with -c: user0@d.test, user1@d.test
 *... -w TEXT  its password (secret) -m NAME  mailbox (INBOX) -n N     messages
 *that are in it, or shall be (1000) -c N     sessions at once, of as many
 *accounts (1) -t N     seconds, for mix and login (5) -q TEXT  what to search
 *for -e N     how many messages have it
 *
 *	fill     MULTIAPPEND of N messages (mail.h), 100 a command
 *	select   SELECT
 *	meta     FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)
 *	full     FETCH 1:* (UID FLAGS BODY.PEEK[])
 *	flag     STORE 1:* +FLAGS (\Flagged)
 *	unflag   STORE 1:* -FLAGS (\Flagged)
 *	copy     COPY 1:* to the mailbox Scratch, made for it
 *	expunge  EXPUNGE all of the mailbox (marking them is not timed)
 *	search   SEARCH TEXT
 *	mix      small operations, drawn by lot
 *	login    connections that do nothing but LOGIN and LOGOUT
 *
 * What comes before (connecting, LOGIN, SELECT) is not timed but in select and
 * login.  Every reply is checked: how many there are, in which order, the size
 * of each literal against what was sent, a tagged OK for each command; a
 * surprise ends the program with 1 and a sentence.  On standard output one
 * line of JSON.
 */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/imap_link.h"
#include "tests/bench/load.h"
#include "tests/bench/mail.h"

#define APPENDS_AT_ONCE 100
#define MAIL_MAX        (256 * KB)
#define WINDOW          20 /* messages whose headers a client shows at once */

struct options {
	const char *at, *user, *password, *mailbox, *query;
	uint64_t messages, before, sessions, seconds, expected;
	const uint32_t *sizes; /* of message i + 1 */
};

struct session {
	const struct options *o;
	const struct scenario *scenario;
	uint64_t number;
	struct imap_link link;
	pthread_t thread;
	uint64_t draw;
	int64_t began_us, ended_us;
	uint64_t done; /* what the scenario counts */
	uint64_t octets;
	uint64_t appended; /* to Archive, by mix */
	struct load_times times;
};

struct scenario {
	const char *name;
	bool selects; /* before the clock runs */
	bool connects;
	void (*run)(struct session *s);
};

/* ---- what several of them do ---- */

static void
log_in(struct session *s)
{
	char name[64];
	int n = snprintf(
	    name, sizeof(name), "user%" PRIu64 "@d.test", s->number);

	link_open(&s->link, s->o->at);
	link_login(&s->link,
	    s->o->user != NULL ? str_of(s->o->user)
			       : (struct str){name, (size_t)n},
	    s->o->password);
}

static void
select_mailbox(struct session *s)
{
	struct imap_response r;
	uint64_t n, exists = UINT64_MAX;
	struct str rest;

	link_command(&s->link, "SELECT %s", s->o->mailbox);
	while (link_next(&s->link, &r))
		if (link_is(&r, "EXISTS", &n, &rest))
			exists = n;
	if (exists != s->o->messages)
		load_die("SELECT: %" PRIu64 " messages instead of %" PRIu64,
		    exists, s->o->messages);
}

/* The FETCH responses of all messages, in order; octets[] what their literals
 * must have, or NULL. */
static void
take_rows(struct session *s, const char *has, const uint32_t *octets)
{
	struct imap_response r;
	uint64_t n, last = 0;
	struct str rest;
	size_t at;

	while (link_next(&s->link, &r)) {
		if (!link_is(&r, "FETCH", &n, &rest))
			continue;
		if (n != last + 1)
			load_die("FETCH %" PRIu64 " after %" PRIu64, n, last);
		last = n;
		if (!str_find_str(rest, str_of(has), &at))
			load_die("no %s in %.*s", has, STR_FMT(r.line));
		if (octets != NULL && r.literals != octets[n - 1])
			load_die("message %" PRIu64 " has %" PRIu64
				 " octets instead of %u",
			    n, r.literals, octets[n - 1]);
	}
	if (last != s->o->messages)
		load_die("%" PRIu64 " FETCH responses instead of %" PRIu64,
		    last, s->o->messages);
	s->done = last;
}

/* ---- scenarios ---- */

static void
run_fill(struct session *s)
{
	uint64_t next = 1;
	struct buf mail;

	buf_init(&mail, MAIL_MAX);
	while (next <= s->o->messages) {
		uint64_t n = s->o->messages - next + 1;
		char text[64];

		if (n > APPENDS_AT_ONCE)
			n = APPENDS_AT_ONCE;
		link_send(&s->link,
		    (struct str){text,
			(size_t)snprintf(text, sizeof(text), "a%u APPEND %s",
			    ++s->link.tag, s->o->mailbox)});
		for (; n > 0; n--, next++) {
			buf_clear(&mail);
			mail_make(s->o->before + next, &mail);
			link_send(
			    &s->link, (struct str){text,
					  (size_t)snprintf(text, sizeof(text),
					      " {%zu+}\r\n", mail.len)});
			link_send(&s->link, buf_str(&mail));
			s->octets += mail.len;
		}
		link_send(&s->link, STR("\r\n"));
		link_finish(&s->link);
	}
	s->done = s->o->messages;
	buf_release(&mail);
}

static void
run_select(struct session *s)
{
	select_mailbox(s);
	s->done = 1;
}

static void
run_meta(struct session *s)
{
	link_command(&s->link, "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)");
	take_rows(s, "BODYSTRUCTURE (", NULL);
}

static void
run_full(struct session *s)
{
	link_command(&s->link, "FETCH 1:* (UID FLAGS BODY.PEEK[])");
	take_rows(s, "BODY[]", s->o->sizes);
}

static void
run_flag(struct session *s)
{
	link_command(&s->link, "STORE 1:* +FLAGS (\\Flagged)");
	take_rows(s, "\\Flagged", NULL);
}

static void
run_unflag(struct session *s)
{
	link_command(&s->link, "STORE 1:* -FLAGS (\\Flagged)");
	take_rows(s, "FLAGS (", NULL);
}

static void
run_copy(struct session *s)
{
	link_command(&s->link, "CREATE Scratch");
	link_finish(&s->link);
	s->began_us = load_now_us();
	link_command(&s->link, "COPY 1:* Scratch");
	link_finish(&s->link);
	s->done = s->o->messages;
}

static void
run_expunge(struct session *s)
{
	struct imap_response r;
	struct str rest;
	uint64_t n;

	link_command(&s->link, "STORE 1:* +FLAGS.SILENT (\\Deleted)");
	link_finish(&s->link);
	s->began_us = load_now_us();
	link_command(&s->link, "EXPUNGE");
	while (link_next(&s->link, &r))
		s->done += link_is(&r, "EXPUNGE", &n, &rest);
	s->ended_us = load_now_us();
	if (s->done != s->o->messages)
		load_die("%" PRIu64 " were expunged, not %" PRIu64, s->done,
		    s->o->messages);
	link_command(&s->link, "UNSELECT");
	link_finish(&s->link);
	link_command(&s->link, "DELETE %s", s->o->mailbox);
	link_finish(&s->link);
}

static void
run_search(struct session *s)
{
	struct imap_response r;

	link_command(&s->link, "SEARCH TEXT \"%s\"", s->o->query);
	while (link_next(&s->link, &r))
		if (str_starts(r.line, STR("* SEARCH")))
			for (size_t i = 0; i < r.line.len; i++)
				s->done += r.line.at[i] == ' ';
	s->done -= s->done > 0; /* the one before SEARCH */
	if (s->done != s->o->expected)
		load_die("%" PRIu64 " messages have \"%s\", not %" PRIu64,
		    s->done, s->o->query, s->o->expected);
	s->done = s->o->messages;
}

static void
run_login(struct session *s)
{
	int64_t end = load_now_us() + (int64_t)s->o->seconds * 1000000;

	while (load_now_us() < end) {
		int64_t began = load_now_us();

		log_in(s);
		load_times_add(&s->times, load_now_us() - began);
		link_logout(&s->link);
		link_close(&s->link);
		s->done++;
	}
}

/* ---- small operations ---- */

static uint64_t
below(struct session *s, uint64_t n)
{
	s->draw = s->draw * 6364136223846793005ULL + 1442695040888963407ULL;
	return (s->draw >> 33) % n;
}

static void
expect_rows(struct session *s, uint64_t first, uint64_t count, bool whole)
{
	struct imap_response r;
	uint64_t n, got = 0;
	struct str rest;

	while (link_next(&s->link, &r)) {
		if (!link_is(&r, "FETCH", &n, &rest))
			continue;
		if (n != first + got)
			load_die("FETCH %" PRIu64 " instead of %" PRIu64, n,
			    first + got);
		if (whole && r.literals != s->o->sizes[n - 1])
			load_die("message %" PRIu64 " has another size", n);
		got++;
	}
	if (got != count)
		load_die("%" PRIu64 " FETCH responses instead of %" PRIu64, got,
		    count);
}

static void
do_headers(struct session *s)
{
	uint64_t first = 1 + below(s, s->o->messages - WINDOW);

	link_command(&s->link,
	    "UID FETCH %" PRIu64 ":%" PRIu64 " (UID FLAGS INTERNALDATE "
	    "RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT "
	    "MESSAGE-ID REFERENCES)])",
	    first, first + WINDOW - 1);
	expect_rows(s, first, WINDOW, false);
}

static void
do_read(struct session *s)
{
	uint64_t uid = 1 + below(s, s->o->messages);

	link_command(&s->link, "UID FETCH %" PRIu64 " (UID BODY.PEEK[])", uid);
	expect_rows(s, uid, 1, true);
}

static void
do_store(struct session *s)
{
	uint64_t uid = 1 + below(s, s->o->messages);

	link_command(&s->link, "UID STORE %" PRIu64 " %cFLAGS (\\Seen)", uid,
	    below(s, 2) > 0 ? '+' : '-');
	link_finish(&s->link);
}

static void
do_noop(struct session *s)
{
	link_command(&s->link, "NOOP");
	link_finish(&s->link);
}

static void
do_status(struct session *s)
{
	struct imap_response r;
	char want[64];
	size_t at;

	snprintf(want, sizeof(want), "MESSAGES %" PRIu64 " ", s->appended);
	link_command(&s->link, "STATUS Archive (MESSAGES UNSEEN UIDNEXT)");
	while (link_next(&s->link, &r))
		if (str_starts(r.line, STR("* STATUS")) &&
		    !str_find_str(r.line, str_of(want), &at))
			load_die("no %sin %.*s", want, STR_FMT(r.line));
}

static void
do_append(struct session *s)
{
	char head[64];
	struct buf mail;
	int n;

	buf_init(&mail, MAIL_MAX);
	mail_make(1 + below(s, 10000), &mail);
	n = snprintf(head, sizeof(head), "a%u APPEND Archive {%zu+}\r\n",
	    ++s->link.tag, mail.len);
	link_send(&s->link, (struct str){head, (size_t)n});
	buf_add(&mail, STR("\r\n"));
	link_send(&s->link, buf_str(&mail));
	link_finish(&s->link);
	s->appended++;
	buf_release(&mail);
}

static void
do_search(struct session *s)
{
	link_command(&s->link, "UID SEARCH UNSEEN");
	if (link_finish(&s->link) != 1)
		load_die("SEARCH has no answer");
}

static const struct {
	unsigned weight; /* of 100 */
	void (*run)(struct session *s);
} operations[] = {
    {30, do_headers    },
    {20, do_read       },
    {15, do_noop       },
    {10, do_store      },
    {10, do_status     },
    {5,  do_append     },
    {5,  do_search     },
    {5,  select_mailbox},
};

static void
count_archive(struct session *s)
{
	struct imap_response r;
	struct str rest;
	uint64_t n;

	link_command(&s->link, "EXAMINE Archive");
	while (link_next(&s->link, &r))
		if (link_is(&r, "EXISTS", &n, &rest))
			s->appended = n;
	select_mailbox(s);
}

static void
run_mix(struct session *s)
{
	int64_t end;

	count_archive(s);
	s->draw = s->number + 1;
	s->began_us = load_now_us();
	end = s->began_us + (int64_t)s->o->seconds * 1000000;
	while (load_now_us() < end) {
		int64_t began = load_now_us();
		uint64_t lot = below(s, 100);
		size_t i = 0;

		for (; lot >= operations[i].weight; i++)
			lot -= operations[i].weight;
		operations[i].run(s);
		load_times_add(&s->times, load_now_us() - began);
		s->done++;
	}
}

static const struct scenario scenarios[] = {
    {"fill",    false, true,  run_fill   },
    {"select",  false, true,  run_select },
    {"meta",    true,  true,  run_meta   },
    {"full",    true,  true,  run_full   },
    {"flag",    true,  true,  run_flag   },
    {"unflag",  true,  true,  run_unflag },
    {"copy",    true,  true,  run_copy   },
    {"expunge", true,  true,  run_expunge},
    {"search",  true,  true,  run_search },
    {"mix",     true,  true,  run_mix    },
    {"login",   false, false, run_login  },
};

/* ---- all of it ---- */

static void *
run(void *arg)
{
	struct session *s = arg;

	if (s->scenario->connects)
		log_in(s);
	if (s->scenario->selects)
		select_mailbox(s);
	s->began_us = load_now_us();
	s->scenario->run(s);
	if (s->ended_us == 0)
		s->ended_us = load_now_us();
	if (!s->scenario->connects)
		return NULL;
	s->octets += s->link.octets;
	link_logout(&s->link);
	link_close(&s->link);
	return NULL;
}

static void
report(struct session *all, size_t n)
{
	int64_t began = INT64_MAX, ended = 0;
	struct load_times times = {NULL, 0, 0};
	uint64_t done = 0, octets = 0;
	double took;

	for (size_t i = 0; i < n; i++) {
		began = all[i].began_us < began ? all[i].began_us : began;
		ended = all[i].ended_us > ended ? all[i].ended_us : ended;
		done += all[i].done;
		octets += all[i].octets;
		for (size_t k = 0; k < all[i].times.n; k++)
			load_times_add(&times, all[i].times.us[k]);
		free(all[i].times.us);
	}
	took = (double)(ended - began) / 1e6;
	printf("{\"seconds\": %.6f, \"done\": %" PRIu64 ", \"octets\": %" PRIu64
	       ", \"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
	    took, done, octets, (double)done / took, load_times_ms(&times, 50),
	    load_times_ms(&times, 99));
	free(times.us);
}

static uint32_t *
measure_mails(uint64_t before, uint64_t n)
{
	uint32_t *sizes = mem_new(n + 1, sizeof(*sizes));
	struct buf mail;

	buf_init(&mail, MAIL_MAX);
	for (uint64_t i = 0; i < n; i++) {
		buf_clear(&mail);
		mail_make(before + i + 1, &mail);
		sizes[i] = (uint32_t)mail.len;
	}
	buf_release(&mail);
	return sizes;
}

static void
read_options(int argc, char **argv, struct options *o)
{
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "u:w:m:n:b:c:t:q:e:")) != -1) {
		struct str text = optarg != NULL ? str_of(optarg) : STR("");

		switch (opt) {
		case 'u':
			o->user = optarg;
			break;
		case 'w':
			o->password = optarg;
			break;
		case 'm':
			o->mailbox = optarg;
			break;
		case 'q':
			o->query = optarg;
			break;
		case 'n':
			good &= str_to_u64(text, 10000000, &o->messages);
			break;
		case 'b':
			good &= str_to_u64(text, 1000000000, &o->before);
			break;
		case 'c':
			good &= str_to_u64(text, 10000, &o->sessions);
			break;
		case 't':
			good &= str_to_u64(text, 3600, &o->seconds);
			break;
		case 'e':
			good &= str_to_u64(text, 10000000, &o->expected);
			break;
		default:
			exit(2);
		}
	}
	if (!good || optind != argc - 1)
		load_die("usage: imap_load SCENARIO [option...] ADDRESS:PORT");
	o->at = argv[optind];
}

static const struct scenario *
find_scenario(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (name != NULL && strcmp(name, scenarios[i].name) == 0)
			return &scenarios[i];
	load_die("usage: imap_load SCENARIO [option...] ADDRESS:PORT");
}

int
main(int argc, char **argv)
{
	const struct scenario *scenario = find_scenario(argv[1]);
	struct options o = {.password = "secret",
	    .mailbox = "INBOX",
	    .query = MAIL_WORD,
	    .messages = 1000,
	    .sessions = 1,
	    .seconds = 5};
	struct session *all;
	uint32_t *sizes;

	read_options(argc - 1, argv + 1, &o);
	o.sizes = sizes = scenario->selects
	                      ? measure_mails(o.before, o.messages)
	                      : NULL;
	all = mem_new(o.sessions, sizeof(*all));
	for (uint64_t i = 0; i < o.sessions; i++) {
		all[i].o = &o;
		all[i].scenario = scenario;
		all[i].number = i;
		if (pthread_create(&all[i].thread, NULL, run, &all[i]) != 0)
			load_die("no thread");
	}
	for (uint64_t i = 0; i < o.sessions; i++)
		pthread_join(all[i].thread, NULL);
	report(all, o.sessions);
	free(all);
	free(sizes);
	return 0;
}
