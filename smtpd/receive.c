/* SPDX-License-Identifier: MIT */
#include "smtpd/receive.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/compose.h"
#include "common/mime/header.h"
#include "common/mime/submission.h"
#include "common/net/notify.h"
#include "common/store/delivery.h"
#include "common/store/stage.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "smtpd/proto/intake.h"
#include "smtpd/sender.h"

/* Recipients of one message after aliases were followed. */
#define TARGETS_MAX 10000
#define ROW_MAX     (64 * KB) /* of a body, in the database */

struct target {
	int64_t account;
	char *address;
	char *original; /* NULL: the same */
};

struct receive {
	struct store_job job; /* first: the store's calls cast back */
	struct smtpd *d;

	/* envelope */
	char *sender;
	bool utf8, eight_bit;
	uint64_t announced;
	struct target *targets;
	size_t n_targets, n_recipients;

	/* from whom, since begin */
	char *helo, *ip, *tls, *login;
	bool extended;
	int64_t account;

	/* content, since begin */
	struct intake intake;
	struct stage *stage; /* NULL when refused */
	bool judged;
	enum smtp_reply refusal; /* REPLY_OK: none yet */
	struct fail why;

	/* commit */
	struct buf head; /* what goes before the body */
	uint64_t skip;   /* octets of Return-Path in it */
	char *message_id;
	int64_t trace, now_ms;
	int64_t *mailboxes; /* that got it */
	size_t n_mailboxes;
	char id[TRACE_TEXT_MAX];
	uint64_t size;
	receive_done *done;
	void *arg;
};

struct receive *
receive_new(struct smtpd *d, struct str sender, bool utf8, bool eight_bit,
    uint64_t size)
{
	struct receive *r = MEM_NEW(struct receive);

	r->d = d;
	r->sender = mem_dup(sender);
	r->utf8 = utf8;
	r->eight_bit = eight_bit;
	r->announced = size;
	r->refusal = REPLY_OK;
	intake_init(&r->intake, d->conf->limits_header_size);
	buf_init(&r->head, d->conf->limits_header_size + 64 * KB);
	return r;
}

void
receive_free(struct receive *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_targets; i++) {
		free(r->targets[i].address);
		free(r->targets[i].original);
	}
	free(r->targets);
	free(r->mailboxes);
	stage_free(r->stage);
	intake_release(&r->intake);
	buf_release(&r->head);
	free(r->message_id);
	free(r->sender);
	free(r->helo);
	free(r->ip);
	free(r->tls);
	free(r->login);
	free(r);
}

struct str
receive_sender(const struct receive *r)
{
	return str_of(r->sender);
}

uint64_t
receive_announced(const struct receive *r)
{
	return r->announced;
}

bool
receive_add_recipient(
    struct receive *r, const struct route *route, struct str original)
{
	if (route->n > TARGETS_MAX - r->n_targets)
		return false;
	r->targets = mem_grow(
	    r->targets, r->n_targets + route->n, sizeof(*r->targets));
	for (size_t i = 0; i < route->n; i++) {
		struct str address = str_of(route->targets[i].address);

		r->targets[r->n_targets++] = (struct target){
		    .account = route->targets[i].account,
		    .address = mem_dup(address),
		    .original = str_eq_nocase(address, original)
		                    ? NULL
		                    : mem_dup(original),
		};
	}
	r->n_recipients++;
	return true;
}

void
receive_begin(struct receive *r, const struct receive_from *from)
{
	assert(r->stage == NULL && r->ip == NULL);
	r->helo = mem_dup(from->helo);
	r->ip = mem_dup(from->ip);
	r->tls = mem_dup(from->tls);
	r->extended = from->extended;
	r->account = from->account;
	if (from->login != NULL)
		r->login = mem_dup(str_of(from->login));
	r->stage = stage_new(store_dir(r->d->store));
}

/* Look at the header, once; a message refused needs no stage any more. */
static void
judge(struct receive *r)
{
	const struct conf *conf = r->d->conf;
	struct intake_law law = {
	    .max_fields = conf->limits_header_count,
	    .max_received = conf->limits_received,
	    .submission = r->login != NULL,
	};

	r->judged = true;
	r->refusal = intake_judge(&r->intake, &law, &r->why);
	if (r->refusal == REPLY_OK)
		return;
	intake_release(&r->intake);
	stage_free(r->stage);
	r->stage = NULL;
}

void
receive_body(struct receive *r, struct str text)
{
	assert(r->ip != NULL); /* begun */
	if (r->refusal != REPLY_OK)
		return;
	/* many user agents do not say BODY=8BITMIME (RFC 6152 s3) */
	r->eight_bit = r->eight_bit || str_has_8bit(text);
	intake_take(&r->intake, &text);
	if (!r->judged && (r->intake.complete || r->intake.too_long))
		judge(r);
	if (r->stage != NULL)
		stage_add(r->stage, text);
}

/* Return-Path, Received, the header (mended, from a user agent), and the
 * empty line if there was one. */
static void
write_head(struct receive *r)
{
	struct str block = buf_str(&r->intake.block);
	struct compose_received received = {
	    .helo = str_of(r->helo),
	    .peer_ip = str_of(r->ip),
	    .by = str_of(r->d->conf->server_hostname),
	    .tls = str_of(r->tls),
	    .id = str_of(r->id),
	    .extended = r->extended,
	    .utf8 = r->utf8,
	    .authenticated = r->login != NULL,
	    .at_s = r->now_ms / 1000,
	};
	struct submission_options mend = {
	    .now_s = r->now_ms / 1000,
	    .random = rand_u64(),
	    .hostname = received.by,
	};
	size_t start;
	struct str id;

	buf_addf(&r->head, "Return-Path: <%s>\r\n", r->sender);
	r->skip = r->head.len;
	compose_received(&received, &r->head);
	start = r->head.len;
	if (r->login != NULL)
		submission_fix(block, &mend, &r->head);
	else
		buf_add(&r->head, block);
	if (header_message_id(str_after(buf_str(&r->head), start), &id))
		r->message_id = mem_dup(id);
	if (r->intake.complete)
		buf_add(&r->head, STR("\r\n"));
	assert(!r->head.overrun);
}

