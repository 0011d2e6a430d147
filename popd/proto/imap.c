/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/secret.h"
#include "popd/proto/imap_lex.h"
#include "popd/proto/imap_state.h"

/* A response that is whole in memory: SEARCH of a large mailbox, or all that
 * has changed since the client was told.  It takes a client to have it asked
 * for, and a mailbox of millions of messages to get there. */
#define OUTPUT_MAX (64 * MB)

/* Events the host answers. */
static bool
is_answered(enum imap_event ev)
{
	return ev == IMAP_TLS || ev == IMAP_DEFLATE || ev == IMAP_LOGIN ||
	       ev == IMAP_OP || ev == IMAP_BODY;
}

struct imap *
imap_new(const struct imap_options *o)
{
	struct imap *p = MEM_NEW(struct imap);
	struct str unknown;

	p->options = *o;
	p->state = IMAP_NOT_AUTHENTICATED;
	p->lex = imap_lex_new();
	imap_caps_parse(str_of(o->off), &p->off, &unknown);
	buf_init(&p->client, 4 * KB);
	buf_init(&p->out, OUTPUT_MAX);
	buf_add(&p->out, STR("* OK ["));
	imap_write_caps(p, &p->out);
	buf_addf(&p->out, "] %s Penny Post\r\n", o->hostname);
	return p;
}

void
imap_free(struct imap *p)
{
	if (p == NULL)
		return;
	imap_login_forget(p);
	imap_notify_free(p);
	imap_op_free(p->op);
	if (p->work != NULL && p->free_work != NULL)
		p->free_work(p->work);
	view_free(p->view);
	seqset_release(&p->saved);
	seqset_release(&p->read);
	imap_lex_free(p->lex);
	buf_release(&p->client);
	buf_release(&p->out);
	free(p->read_traces);
	free(p->mailbox_name);
	free(p->late);
	free(p->login);
	free(p);
}

/* Between commands, and in IDLE: what nobody asked for just now. */
static enum imap_event
speak_up(struct imap *p)
{
	if (p->tag[0] != '\0' && !p->idling)
		return IMAP_NONE;
	if (p->work != NULL) /* of an APPEND whose messages are coming in */
		return IMAP_NONE;
	if (p->notify != NULL)
		return imap_notify_step(p);
	if (p->idling && p->poked) {
		imap_sync(p, true);
		p->poked = p->view != NULL && imap_is_full(p) &&
		           view_is_behind(p->view);
	}
	return IMAP_NONE;
}

/* One thing that is to be done next; *idle: there is none. */
static enum imap_event
turn(struct imap *p, struct str *in, bool *idle)
{
	enum imap_event ev = p->next;
	imap_resume *resume = p->resume;

	p->next = IMAP_NONE;
	if (ev != IMAP_NONE && ev != IMAP_DRAIN)
		return ev;
	if (p->out.overrun && p->state != IMAP_LOGGED_OUT)
		imap_enter(p, IMAP_LOGGED_OUT);
	if (p->unstage) {
		p->unstage = false;
		return IMAP_UNSTAGE;
	}
	if (p->state == IMAP_LOGGED_OUT)
		return IMAP_CLOSE;
	if (imap_is_full(p))
		return IMAP_DRAIN;
	if (resume != NULL) {
		p->resume = NULL;
		return resume(p);
	}
	ev = speak_up(p);
	if (ev != IMAP_NONE || imap_is_full(p) || p->state == IMAP_LOGGED_OUT)
		return ev;
	return imap_input(p, in, idle);
}

enum imap_event
imap_step(struct imap *p, int64_t now_s, struct str *in)
{
	enum imap_event ev = IMAP_NONE;
	bool idle = false;

	assert(p->waiting == IMAP_NONE);
	p->now_s = now_s;
	if (p->traces_given == p->n_read_traces)
		p->traces_given = p->n_read_traces = 0;
	while (ev == IMAP_NONE && !idle) {
		ev = turn(p, in, &idle);
		/* a command that waits for room: only if there is none */
		if (ev == IMAP_DRAIN && !imap_is_full(p))
			ev = IMAP_NONE;
		if (is_answered(ev))
			p->next = IMAP_NONE; /* imap_ask() says it twice */
	}
	if (is_answered(ev))
		p->waiting = ev;
	return ev;
}

