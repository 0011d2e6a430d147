/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/submission.h"
#include "common/policy/srs.h"
#include "common/store/account.h"
#include "common/store/delivery.h"
#include "common/store/srs_secret.h"
#include "common/util/mem.h"
#include "smtpd/allowance_notice.h"
#include "smtpd/receive_state.h"
#include "smtpd/sender.h"

#define ROW_MAX (64 * KB) /* of a body, in the database */

static_assert(SRS_SECRET_OCTETS == SRS_SECRET_LEN, "the same secret");

/* ---- who may ---- */

/* RFC 6409 s6.1, s8: nobody writes in another's name.  The header as it is
 * sent is what counts. */
static int
check_authors(struct db *db, struct receive *r, struct fail *f)
{
	struct submission_authors it;
	struct addr author = {.spec = ""};
	int got, owns = 1;

	submission_authors_init(&it, buf_str(&r->intake.block));
	while (owns == 1 && (got = submission_authors_next(&it, &author)) == 1)
		owns = sender_owns(
		    db, r->account, str_of(r->login), str_of(author.spec), f);
	if (owns == -1)
		return -1;
	if (owns == 1 && got == 0)
		return 0;
	r->refusal = REPLY_NOT_YOUR_FROM;
	return fail(f, FAIL_PERM, "From or Sender %.100s", author.spec);
}

static int
check_allowance(struct db *db, struct receive *r, struct fail *f)
{
	struct allowance_law law = allowance_law_of(r->d->conf);
	struct str *recipients = mem_new(r->n_recipients, sizeof(*recipients));
	enum allowance_result result = ALLOWANCE_OK;
	struct buf words;
	int rc;

	for (size_t i = 0; i < r->n_recipients; i++)
		recipients[i] = str_of(r->recipients[i]);
	rc = allowance_take(db, &law, r->account, recipients, r->n_recipients,
	    r->now_ms, &result, &r->tell_owner, f);
	free(recipients);
	if (rc == -1 || result == ALLOWANCE_OK)
		return rc;
	r->over = result;
	r->refusal = REPLY_OVER_ALLOWANCE;
	buf_init(&words, KB);
	allowance_words(r->d->conf, result, &words);
	fail(f, FAIL_PERM, "This account may not send %.*s; try again later",
	    STR_FMT(buf_str(&words)));
	buf_release(&words);
	return -1;
}

/* ---- the transaction ---- */

/* What mail that goes on is to come back to: SPF would fail it under the
 * address of a sender elsewhere. */
static int
rewrite_sender(
    struct db *db, const struct receive *r, struct buf *out, struct fail *f)
{
	struct str sender = str_of(r->sender), local, domain;
	uint8_t secret[SRS_SECRET_OCTETS];
	struct buf folded;
	int ours = 0;

	if (r->forwards_as == NULL || !r->d->conf->submission_sign ||
	    !addr_split(sender, &local, &domain))
		return 0;
	buf_init(&folded, ADDR_MAX);
	if (addr_domain_fold(domain, &folded))
		ours = domain_find(db, buf_str(&folded), f);
	buf_release(&folded);
	if (ours != 0)
		return ours == 1 ? 0 : -1;
	if (srs_secret_make(db, secret, f) == -1)
		return -1;
	if (!srs_forward(
		secret, sender, str_of(r->forwards_as), r->now_ms / 1000, out))
		buf_clear(out); /* too long: it goes as it came */
	return 0;
}

static int
deliver(struct db *db, struct receive *r, const struct delivery *common,
    struct fail *f)
{
	struct delivery_target *targets = mem_new(
	    r->n_targets, sizeof(*targets));
	struct delivery d = *common;
	int rc;

	for (size_t i = 0; i < r->n_targets; i++)
		targets[i] = (struct delivery_target){
		    .account = r->targets[i].account,
		    .address = str_of(r->targets[i].address),
		    .original = str_of(r->targets[i].original),
		    .notify = r->targets[i].notify,
		    .original_recipient = str_of(r->targets[i].orcpt),
		};
	d.targets = targets;
	d.n_targets = r->n_targets;
	free(r->mailboxes); /* of a time that was taken back */
	r->mailboxes = mem_new(r->n_targets, sizeof(*r->mailboxes));
	rc = delivery_run(db, &d, r->mailboxes, &r->n_mailboxes, f);
	free(targets);
	return rc;
}

const char *
receive_protocol(const struct receive *r)
{
	struct compose_received how = {
	    .tls = str_of(r->tls),
	    .extended = r->extended,
	    .utf8 = r->utf8,
	    .authenticated = r->login != NULL,
	};

	return compose_protocol(&how);
}

