/* SPDX-License-Identifier: MIT */
/*
 * The IMAP engine and popd/ops on a real store (imap_host.h has the accounts,
 * their passwords and the clock).
 *
 * Options, one a line; those that say something to the server do it before the
 * conversation, and what it answers (the greeting too) is not shown:
 *
 *	@ tls			the session begins under TLS
 *	@ allow-plaintext	logins without TLS are allowed
 *	@ login [NAME]		logged in, under TLS: alice if no name
 *	@ select NAME		logged in, this mailbox selected
 *	@ examine NAME		likewise
 *	@ enable WORDS		logged in, ENABLE WORDS
 *	@ say TEXT		logged in, this command was given (its tag too)
 *	@ on CAPS		what is off by default is offered:
 *COMPRESS=DEFLATE, UIDONLY
 *	@ off CAPS		not offered
 *	@ account-off CAPS	not offered once the account is known
 *	@ max-errors N		default 10
 *	@ message-max N		default 10000000
 *	@ pieces N		octets of messages come in pieces of N; 65536
 *	@ progress		an op that is run again says so each time
 *	@ do WORDS		as below, before everything else
 *
 * What somebody else does, in the middle of it (files:
 *tests/conv/imap/messages, LF there, CRLF here; all of it to alice's mail, as
 *another session of hers):
 *
 *	do deliver FILE			mail comes to INBOX
 *	do append MAILBOX FILE [FLAG...]
 *	do flags MAILBOX UIDS +\\Seen $Work	or - or nothing before the first
 *	do expunge MAILBOX UIDS
 *	do create NAME, do delete NAME, do rename FROM TO
 *	do subscribe NAME, do unsubscribe NAME
 *	do annotate MAILBOX ENTRY VALUE		MAILBOX "": of the account
 *	do quota OCTETS
 *	do trouble [N]			the store fails, after N more ops
 *	do trouble over
 *	do shutdown, do idle		the host ends the session
 *
 * Names in `do' lines are UTF-8 and without spaces (but create, delete and
 * subscribe, where all that follows is the name).  IDLE and NOTIFY hear of
 * it at once.
 *
 *	run_imap [BEGINNING]	only files whose names begin so
 */
#include <stdlib.h>

#include "common/util/buf.h"
#include "popd/proto/imap.h"
#include "tests/conv/conv.h"
#include "tests/conv/imap_host.h"
#include "tests/test.h"

#define DIR         "tests/conv/imap"
#define DEFAULT_OFF "COMPRESS=DEFLATE UIDONLY"

/* Made once, copied for each playing. */
static struct imap_host_store *store;

struct peer {
	struct imap_host *host;
	char *off, *account_off; /* of the options */
	struct buf before;       /* to be said before the conversation */
	bool login;
};

static char *
copy(struct str s)
{
	struct buf b;

	buf_init(&b, 4 * KB);
	buf_add(&b, s);
	return buf_take(&b);
}

/* What is off by default, without those that are asked for. */
static void
switch_on(struct peer *p, struct str on)
{
	struct str old = str_of(p->off);
	struct buf left;

	buf_init(&left, 4 * KB);
	while (old.len > 0) {
		struct str name = str_cut(&old, ' ');
		size_t at;

		if (!str_find_str(on, name, &at))
			buf_addf(&left, "%.*s ", STR_FMT(name));
	}
	free(p->off);
	p->off = copy(buf_str(&left));
	buf_release(&left);
}

static void
switch_off(struct peer *p, struct str off)
{
	struct buf all;

	buf_init(&all, 4 * KB);
	buf_addf(&all, "%s %.*s", p->off, STR_FMT(off));
	free(p->off);
	p->off = copy(buf_str(&all));
	buf_release(&all);
}

static void
say_first(struct peer *p, const char *command, struct str words)
{
	p->login = true;
	buf_addf(&p->before, "%s%.*s\r\n", command, STR_FMT(words));
}

static void
option_number(struct str words, size_t max, size_t *out)
{
	if (!str_to_size(words, max, out))
		imap_host_die("option", "a number is expected");
}

/* Options that the engine or the host has. */
static bool
option_of_host(
    struct peer *p, struct imap_host_options *o, struct str word, struct str s)
{
	size_t n;

	if (str_eq(word, STR("tls"))) {
		o->engine.tls = true;
	} else if (str_eq(word, STR("allow-plaintext"))) {
		o->engine.allow_plaintext = true;
	} else if (str_eq(word, STR("on"))) {
		switch_on(p, s);
	} else if (str_eq(word, STR("off"))) {
		switch_off(p, s);
	} else if (str_eq(word, STR("account-off"))) {
		free(p->account_off);
		p->account_off = copy(s);
	} else if (str_eq(word, STR("max-errors"))) {
		option_number(s, 1000000, &n);
		o->engine.max_errors = (unsigned)n;
	} else if (str_eq(word, STR("message-max"))) {
		option_number(s, 1000 * MB, &n);
		o->engine.message_max = n;
	} else if (str_eq(word, STR("pieces"))) {
		option_number(s, IMAP_CHUNK_MAX, &o->pieces);
	} else if (str_eq(word, STR("progress"))) {
		o->progress = true;
	} else {
		return false;
	}
	return true;
}