static void
answered(struct imap *p, enum imap_event ev)
{
	assert(p->waiting == ev);
	p->waiting = IMAP_NONE;
}

struct imap_op *
imap_op(struct imap *p)
{
	assert(p->waiting == IMAP_OP);
	return p->op;
}

struct imap_op *
imap_take_op(struct imap *p)
{
	struct imap_op *op = p->op;

	p->op = NULL;
	return op;
}

void
imap_done(struct imap *p)
{
	struct imap_op *op = p->op;

	answered(p, IMAP_OP);
	op->done(p, op);
	if (p->op == op) /* it has not asked for more */
		p->op = NULL;
	imap_op_free(op);
}

/* RFC 9585 s3 */
void
imap_progress(struct imap *p)
{
	assert(p->waiting == IMAP_OP);
	if (p->tag[0] != '\0' && !p->idling &&
	    imap_offers(p, IMAP_CAP_INPROGRESS))
		imap_untagged(p, "OK [INPROGRESS (\"%s\" %u 1000)] Still at it",
		    p->tag, p->op->done_permille);
}

const struct imap_body *
imap_body_wanted(const struct imap *p)
{
	assert(p->waiting == IMAP_BODY);
	return &p->body;
}

void
imap_body(struct imap *p, struct str chunk)
{
	assert(p->waiting == IMAP_BODY && chunk.len <= IMAP_CHUNK_MAX);
	p->body_chunk(p, chunk);
}

void
imap_body_end(struct imap *p)
{
	answered(p, IMAP_BODY);
	p->next = p->body_over(p, true);
}

void
imap_body_failed(struct imap *p)
{
	answered(p, IMAP_BODY);
	p->next = p->body_over(p, false);
}

uint64_t
imap_stage_size(const struct imap *p)
{
	return p->stage_size;
}

struct str
imap_octets(const struct imap *p)
{
	return p->octets;
}

void
imap_poke(struct imap *p, const struct imap_news *news)
{
	if (news == NULL)
		p->poked = true;
	else
		imap_notify_news(p, news);
}

bool
imap_wants_news(const struct imap *p)
{
	return p->notify != NULL;
}

const int64_t *
imap_read_traces(struct imap *p, size_t *n)
{
	const int64_t *first = p->read_traces;

	*n = p->n_read_traces - p->traces_given;
	if (*n > 0) /* or there may be no array yet */
		first += p->traces_given;
	p->traces_given = p->n_read_traces;
	return first;
}

void
imap_goodbye(struct imap *p, enum imap_goodbye why)
{
	static const char *const says[] = {
	    [IMAP_IDLE_TOO_LONG] = "Closed after long silence",
	    [IMAP_SHUTDOWN] = "Going down, try again later",
	};

	if (p->state == IMAP_LOGGED_OUT)
		return;
	/* not in the middle of a response */
	if (p->waiting == IMAP_NONE && p->resume == NULL &&
	    p->next == IMAP_NONE)
		imap_hang_up(p, says[why]);
	else
		imap_enter(p, IMAP_LOGGED_OUT);
	p->waiting = p->next = IMAP_NONE;
	p->resume = NULL;
}

int64_t
imap_selected(const struct imap *p)
{
	return p->view == NULL ? 0
	                       : mirror_facts(view_mirror(p->view))->mailbox;
}

size_t
imap_commands(const struct imap *p)
{
	return p->commands;
}

bool
imap_is_idling(const struct imap *p)
{
	return p->idling || p->notify != NULL;
}

const char *
imap_client(const struct imap *p)
{
	return p->client.len > 0 ? p->client.data : "";
}

struct buf *
imap_output(struct imap *p)
{
	return &p->out;
}
