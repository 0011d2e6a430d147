/* SPDX-License-Identifier: MIT */
/*
 * Any bytes at all, in two pieces: no crash, no hang, output within bounds,
 * and the same answers wherever the pieces meet.
 */
#include <assert.h>
#include <stdlib.h>

#include "popd/proto/pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct run {
	struct pop3 *pop3;
	struct pop3_message messages[3];
	struct pop3_maildrop drop;
	struct buf said;
	bool closed;
};

static void
give_body(struct run *r, size_t index)
{
	assert(index < r->drop.n && !r->messages[index].deleted);
	if (index == 1) {
		pop3_body_failed(r->pop3, true);
		return;
	}
	pop3_body_begin(r->pop3);
	if (pop3_body(r->pop3, STR("A: b\r\n\r\n.\r")))
		pop3_body(r->pop3, STR("\n..x\r\n"));
	pop3_body_end(r->pop3);
}

static void
serve(struct run *r, enum pop3_event ev, const struct pop3_request *req)
{
	if (ev == POP3_TLS)
		pop3_secured(r->pop3);
	else if (ev == POP3_LOGIN && req->password.len % 2 == 0)
		pop3_logged_in(r->pop3, &r->drop);
	else if (ev == POP3_LOGIN)
		pop3_refused(r->pop3,
		    req->password.len % 3 == 0 ? POP3_WRONG : POP3_IN_USE);
	else if (ev == POP3_BODY)
		give_body(r, req->index);
	else if (ev == POP3_COMMIT)
		pop3_committed(r->pop3, !r->messages[0].deleted);
	else if (ev == POP3_CLOSE)
		r->closed = true;
}

static void
feed(struct run *r, struct str in)
{
	enum pop3_event ev = POP3_DRAIN;

	while (!r->closed && ev != POP3_NONE) {
		struct buf *out = pop3_output(r->pop3);
		struct pop3_request req;

		ev = pop3_step(r->pop3, &in, &req);
		serve(r, ev, &req);
		assert(out->len < POP3_OUTPUT_HIGH + 2 * KB && !out->overrun);
		buf_add(&r->said, buf_str(out));
		buf_clear(out);
	}
	assert(r->closed || in.len == 0);
}

static struct run *
play(struct str bytes, size_t first, bool tls)
{
	struct pop3_options o = {"mx.d.test", tls, false, 10};
	struct run *r = MEM_NEW(struct run);

	for (size_t i = 0; i < 3; i++)
		r->messages[i] = (struct pop3_message){
		    .octets = i, .uidl = UINT64_MAX - i};
	r->drop = (struct pop3_maildrop){r->messages, 3};
	r->pop3 = pop3_new(&o);
	buf_init(&r->said, 64 * MB);
	feed(r, str_first(bytes, first));
	feed(r, str_after(bytes, first));
	return r;
}

static void
run_free(struct run *r)
{
	pop3_free(r->pop3);
	buf_release(&r->said);
	free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str bytes = {(const char *)data, len};
	struct run *whole, *cut;

	if (len < 2)
		return 0;
	bytes = str_after(bytes, 2);
	whole = play(bytes, bytes.len, data[0] & 1);
	cut = play(bytes, (data[0] >> 1) + data[1] * 128u, data[0] & 1);
	/* An endless line is given up on wherever a piece ends. */
	if (bytes.len <= 64 * KB)
		assert(str_eq(buf_str(&whole->said), buf_str(&cut->said)));
	run_free(whole);
	run_free(cut);
	return 0;
}
