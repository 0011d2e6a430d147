/* SPDX-License-Identifier: MIT */
/*
 * The SMTP client engine against scripted servers: S: is fed to it, C: is what
 * it must say.  Lines of C: that begin with `*' are the host's: what became of
 * each recipient and of the session.
 *
 *	@ message SENDER RECIPIENT...	`<>' is the null sender
 *	@ body TEXT			of the message before, in pieces of 5
 *	@ size N			said to be so long
 *	@ utf8, @ 8bit, @ binary, @ requiretls	flags of the message before
 *	@ envid TEXT, @ ret FULL	of it
 *	@ wish N NOTIFY ORCPT		of its Nth recipient; NOTIFY as a number
 *	@ unverified			the handshake was with whomever
 *	@ problem TEXT			why so
 *	@ tls never|may|must|verify	how much TLS is wanted; not said: may
 *	@ inside			TLS comes before the greeting
 *	@ guessed			the host's name was said by DNS alone
 *	@ law NAME			who wants TLS
 *	@ login NAME PASSWORD
 *	@ badtls TEXT			the handshake fails
 *	@ halfway			the end of a body never comes
 *	@ dialogue			show it at the end
 *
 * In options `|' is a CR and `~' an LF.
 */
#include <stdlib.h>

#include "maild/proto/smtp_client.h"
#include "tests/conv/conv.h"
#include "tests/test.h"

#define MESSAGES_MAX 4
#define PIECE        5

struct post {
	struct smtp_message m;
	struct str to[SMTP_RECIPIENTS_MAX];
	struct smtp_wish wishes[SMTP_RECIPIENTS_MAX];
	struct str body;
};

struct play {
	struct smtp_client *c;
	struct buf options; /* what the posts point into */
	struct post posts[MESSAGES_MAX];
	size_t n, at;     /* posts[at - 1] is under way */
	struct buf shown; /* output and notes, for the runner */
	size_t seen;      /* of the engine's output, how much is shown */
	bool closed, unverified, dialogue, halfway;
	const char *problem, *badtls;
	char words[4][600]; /* options as C strings */
	size_t n_words;
	struct smtp_client_options o;
};

static const char *
word_of(struct play *p, struct str text)
{
	char *to = p->words[p->n_words++];

	CHECK(p->n_words <= 4);
	snprintf(to, sizeof(p->words[0]), "%.*s", STR_FMT(text));
	return to;
}

/* How the session is to be. */
static void
read_session_option(struct play *p, struct str word, struct str line)
{
	static const char *const levels[] = {"never", "may", "must", "verify"};

	if (str_eq(word, STR("tls"))) {
		for (size_t i = 0; i < 4; i++)
			if (str_eq(line, str_of(levels[i])))
				p->o.tls = (enum smtp_tls)i;
	} else if (str_eq(word, STR("unverified"))) {
		p->unverified = true;
	} else if (str_eq(word, STR("problem"))) {
		p->problem = word_of(p, line);
	} else if (str_eq(word, STR("inside"))) {
		p->o.inside = true;
	} else if (str_eq(word, STR("guessed"))) {
		p->o.guessed = true;
	} else if (str_eq(word, STR("law"))) {
		p->o.law = word_of(p, line);
	} else if (str_eq(word, STR("login"))) {
		p->o.login = word_of(p, str_cut(&line, ' '));
		p->o.password = line;
	} else if (str_eq(word, STR("badtls"))) {
		p->badtls = word_of(p, line);
	} else if (str_eq(word, STR("halfway"))) {
		p->halfway = true;
	} else if (str_eq(word, STR("dialogue"))) {
		p->dialogue = true;
	} else {
		fprintf(stderr, "option %.*s\n", STR_FMT(word));
		CHECK(!"known option");
	}
}

static void
read_option(struct play *p, struct str line)
{
	struct str word = str_cut(&line, ' ');
	struct post *post = p->n > 0 ? &p->posts[p->n - 1] : NULL;

	if (str_eq(word, STR("message"))) {
		post = &p->posts[p->n++];
		post->m.sender = str_cut(&line, ' ');
		if (str_eq(post->m.sender, STR("<>")))
			post->m.sender = STR("");
		while (line.len > 0)
			post->to[post->m.n++] = str_cut(&line, ' ');
		post->m.recipients = post->to;
		post->m.wishes = post->wishes;
		post->body = STR("a body\r\n");
	} else if (str_eq(word, STR("body"))) {
		post->body = line;
	} else if (str_eq(word, STR("size"))) {
		CHECK(str_to_u64(line, UINT64_MAX, &post->m.size));
	} else if (str_eq(word, STR("utf8"))) {
		post->m.utf8 = true;
	} else if (str_eq(word, STR("8bit"))) {
		post->m.eight_bit = true;
	} else if (str_eq(word, STR("binary"))) {
		post->m.binary = true;
		post->m.size = post->body.len;
	} else if (str_eq(word, STR("requiretls"))) {
		post->m.requiretls = true;
	} else if (str_eq(word, STR("envid"))) {
		post->m.envelope_id = line;
	} else if (str_eq(word, STR("ret"))) {
		post->m.ret = str_eq(line, STR("FULL")) ? DSN_RET_FULL
		                                        : DSN_RET_HDRS;
	} else if (str_eq(word, STR("wish"))) {
		uint64_t at = 0, notify = 0;

		CHECK(str_to_u64(str_cut(&line, ' '), post->m.n - 1, &at));
		CHECK(str_to_u64(str_cut(&line, ' '), 15, &notify));
		post->wishes[at] = (struct smtp_wish){(unsigned)notify, line};
	} else {
		read_session_option(p, word, line);
	}
}