/* Those that are said to the server. */
static bool
option_of_client(struct peer *p, struct str word, struct str s, char login[64])
{
	if (str_eq(word, STR("login"))) {
		p->login = true;
		if (s.len > 0)
			snprintf(login, 64, "%.*s", STR_FMT(s));
	} else if (str_eq(word, STR("select"))) {
		say_first(p, "select SELECT ", s);
	} else if (str_eq(word, STR("examine"))) {
		say_first(p, "examine EXAMINE ", s);
	} else if (str_eq(word, STR("enable"))) {
		say_first(p, "enable ENABLE ", s);
	} else if (str_eq(word, STR("say"))) {
		say_first(p, "", s);
	} else {
		return str_eq(word, STR("do"));
	}
	return true;
}

static void
log_in(struct peer *p, const char *name)
{
	struct buf *said = imap_host_said(p->host);
	struct buf line;
	size_t at;

	buf_init(&line, 4 * KB);
	buf_addf(&line, "login LOGIN %s@%s pw-%s-Xyz123\r\n", name,
	    strcmp(name, "carol") == 0 ? "e.test" : "d.test", name);
	imap_host_feed(p->host, buf_str(&line));
	buf_release(&line);
	imap_host_feed(p->host, buf_str(&p->before));
	if (str_find_str(buf_str(said), STR(" BAD "), &at) ||
	    str_find_str(buf_str(said), STR(" NO "), &at)) {
		imap_host_die("before the conversation", said->data);
	}
	buf_clear(said);
}

static void *
peer_open(struct str options)
{
	struct peer *p = MEM_NEW(struct peer);
	struct imap_host_options o = {
	    .engine = {.hostname = "mx.d.test",
		       .max_errors = 10,
		       .message_max = 10000000},
	    .pieces = IMAP_CHUNK_MAX
        };
	struct str rest = options;
	char login[64] = "alice";

	p->off = copy(STR(DEFAULT_OFF));
	p->account_off = copy(STR(""));
	buf_init(&p->before, 64 * KB);
	while (rest.len > 0) {
		struct str s = str_cut(&rest, '\n');
		struct str word = str_cut(&s, ' ');

		if (!option_of_host(p, &o, word, s) &&
		    !option_of_client(p, word, s, login))
			imap_host_die("no such option", copy(word));
	}
	o.engine.off = p->off;
	o.account_off = p->account_off;
	o.engine.tls |= p->login && !o.engine.allow_plaintext;
	p->host = imap_host_new(store, &o);
	for (rest = options; rest.len > 0;) {
		struct str s = str_cut(&rest, '\n');

		if (str_eq(str_cut(&s, ' '), STR("do")) &&
		    !imap_host_act(p->host, s))
			imap_host_die("do", "nobody knows how to do this");
	}
	if (p->login)
		log_in(p, login);
	return p;
}

static void
peer_feed(void *p, struct str bytes)
{
	imap_host_feed(((struct peer *)p)->host, bytes);
}

static void
peer_tls(void *p)
{
	imap_host_secured(((struct peer *)p)->host);
}

static void
peer_eof(void *p)
{
	imap_host_close(((struct peer *)p)->host);
}

static struct str
peer_output(void *p)
{
	return buf_str(imap_host_said(((struct peer *)p)->host));
}

static void
peer_drop(void *p, size_t n)
{
	buf_drop(imap_host_said(((struct peer *)p)->host), n);
}

static bool
peer_closed(void *p)
{
	return imap_host_closed(((struct peer *)p)->host);
}

static bool
peer_act(void *p, struct str words)
{
	return imap_host_act(((struct peer *)p)->host, words);
}

static void
peer_free(void *arg)
{
	struct peer *p = arg;

	imap_host_free(p->host);
	buf_release(&p->before);
	free(p->off);
	free(p->account_off);
	free(p);
}

int
main(int argc, char **argv)
{
	/* A store for each playing costs more than the engine. */
	static const size_t sizes[] = {1, 7, 64, 1000, 0};
	struct conv_peer peer = {
	    .open = peer_open,
	    .feed = peer_feed,
	    .tls = peer_tls,
	    .eof = peer_eof,
	    .output = peer_output,
	    .drop = peer_drop,
	    .closed = peer_closed,
	    .free = peer_free,
	    .act = peer_act,
	    .sizes = sizes,
	    .begins = argc > 1 ? argv[1] : "",
	};

	store = imap_host_store_new();
	CHECK(conv_run_dir(DIR, &peer) == 0);
	imap_host_store_free(store);
	return TEST_EXIT();
}
