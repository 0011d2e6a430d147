/* SPDX-License-Identifier: MIT */
/*
 * Any bytes at all, in two pieces: no crash, no hang, output within bounds,
 * and the same answers, all of them responses, wherever the pieces meet.  The
 * host's store knows one mailbox with five messages, and lets messages come;
 * all else fails.
 */
#include <assert.h>
#include <stdlib.h>

#include "popd/proto/imap.h"
#include "popd/proto/imap_selected_op.h"
#include "tests/fuzz/popd_proto/imap_responses.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MESSAGES 5

enum setting {
	UNDER_TLS = 1 << 0,
	LOGGED_IN = 1 << 1,
	SELECTED = 1 << 2,
	EVERYTHING = 1 << 3, /* all capabilities, all that can be enabled */
};

struct run {
	struct imap *imap;
	struct mirror *mirror;
	struct buf said;
	size_t stages;
	uint64_t staged, wanted; /* octets of the last stage */
	bool closed;
};

static struct mirror *
make_mirror(void)
{
	struct mirror_facts facts = {.mailbox = 9,
	    .account = 7,
	    .uid_validity = 77,
	    .uid_next = MESSAGES * 10 + 1,
	    .modseq = 100,
	    .recent_uid = 30};
	struct mirror_message *messages = mem_new(MESSAGES, sizeof(*messages));
	struct mirror *m;

	for (uint32_t i = 0; i < MESSAGES; i++)
		messages[i] = (struct mirror_message){
		    .uid = (i + 1) * 10, .flags = i, .modseq = 10 + i};
	m = mirror_new(&facts, messages, MESSAGES);
	mirror_set_keyword(m, 8, STR("$Work"));
	return m;
}

static void
answer(struct run *r)
{
	struct imap_op *op = imap_op(r->imap);
	struct imap_select_op *select = (struct imap_select_op *)op;

	if (op->kind == IMAP_OP_SELECT) {
		select->mailbox = str_of(select->name).len % 2 == 1 ? 9 : 0;
		if (select->mailbox != 0)
			select->mirror = r->mirror;
	} else if (op->kind != IMAP_OP_POLL && op->kind != IMAP_OP_APPENDABLE) {
		op->rc = -1;
		fail(&op->fail, op->kind % 2 == 0 ? FAIL_TEMP : FAIL_PERM,
		    "not here");
	}
	imap_done(r->imap);
}

static void
log_in(struct run *r)
{
	const struct imap_login *login = imap_login(r->imap);

	if (login->password.len % 2 == 0)
		imap_logged_in(r->imap, 7, "alice@d.test", "");
	else
		imap_refused(r->imap, login->password.len % 3 == 0
					  ? IMAP_WRONG
					  : IMAP_UNAVAILABLE);
}

static void
serve(struct run *r, enum imap_event ev)
{
	switch (ev) {
	case IMAP_NONE:
	case IMAP_DRAIN:
		break;
	case IMAP_TLS:
		imap_secured(r->imap);
		break;
	case IMAP_DEFLATE:
		imap_compressed(r->imap, true);
		break;
	case IMAP_LOGIN:
		log_in(r);
		break;
	case IMAP_OP:
		answer(r);
		break;
	case IMAP_BODY:
		assert(!"no op has said that there are bodies");
		break;
	case IMAP_STAGE:
		assert(r->staged == r->wanted);
		r->stages++;
		r->staged = 0;
		r->wanted = imap_stage_size(r->imap);
		break;
	case IMAP_OCTETS:
		assert(r->stages > 0);
		r->staged += imap_octets(r->imap).len;
		assert(r->staged <= r->wanted);
		break;
	case IMAP_UNSTAGE:
		assert(r->stages > 0);
		r->stages = 0;
		r->staged = r->wanted = 0;
		break;
	case IMAP_CLOSE:
		r->closed = true;
		break;
	}
}

static void
feed(struct run *r, struct str in)
{
	enum imap_event ev = IMAP_DRAIN;

	while (!r->closed && ev != IMAP_NONE) {
		struct buf *out = imap_output(r->imap);

		ev = imap_step(r->imap, 1795341600, &in);
		serve(r, ev);
		assert(out->len < 2 * MB && !out->overrun);
		buf_add(&r->said, buf_str(out));
		buf_clear(out);
	}
	assert(r->closed || in.len == 0);
}

static struct run *
play(struct str bytes, size_t first, unsigned setting)
{
	bool all = setting & EVERYTHING;
	struct imap_options o = {.hostname = "mx.d.test",
	    .tls = setting & UNDER_TLS,
	    .allow_plaintext = setting & LOGGED_IN,
	    .max_errors = 10,
	    .message_max = 1000,
	    .off = all ? "" : "COMPRESS=DEFLATE UIDONLY LITERAL+"};
	struct run *r = MEM_NEW(struct run);

	r->mirror = make_mirror();
	r->imap = imap_new(&o);
	buf_init(&r->said, 64 * MB);
	if (setting & LOGGED_IN)
		feed(r, STR("a LOGIN alice pw\r\n"));
	if ((setting & LOGGED_IN) && all)
		feed(r, STR("a ENABLE QRESYNC IMAP4rev2 UTF8=ACCEPT\r\n"));
	if ((setting & LOGGED_IN) && (setting & SELECTED))
		feed(r, STR("a SELECT INBOX\r\n"));
	feed(r, str_first(bytes, first));
	feed(r, str_after(bytes, first));
	return r;
}

static void
run_free(struct run *r)
{
	imap_free(r->imap);
	mirror_free(r->mirror);
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
	whole = play(bytes, bytes.len, data[0] & 15);
	cut = play(bytes, (data[0] >> 4) + data[1] * 16u, data[0] & 15);
	assert(str_eq(buf_str(&whole->said), buf_str(&cut->said)));
	imap_responses_check(buf_str(&whole->said));
	run_free(whole);
	run_free(cut);
	return 0;
}
