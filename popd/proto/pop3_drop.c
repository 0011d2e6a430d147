/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>

#include "popd/proto/pop3_state.h"

/* The live message that arg names, counting from 1. */
static bool
find(const struct pop3 *p, struct str arg, size_t *index)
{
	size_t n;

	if (!str_to_size(arg, p->drop->n, &n) || n == 0 ||
	    p->drop->messages[n - 1].deleted)
		return false;
	*index = n - 1;
	return true;
}

enum pop3_event
pop3_cmd_stat(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	buf_addf(&p->out, "+OK %zu %" PRIu64 "\r\n", p->live, p->live_octets);
	return POP3_NONE;
}

static void
add_listed(struct pop3 *p, enum listing what, size_t index, const char *status)
{
	const struct pop3_message *m = &p->drop->messages[index];

	if (what == LIST_SIZES)
		buf_addf(&p->out, "%s%zu %" PRIu64 "\r\n", status, index + 1,
		    m->octets);
	else
		buf_addf(&p->out, "%s%zu %" PRIu32 ".%" PRIu32 "\r\n", status,
		    index + 1, (uint32_t)(m->uidl >> 32), (uint32_t)m->uidl);
}

/* LIST and UIDL, of one or of all. */
static enum pop3_event
list(struct pop3 *p, enum listing what, struct str arg)
{
	size_t index;

	if (arg.len > 0) {
		if (!find(p, arg, &index))
			return pop3_reply(p, REPLY_NO_MESSAGE);
		add_listed(p, what, index, "+OK ");
		return POP3_NONE;
	}
	buf_addf(&p->out, "+OK %zu messages (%" PRIu64 " octets)\r\n", p->live,
	    p->live_octets);
	p->listing = what;
	p->next = 0;
	return POP3_NONE;
}

enum pop3_event
pop3_cmd_list(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)req;
	return list(p, LIST_SIZES, args[0]);
}

enum pop3_event
pop3_cmd_uidl(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)req;
	return list(p, LIST_UIDS, args[0]);
}

enum pop3_event
pop3_cmd_retr(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	if (!find(p, args[0], &p->index))
		return pop3_reply(p, REPLY_NO_MESSAGE);
	p->top_only = false;
	req->index = p->index;
	return POP3_BODY;
}

enum pop3_event
pop3_cmd_top(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	uint64_t lines;

	for (size_t i = 0; i < args[1].len; i++)
		if (args[1].at[i] < '0' || args[1].at[i] > '9')
			return pop3_blame(p, REPLY_SYNTAX);
	if (!str_to_u64(args[1], UINT64_MAX, &lines))
		lines = UINT64_MAX; /* more digits than any message has lines */
	if (!find(p, args[0], &p->index))
		return pop3_reply(p, REPLY_NO_MESSAGE);
	p->top_only = true;
	top_init(&p->top, lines);
	req->index = p->index;
	return POP3_BODY;
}

enum pop3_event
pop3_cmd_dele(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	size_t index;

	(void)req;
	if (!find(p, args[0], &index))
		return pop3_reply(p, REPLY_NO_MESSAGE);
	if (p->n_deleted == p->deleted_room) {
		p->deleted_room = p->deleted_room * 2 + 16;
		p->deleted = mem_grow(
		    p->deleted, p->deleted_room, sizeof(*p->deleted));
	}
	p->deleted[p->n_deleted++] = (uint32_t)index;
	p->drop->messages[index].deleted = true;
	p->live--;
	p->live_octets -= p->drop->messages[index].octets;
	return pop3_reply(p, REPLY_DELETED);
}

enum pop3_event
pop3_cmd_rset(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	while (p->n_deleted > 0) {
		struct pop3_message
		    *m = &p->drop->messages[p->deleted[--p->n_deleted]];

		m->deleted = false;
		p->live++;
		p->live_octets += m->octets;
	}
	return pop3_reply(p, REPLY_RESET);
}

void
pop3_list_on(struct pop3 *p)
{
	while (p->next < p->drop->n && p->out.len < POP3_OUTPUT_HIGH) {
		if (!p->drop->messages[p->next].deleted)
			add_listed(p, p->listing, p->next, "");
		p->next++;
	}
	if (p->next == p->drop->n) {
		p->listing = LIST_NOTHING;
		pop3_end_list(p);
	}
}

void
pop3_body_begin(struct pop3 *p)
{
	assert(p->waiting == POP3_BODY);
	dot_writer_init(&p->dots);
	if (p->top_only)
		pop3_reply(p, REPLY_TOP);
	else
		buf_addf(&p->out, "+OK %" PRIu64 " octets\r\n",
		    p->drop->messages[p->index].octets);
}

bool
pop3_body(struct pop3 *p, struct str chunk)
{
	assert(p->waiting == POP3_BODY && chunk.len <= POP3_CHUNK_MAX);
	assert(p->out.len < POP3_OUTPUT_HIGH);
	if (p->top_only)
		chunk = top_take(&p->top, chunk);
	dot_write(&p->dots, chunk, &p->out);
	assert(!p->out.overrun);
	return !p->top_only || !top_is_full(&p->top);
}

bool
pop3_body_end(struct pop3 *p)
{
	pop3_answered(p, POP3_BODY);
	dot_write_end(&p->dots, &p->out);
	return !p->top_only || !top_is_full(&p->top);
}

void
pop3_body_failed(struct pop3 *p, bool gone)
{
	pop3_answered(p, POP3_BODY);
	pop3_reply(p, gone ? REPLY_GONE : REPLY_UNAVAILABLE);
}