struct hop
receive_hop(const struct receive *r, struct buf text[RECEIVE_TEXTS])
{
	for (size_t i = 0; i < RECEIVE_TEXTS; i++)
		buf_init(&text[i], 2 * KB);
	buf_addf(&text[0], "%s [%s]", r->helo, r->ip);
	buf_addf(&text[1], "%s", receive_protocol(r));
	if (r->tls[0] != '\0')
		buf_addf(&text[1], ", %s", r->tls);
	if (r->login != NULL)
		buf_addf(&text[1], ", %s", r->login);
	return (struct hop){
	    .at_ms = r->now_ms,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .peer = buf_str(&text[0]),
	    .detail = buf_str(&text[1]),
	};
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct receive *r = (struct receive *)job;
	struct buf text[RECEIVE_TEXTS], relay_sender;
	struct hop first;
	struct delivery d = {
	    .trace = r->trace,
	    .stage = r->stage,
	    .skip = r->skip,
	    .sender = str_of(r->sender),
	    .message_id = str_of(r->message_id),
	    .utf8 = r->utf8,
	    .eight_bit = r->eight_bit,
	    .binary = r->binary,
	    .require_tls = r->require_tls,
	    .tls_optional = r->tls_optional,
	    .envelope_id = str_of(r->envelope_id),
	    .ret = r->ret,
	    .hold_until_ms = r->hold_until_ms,
	    .hold_why = r->undo ? STR("so that it can be recalled")
	                        : STR("as its sender asked"),
	    .now_ms = r->now_ms,
	    .expires_ms = r->now_ms + r->d->conf->relay_expire,
	    .account = r->account,
	    .daemon = HOP_SMTPD,
	    .hops = &first,
	    .n_hops = 1,
	};
	int rc;

	if (r->login != NULL &&
	    (check_authors(db, r, f) == -1 || check_allowance(db, r, f) == -1))
		return -1;
	if (r->judged != NULL) {
		d.junk = r->judged->judgement.action == JUDGE_JUNK;
		d.verdict = &r->judged->verdict;
	}
	buf_init(&relay_sender, ADDR_MAX);
	first = receive_hop(r, text);
	rc = rewrite_sender(db, r, &relay_sender, f);
	d.relay_sender = buf_str(&relay_sender);
	if (rc == 0)
		rc = deliver(db, r, &d, f);
	buf_release(&relay_sender);
	for (size_t i = 0; i < RECEIVE_TEXTS; i++)
		buf_release(&text[i]);
	return rc;
}

static int
seal(struct store_job *job, struct fail *f)
{
	struct receive *r = (struct receive *)job;

	return stage_seal_with(r->stage, job->press, buf_str(&r->head), f);
}

/* ---- its end ---- */

/* To be told: those who look at the mailboxes, and the relay, if there is
 * something for it. */
static void
note_changes(const struct receive *r)
{
	bool queued = r->hold_until_ms > 0, reports = false;

	mailbox_notice_add(&r->d->mailbox_notice, r->mailboxes, r->n_mailboxes);
	for (size_t i = 0; i < r->n_targets; i++) {
		queued |= r->targets[i].account == 0;
		reports |= r->targets[i].notify != 0;
	}
	if (queued || reports)
		r->d->queue_changed = true;
}

/* Why the store did not take it, as a reply. */
static enum smtp_reply
reply_for(const struct receive *r, const struct fail *f)
{
	if (r->refusal != REPLY_OK)
		return r->refusal;
	return f->kind == FAIL_QUOTA  ? REPLY_MAILBOX_FULL
	       : f->kind == FAIL_DISK ? REPLY_DISK_FULL
	                              : REPLY_TRY_LATER;
}

static void
tell_queued(struct receive *r)
{
	char date[DATE_TEXT_MAX];
	struct buf text;

	buf_init(&text, KB);
	buf_addf(&text, "%s", r->id);
	if (r->hold_until_ms > 0)
		buf_addf(&text, " (it goes on %s%s)",
		    date_text(r->hold_until_ms / 1000, date),
		    r->undo ? ", unless it is recalled" : "");
	r->done(r->arg, REPLY_QUEUED, text.data);
	buf_release(&text);
}

static void
committed(struct store_job *job)
{
	struct receive *r = (struct receive *)job;

	if (job->rc == -1) {
		if (r->refusal == REPLY_OVER_ALLOWANCE && r->tell_owner)
			allowance_notice_send(
			    r->d, r->account, r->login, r->over);
		receive_refuse(r, reply_for(r, &job->fail), job->fail.text);
		return;
	}
	note_changes(r);
	if (r->judged != NULL && r->judged->judgement.action == JUDGE_ACCEPT)
		visit_was_good(r->visit);
	log_info(&r->d->log,
	    "accepted id=%s from=<%s> rcpts=%zu size=%llu rip=%s proto=%s%s%s"
	    "%s%s",
	    r->id, r->sender, r->n_recipients, (unsigned long long)r->size,
	    r->ip, receive_protocol(r), r->login != NULL ? " login=" : "",
	    r->login != NULL ? r->login : "",
	    r->judged != NULL ? " judged=" : "",
	    r->judged != NULL ? r->judged->outcome : "");
	tell_queued(r);
}

void
receive_store(struct receive *r)
{
	r->size = stage_size(r->stage) + r->head.len;
	r->job.prepare = seal;
	r->job.run = run;
	r->job.done = committed;
	r->job.weight = r->size < ROW_MAX ? (size_t)r->size + KB : 2 * KB;
	r->job.light = r->size < ROW_MAX;
	r->job.repeatable = true;
	store_write(r->d->store, &r->job);
}