static int
seal(struct store_job *job, struct fail *f)
{
	struct receive *r = (struct receive *)job;

	return stage_seal(r->stage, buf_str(&r->head), f);
}

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
deliver(struct db *db, struct receive *r, const struct hop *received,
    struct fail *f)
{
	struct delivery_target *targets = mem_new(
	    r->n_targets, sizeof(*targets));
	struct delivery d = {
	    .trace = r->trace,
	    .stage = r->stage,
	    .skip = r->skip,
	    .sender = str_of(r->sender),
	    .message_id = str_of(r->message_id),
	    .utf8 = r->utf8,
	    .eight_bit = r->eight_bit,
	    .now_ms = r->now_ms,
	    .expires_ms = r->now_ms + r->d->conf->relay_expire,
	    .account = r->account,
	    .daemon = HOP_SMTPD,
	    .targets = targets,
	    .n_targets = r->n_targets,
	    .hops = received,
	    .n_hops = 1,
	};
	int rc;

	for (size_t i = 0; i < r->n_targets; i++)
		targets[i] = (struct delivery_target){
		    .account = r->targets[i].account,
		    .address = str_of(r->targets[i].address),
		    .original = str_of(r->targets[i].original),
		};
	r->mailboxes = mem_new(r->n_targets, sizeof(*r->mailboxes));
	rc = delivery_run(db, &d, r->mailboxes, &r->n_mailboxes, f);
	free(targets);
	return rc;
}

static const char *
protocol(const struct receive *r)
{
	struct compose_received how = {
	    .tls = str_of(r->tls),
	    .extended = r->extended,
	    .utf8 = r->utf8,
	    .authenticated = r->login != NULL,
	};

	return compose_protocol(&how);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct receive *r = (struct receive *)job;
	struct buf peer, detail;
	struct hop received;
	int rc = 0;

	if (r->login != NULL && check_authors(db, r, f) == -1)
		return -1;
	buf_init(&peer, KB);
	buf_init(&detail, KB);
	buf_addf(&peer, "%s [%s]", r->helo, r->ip);
	buf_addf(&detail, "%s", protocol(r));
	if (r->tls[0] != '\0')
		buf_addf(&detail, ", %s", r->tls);
	if (r->login != NULL)
		buf_addf(&detail, ", %s", r->login);
	received = (struct hop){
	    .at_ms = r->now_ms,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .peer = buf_str(&peer),
	    .detail = buf_str(&detail),
	};
	rc = deliver(db, r, &received, f);
	buf_release(&peer);
	buf_release(&detail);
	return rc;
}

/* Tell those who look at the mailboxes, and the relay, if there is something
 * for it. */
static void
send_notice(const struct receive *r)
{
	mailbox_notice_add(&r->d->mailbox_notice, r->mailboxes, r->n_mailboxes);
	for (size_t i = 0; i < r->n_targets; i++)
		if (r->targets[i].account == 0) {
			notice_send(r->d->queue_notice, STR("queue"));
			return;
		}
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
refuse(struct receive *r, enum smtp_reply reply, const char *why)
{
	struct buf words;

	buf_init(&words, KB);
	smtp_reply_describe(&words, reply);
	log_warn(&r->d->log,
	    "refused from=<%s> rcpts=%zu rip=%s%s%s reply=\"%s\" why=\"%s\"",
	    r->sender, r->n_recipients, r->ip,
	    r->login != NULL ? " login=" : "", r->login != NULL ? r->login : "",
	    words.data, why);
	buf_release(&words);
	r->done(r->arg, reply, why);
}

static void
committed(struct store_job *job)
{
	struct receive *r = (struct receive *)job;

	if (job->rc == -1) {
		refuse(r, reply_for(r, &job->fail), job->fail.text);
		return;
	}
	send_notice(r);
	log_info(&r->d->log,
	    "accepted id=%s from=<%s> rcpts=%zu size=%llu rip=%s proto=%s%s%s",
	    r->id, r->sender, r->n_recipients, (unsigned long long)r->size,
	    r->ip, protocol(r), r->login != NULL ? " login=" : "",
	    r->login != NULL ? r->login : "");
	r->done(r->arg, REPLY_QUEUED, r->id);
}

void
receive_commit(struct receive *r, receive_done *done, void *arg)
{
	assert(r->ip != NULL && r->n_targets > 0);
	r->done = done;
	r->arg = arg;
	if (!r->judged) /* no empty line, so the header ends here */
		judge(r);
	if (r->refusal != REPLY_OK) {
		refuse(r, r->refusal, r->why.text);
		return;
	}
	r->now_ms = clock_wall_ms(r->d->clock);
	r->trace = hop_new_trace(&r->d->traces);
	trace_text(r->trace, r->id);
	write_head(r);
	r->size = stage_size(r->stage) + r->head.len;
	r->job.prepare = seal;
	r->job.run = run;
	r->job.done = committed;
	r->job.weight = r->size < ROW_MAX ? (size_t)r->size + KB : 2 * KB;
	r->job.light = r->size < ROW_MAX;
	store_write(r->d->store, &r->job);
}
