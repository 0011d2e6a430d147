/* SPDX-License-Identifier: MIT */
/*
 * In the order of least cost, each step only if the one before was passed:
 *
 *	is the client on a list? -> where does it go? -> (a stranger's only:)
 *	what does SPF say? -> was it asked to come again? -> taken
 */
#include "smtpd/session_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "smtpd/greylist.h"
#include "smtpd/judge.h"
#include "smtpd/recipient.h"

#define FREE_ERRORS  3   /* before answers come slowly */
#define DELAY_STEP   250 /* ms for each error after those */
#define DELAY_MAX_MS 5000

static void
say(struct session *s, enum smtp_reply r, const char *text)
{
	route_release(&s->route);
	s->route = (struct route){0};
	free(s->address);
	s->address = NULL;
	if (s->conn != NULL && text != NULL)
		smtp_server_refuse_with(s->smtp, r, str_of(text));
	else if (s->conn != NULL)
		smtp_server_recipient(s->smtp, r);
	session_go_on(s);
}

static void
on_delay(void *arg)
{
	struct session *s = arg;
	char *text = s->delayed_text;

	timer_free(s->delay);
	s->delay = NULL;
	s->delayed_text = NULL;
	s->waiting = false;
	say(s, s->delayed, text);
	free(text);
}

/* Whoever tries name after name has to wait longer and longer (RFC 5321
 * s7.3), as has who is on a list; the delay is the same for all that is
 * refused.  text: for the reply's `%', or NULL. */
static void
answer(struct session *s, enum smtp_reply r, const char *text)
{
	size_t faults = smtp_reply_flags(r) & REPLY_FAULT
	                    ? smtp_server_errors(s->smtp) + 1
	                    : 0;
	int64_t delay_ms;

	faults = faults > FREE_ERRORS ? faults - FREE_ERRORS : 0;
	if (r == REPLY_LISTED)
		faults = ++s->listed;
	if (s->conn == NULL || faults == 0 || s->d->crowd.stopping) {
		say(s, r, text);
		return;
	}
	delay_ms = faults < DELAY_MAX_MS / DELAY_STEP
	               ? (int64_t)faults * DELAY_STEP
	               : DELAY_MAX_MS;
	s->delayed = r;
	s->delayed_text = text != NULL ? mem_dup(str_of(text)) : NULL;
	s->waiting = true;
	s->delay = timer_new(s->d->loop, on_delay, s);
	timer_set(s->delay, delay_ms);
}

static void
refuse(struct session *s, struct str address, enum smtp_reply r)
{
	session_log_refusal(s, "to", address, r, STR(""));
	answer(s, r, NULL);
}

static void
take(struct session *s)
{
	const struct receive_recipient recipient = {
	    .route = &s->route,
	    .original = str_of(s->address),
	    .notify = s->notify,
	    .orcpt = str_of(s->orcpt),
	};

	if (receive_add_recipient(s->receive, &recipient))
		answer(s, REPLY_RECIPIENT_OK, NULL);
	else
		refuse(s, recipient.original, REPLY_TOO_MANY_RECIPIENTS);
}

static void
on_greylist(void *arg, enum smtp_reply r)
{
	struct session *s = arg;

	if (r == REPLY_RECIPIENT_OK)
		take(s);
	else
		answer(s, r, NULL); /* the log has it */
}

static void
on_spf(void *arg, const struct spf_output *spf)
{
	struct session *s = arg;

	s->waiting = false;
	greylist_judge(s->visit, spf->result, receive_sender(s->receive),
	    str_of(s->address), on_greylist, s);
}

/* The store's route lives during a call only. */
static void
keep_route(struct session *s, const struct route *route, struct str address)
{
	size_t size = sizeof(*route->targets);

	s->address = mem_dup(address);
	s->route = *route;
	s->route.targets = mem_new(route->n + 1, size);
	if (route->n > 0)
		memcpy(s->route.targets, route->targets, route->n * size);
}

static void
on_recipient(
    void *arg, enum smtp_reply r, const struct route *route, struct str address)
{
	struct session *s = arg;
	struct judge *judge = receive_judge(s->receive);

	if (r != REPLY_RECIPIENT_OK) {
		refuse(s, address, r);
		return;
	}
	keep_route(s, route, address);
	if (judge == NULL || !greylist_applies(s->visit)) {
		take(s);
	} else if (s->conn == NULL) {
		say(s, REPLY_TRY_LATER, NULL); /* to nobody */
	} else {
		s->waiting = true;
		judge_sender(judge, on_spf, s);
	}
}

static void
refuse_listed(struct session *s, const struct dnsbl_output *found)
{
	struct buf text;

	buf_init(&text, KB);
	buf_addf(&text, "%s is listed by %s", s->ip, found->lists);
	if (found->reason[0] != '\0')
		buf_addf(&text, ": %s", found->reason);
	session_log_refusal(
	    s, "to", s->path.spec, REPLY_LISTED, buf_str(&text));
	answer(s, REPLY_LISTED, text.data);
	buf_release(&text);
}

/* Who is on a list by mistake must be able to say so (RFC 5321 s4.5.1). */
static bool
is_postmaster(const struct smtp_path *path)
{
	struct str spec = path->spec;

	return str_eq_nocase(str_cut(&spec, '@'), STR("postmaster"));
}

static void
go_on(struct session *s, const struct visit_findings *found)
{
	struct recipient_question q = {
	    .path = &s->path,
	    .may_relay = s->login != NULL,
	    .null_sender = receive_sender(s->receive).len == 0,
	    .size = receive_announced(s->receive),
	};

	if (found->refused && !is_postmaster(&s->path))
		refuse_listed(s, &found->dnsbl);
	else
		recipient_judge(s->d, &q, on_recipient, s);
}

static void
on_findings(void *arg, const struct visit_findings *found)
{
	struct session *s = arg;

	s->waiting = false;
	go_on(s, found);
}

void
session_recipient(struct session *s, const struct smtp_request *req)
{
	const struct visit_findings *found = visit_findings(s->visit);

	free(s->orcpt);
	s->orcpt = req->original.len > 0 ? mem_dup(req->original) : NULL;
	s->notify = req->notify;
	s->path = req->path;
	if (found != NULL) {
		go_on(s, found);
		return;
	}
	s->waiting = true;
	visit_await(s->visit, on_findings, s);
}