static void
show_output(struct play *p)
{
	struct str out = buf_str(smtp_client_output(p->c));

	if (p->seen > out.len)
		p->seen = 0; /* the engine took it back */
	buf_add(&p->shown, str_after(out, p->seen));
	p->seen = out.len;
}

static void
note(struct play *p, struct str who, const struct smtp_outcome *o)
{
	static const char *const words[] = {"sent", "temp", "perm"};

	buf_addf(&p->shown, "* %.*s %s %d %s%s%s%s: %s\r\n", STR_FMT(who),
	    words[o->result], o->code, o->enhanced,
	    o->elsewhere ? " elsewhere" : "", o->again ? " again" : "",
	    o->unsure ? " unsure" : "", o->text.data);
}

static void
show_dialogue(struct play *p)
{
	struct str all = smtp_client_dialogue(p->c);

	CHECK(all.len <= SMTP_DIALOGUE_MAX);
	while (all.len > 0) {
		struct str line = str_cut(&all, '\n');

		buf_addf(&p->shown, "> %.*s\r\n", STR_FMT(line));
	}
}

static void
on_event(struct play *p, enum smtp_client_event ev)
{
	struct post *post = &p->posts[p->at > 0 ? p->at - 1 : 0];

	switch (ev) {
	case SMTP_CLIENT_READY:
		if (p->at < p->n)
			smtp_client_send(p->c, &p->posts[p->at++].m);
		else
			smtp_client_quit(p->c);
		break;
	case SMTP_CLIENT_BODY:
		for (struct str rest = post->body; rest.len > 0;
		     rest = str_after(rest, PIECE))
			smtp_client_body(p->c, str_first(rest, PIECE));
		if (!p->halfway)
			smtp_client_body_end(p->c);
		break;
	case SMTP_CLIENT_DONE:
		for (size_t i = 0; i < post->m.n; i++)
			note(p, post->to[i], smtp_client_outcome(p->c, i));
		break;
	case SMTP_CLIENT_CLOSED:
		note(p, STR("session"), smtp_client_end(p->c));
		if (p->dialogue)
			show_dialogue(p);
		p->closed = true;
		break;
	case SMTP_CLIENT_TLS:
	case SMTP_CLIENT_NONE:
		break;
	}
}

static void
pump(struct play *p, struct str in)
{
	enum smtp_client_event ev;

	do {
		ev = smtp_client_step(p->c, &in);
		show_output(p);
		on_event(p, ev);
		show_output(p);
	} while (ev != SMTP_CLIENT_NONE);
}

static void *
open_play(struct str options)
{
	struct play *p = MEM_NEW(struct play);

	p->o = (struct smtp_client_options){
	    .hostname = "mx.d.test", .tls = SMTP_TLS_MAY, .timeout_ms = 300000};
	buf_init(&p->options, 64 * KB);
	buf_init(&p->shown, 4 * MB);
	buf_add(&p->options, options);
	/* what cannot be written in a file's option line */
	for (size_t i = 0; i < p->options.len; i++)
		if (p->options.data[i] == '|')
			p->options.data[i] = '\r';
		else if (p->options.data[i] == '~')
			p->options.data[i] = '\n';
	for (struct str from = options; from.len > 0;) {
		struct str line = str_cut(&from, '\n');

		line.at = p->options.data + (line.at - options.at);
		read_option(p, line);
	}
	p->c = smtp_client_new(&p->o);
	pump(p, STR(""));
	return p;
}

static void
feed_play(void *arg, struct str bytes)
{
	pump(arg, bytes);
}

static void
tls_play(void *arg)
{
	struct play *p = arg;

	const struct smtp_client_tls tls = {
	    .what = p->unverified ? "TLS 1.3" : "TLS 1.3, verified",
	    .verified = !p->unverified,
	    .problem = p->problem};

	if (p->badtls != NULL)
		smtp_client_tls_failed(p->c, p->badtls);
	else
		smtp_client_tls_done(p->c, &tls);
	pump(p, STR(""));
}

static void
eof_play(void *arg)
{
	struct play *p = arg;

	smtp_client_lost(p->c, "closed");
	pump(p, STR(""));
}

static struct str
output(void *arg)
{
	return buf_str(&((struct play *)arg)->shown);
}

static void
drop(void *arg, size_t n)
{
	struct play *p = arg;

	buf_drop(&p->shown, n);
	if (p->shown.len == 0) { /* all of it is on its way */
		buf_clear(smtp_client_output(p->c));
		p->seen = 0;
	}
}

static bool
is_closed(void *arg)
{
	return ((struct play *)arg)->closed;
}

static void
free_play(void *arg)
{
	struct play *p = arg;

	smtp_client_free(p->c);
	buf_release(&p->shown);
	buf_release(&p->options);
	free(p);
}

int
main(void)
{
	const struct conv_peer peer = {
	    .client = true,
	    .open = open_play,
	    .feed = feed_play,
	    .tls = tls_play,
	    .eof = eof_play,
	    .output = output,
	    .drop = drop,
	    .closed = is_closed,
	    .free = free_play,
	};

	CHECK(conv_run_dir("tests/conv/smtp_client", &peer) == 0);
	return TEST_EXIT();
}
