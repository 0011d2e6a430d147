/* SPDX-License-Identifier: MIT */
/*
 * The POP3 engine with a fake host.  alice@d.test (pw-alice-Xyz123) has the
 * messages of tests/conv/pop3/maildrop, uid_validity 77 and uids 10, 20, ...;
 * bob@d.test (" two  words ") has none.
 *
 *	@ tls		the session begins under TLS
 *	@ plaintext	logins without TLS are allowed
 *	@ pieces N	bodies come in pieces of N octets; otherwise 5
 *	@ many N	alice has N messages of 100 octets instead
 *	@ in-use, @ unavailable, @ forbidden	what becomes of a good login
 *	@ gone, @ unreadable	what becomes of a RETR or TOP
 *	@ commit-fails
 *	@ idle, @ shutdown	the host ends the session at the first input
 */
#include <assert.h>
#include <stdlib.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "popd/proto/pop3.h"
#include "tests/conv/conv.h"
#include "tests/test.h"

#define DIR        "tests/conv/pop3"
#define MESSAGES   4
#define SAID_MAX   (16 * MB)
#define MAX_ERRORS 10

struct host {
	struct pop3 *pop3;
	struct pop3_maildrop drop;
	struct buf bodies[MESSAGES];
	struct buf said;
	size_t pieces;
	bool loaded; /* bodies, not synthetic messages */
	int refusal; /* enum pop3_refusal, -1: none */
	bool gone, unreadable, commit_fails;
	bool securing;
	bool closed;
	int goodbye; /* enum pop3_goodbye, -1: none */
};

static void
load(struct buf *body, int n)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), DIR "/maildrop/%d.eml", n);
	f = fopen(path, "rb");
	assert(f != NULL);
	buf_added(body, fread(buf_reserve(body, 4 * KB), 1, 4 * KB, f));
	fclose(f);
}

static void
fill(struct host *h, size_t many)
{
	h->loaded = many == 0;
	h->drop.n = h->loaded ? MESSAGES : many;
	h->drop.messages = mem_new(h->drop.n, sizeof(*h->drop.messages));
	for (size_t i = 0; i < h->drop.n; i++)
		h->drop.messages[i] = (struct pop3_message){
		    .octets = 100, .uidl = (UINT64_C(77) << 32) + (i + 1) * 10};
	for (int i = 0; h->loaded && i < MESSAGES; i++) {
		load(&h->bodies[i], i + 1);
		h->drop.messages[i].octets = h->bodies[i].len;
	}
}

static void
option(struct host *h, struct pop3_options *o, struct str line, size_t *many)
{
	static const char *const refusals[] = {
	    "wrong", "in-use", "unavailable", "forbidden"};
	struct str word = str_cut(&line, ' ');

	for (int i = 0; i < 4; i++)
		if (str_eq(word, str_of(refusals[i])))
			h->refusal = i;
	o->tls |= str_eq(word, STR("tls"));
	o->allow_plaintext |= str_eq(word, STR("plaintext"));
	h->gone |= str_eq(word, STR("gone"));
	h->unreadable |= str_eq(word, STR("unreadable"));
	h->commit_fails |= str_eq(word, STR("commit-fails"));
	if (str_eq(word, STR("idle")))
		h->goodbye = POP3_IDLE;
	if (str_eq(word, STR("shutdown")))
		h->goodbye = POP3_SHUTDOWN;
	if (str_eq(word, STR("pieces")))
		assert(str_to_size(line, POP3_CHUNK_MAX, &h->pieces));
	if (str_eq(word, STR("many")))
		assert(str_to_size(line, 1000000, many));
}

/* What the engine said goes to the client at once. */
static void
drain(struct host *h)
{
	struct buf *out = pop3_output(h->pop3);

	assert(out->len <= POP3_OUTPUT_HIGH + 2 * POP3_CHUNK_MAX);
	buf_add(&h->said, buf_str(out));
	buf_drop(out, out->len);
}

