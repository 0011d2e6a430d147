/* SPDX-License-Identifier: MIT */
/*
 * steps_load: how long each thing takes that a user agent does in a mailbox,
 * however large that is.
 *
 *	steps_load [option...] ADDRESS:PORT
 *	  -u NAME  account (user0@d.test)
 *	  -w TEXT  its password (secret)
 *	  -n N     each of them N times (100)
 *
 * One session, one command after the other, drawn messages.  On standard output
 * a line of JSON: for each step the milliseconds, p50 and p99.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/imap_link.h"
#include "tests/bench/load.h"
#include "tests/bench/mail.h"

#define MAIL_MAX (256 * KB)
#define WINDOW   20

struct steps {
	const char *at, *user, *password;
	uint64_t times, exists, draw;
	struct imap_link link;
};

static uint64_t
any_message(struct steps *s)
{
	s->draw = s->draw * 6364136223846793005ULL + 1442695040888963407ULL;
	return 1 + (s->draw >> 33) % s->exists;
}

/* The answer: it must have `count' FETCH responses. */
static void
expect_rows(struct steps *s, uint64_t count)
{
	struct imap_response r;
	uint64_t n, got = 0;
	struct str rest;

	while (link_next(&s->link, &r))
		got += link_is(&r, "FETCH", &n, &rest);
	if (got != count)
		load_die("%" PRIu64 " FETCH responses instead of %" PRIu64, got,
		    count);
}

static void
do_select(struct steps *s)
{
	struct imap_response r;
	uint64_t n;
	struct str rest;

	link_command(&s->link, "SELECT INBOX");
	while (link_next(&s->link, &r))
		if (link_is(&r, "EXISTS", &n, &rest))
			s->exists = n;
	if (s->exists == 0)
		load_die("the mailbox is empty");
}

static void
do_list(struct steps *s)
{
	uint64_t first = s->exists > WINDOW ? s->exists - WINDOW + 1 : 1;

	link_command(&s->link,
	    "FETCH %" PRIu64 ":%" PRIu64 " (UID FLAGS ENVELOPE BODYSTRUCTURE)",
	    first, s->exists);
	expect_rows(s, s->exists - first + 1);
}

static void
do_read(struct steps *s)
{
	link_command(
	    &s->link, "FETCH %" PRIu64 " (UID BODY.PEEK[])", any_message(s));
	expect_rows(s, 1);
}

static void
do_flag(struct steps *s)
{
	link_command(&s->link, "STORE %" PRIu64 " %cFLAGS (\\Flagged)",
	    any_message(s), s->draw >> 40 & 1 ? '+' : '-');
	link_finish(&s->link);
}

static void
do_append(struct steps *s)
{
	char head[64];
	struct buf mail;
	int n;

	buf_init(&mail, MAIL_MAX);
	mail_make(any_message(s), &mail);
	n = snprintf(head, sizeof(head), "a%u APPEND INBOX {%zu+}\r\n",
	    ++s->link.tag, mail.len);
	link_send(&s->link, (struct str){head, (size_t)n});
	buf_add(&mail, STR("\r\n"));
	link_send(&s->link, buf_str(&mail));
	link_finish(&s->link);
	s->exists++;
	buf_release(&mail);
}

static void
do_status(struct steps *s)
{
	link_command(
	    &s->link, "STATUS INBOX (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ)");
	if (link_finish(&s->link) == 0)
		load_die("STATUS has no answer");
}

static void
do_search(struct steps *s)
{
	link_command(
	    &s->link, "SEARCH SUBJECT \"letter %" PRIu64 "\"", any_message(s));
	link_finish(&s->link);
}

static void
do_text(struct steps *s)
{
	link_command(&s->link, "SEARCH TEXT \"xylophonist\"");
	link_finish(&s->link);
}

static const struct step {
	const char *name;
	void (*run)(struct steps *s);
} steps[] = {
    {"select",  do_select},
    {"list",    do_list  },
    {"read",    do_read  },
    {"flag",    do_flag  },
    {"append",  do_append},
    {"status",  do_status},
    {"subject", do_search},
    {"text",    do_text  },
};

static void
measure(struct steps *s, const struct step *step, bool first)
{
	struct load_times times = {NULL, 0, 0};

	for (uint64_t i = 0; i < s->times; i++) {
		int64_t began = load_now_us();

		step->run(s);
		load_times_add(&times, load_now_us() - began);
	}
	printf("%s\"%s\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f}",
	    first ? "{" : ", ", step->name, load_times_ms(&times, 50),
	    load_times_ms(&times, 99));
	free(times.us);
}

int
main(int argc, char **argv)
{
	struct steps s = {.user = "user0@d.test",
	    .password = "secret",
	    .times = 100,
	    .draw = 1};
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "u:w:n:")) != -1)
		if (opt == 'u')
			s.user = optarg;
		else if (opt == 'w')
			s.password = optarg;
		else
			good &= opt == 'n' &&
			        str_to_u64(str_of(optarg), 1000000, &s.times);
	if (!good || optind != argc - 1)
		load_die("usage: steps_load [option...] ADDRESS:PORT");
	link_open(&s.link, argv[optind]);
	link_login(&s.link, str_of(s.user), s.password);
	do_select(&s);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		measure(&s, &steps[i], i == 0);
	printf("}\n");
	link_logout(&s.link);
	link_close(&s.link);
	return 0;
}