static void *
host_open(struct str options)
{
	struct host *h = MEM_NEW(struct host);
	struct pop3_options o = {"mx.d.test", false, false, MAX_ERRORS};
	size_t many = 0;

	h->pieces = 5;
	h->refusal = h->goodbye = -1;
	while (options.len > 0)
		option(h, &o, str_cut(&options, '\n'), &many);
	buf_init(&h->said, SAID_MAX);
	for (int i = 0; i < MESSAGES; i++)
		buf_init(&h->bodies[i], 4 * KB);
	fill(h, many);
	h->pop3 = pop3_new(&o);
	drain(h);
	return h;
}

static void
login(struct host *h, const struct pop3_request *req)
{
	static struct pop3_maildrop empty = {NULL, 0};

	if (str_eq(req->user, STR("bob@d.test")) &&
	    str_eq(req->password, STR(" two  words ")))
		pop3_logged_in(h->pop3, &empty);
	else if (!str_eq(req->user, STR("alice@d.test")) ||
		 !str_eq(req->password, STR("pw-alice-Xyz123")))
		pop3_refused(h->pop3, POP3_WRONG);
	else if (h->refusal >= 0)
		pop3_refused(h->pop3, (enum pop3_refusal)h->refusal);
	else
		pop3_logged_in(h->pop3, &h->drop);
}

static void
give_body(struct host *h, size_t index)
{
	struct str rest = {NULL, 0};
	bool more = true;

	if (h->gone || h->unreadable) {
		pop3_body_failed(h->pop3, h->gone);
		return;
	}
	if (h->loaded)
		rest = buf_str(&h->bodies[index]);
	pop3_body_begin(h->pop3);
	while (more && rest.len > 0) {
		drain(h);
		more = pop3_body(h->pop3, str_first(rest, h->pieces));
		rest = str_after(rest, h->pieces);
	}
	h->drop.messages[index].fetched |= pop3_body_end(h->pop3);
}

static void
serve(struct host *h, enum pop3_event ev, struct pop3_request *req)
{
	switch (ev) {
	case POP3_NONE:
	case POP3_DRAIN:
		break;
	case POP3_TLS:
		h->securing = true;
		break;
	case POP3_LOGIN:
		login(h, req);
		break;
	case POP3_BODY:
		give_body(h, req->index);
		break;
	case POP3_COMMIT:
		pop3_committed(h->pop3, !h->commit_fails);
		break;
	case POP3_CLOSE:
		h->closed = true;
		break;
	}
	drain(h);
}

static void
host_feed(void *p, struct str bytes)
{
	struct host *h = p;
	struct pop3_request req;
	enum pop3_event ev = POP3_DRAIN;

	if (h->goodbye >= 0)
		pop3_goodbye(h->pop3, (enum pop3_goodbye)h->goodbye);
	while (!h->closed && !h->securing && ev != POP3_NONE) {
		ev = pop3_step(h->pop3, &bytes, &req);
		serve(h, ev, &req);
	}
	if (h->securing && bytes.len > 0)
		h->closed = true; /* injected before the handshake */
}

static void
host_tls(void *p)
{
	struct host *h = p;

	assert(h->securing);
	h->securing = false;
	pop3_secured(h->pop3);
}

static void
host_eof(void *p)
{
	((struct host *)p)->closed = true;
}

static struct str
host_output(void *p)
{
	return buf_str(&((struct host *)p)->said);
}

static void
host_drop(void *p, size_t n)
{
	buf_drop(&((struct host *)p)->said, n);
}

static bool
host_closed(void *p)
{
	return ((struct host *)p)->closed;
}

static void
host_free(void *p)
{
	struct host *h = p;

	pop3_free(h->pop3);
	for (int i = 0; i < MESSAGES; i++)
		buf_release(&h->bodies[i]);
	buf_release(&h->said);
	free(h->drop.messages);
	free(h);
}

int
main(void)
{
	struct conv_peer peer = {
	    .open = host_open,
	    .feed = host_feed,
	    .tls = host_tls,
	    .eof = host_eof,
	    .output = host_output,
	    .drop = host_drop,
	    .closed = host_closed,
	    .free = host_free,
	};

	CHECK(conv_run_dir(DIR, &peer) == 0);
	return TEST_EXIT();
}
