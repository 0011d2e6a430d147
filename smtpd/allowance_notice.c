/* SPDX-License-Identifier: MIT */
#include "smtpd/allowance_notice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/store/delivery.h"
#include "common/util/mem.h"
#include "common/util/rand.h"

#define TEXT_MAX    (8 * KB)
#define RETURN_PATH STR("Return-Path: <>\r\n")

struct notice {
	struct store_job job; /* first: the store's calls cast back */
	struct smtpd *d;
	int64_t account, trace, now_ms;
	char *login;
	struct buf text, id;
	struct stage *stage;
	int64_t mailbox;
	size_t n_mailboxes; /* 0 or 1 */
};

struct allowance_law
allowance_law_of(const struct conf *conf)
{
	return (struct allowance_law){
	    .messages_per_hour = conf->submission_messages_per_hour,
	    .recipients_per_day = conf->submission_recipients_per_day,
	    .new_recipients_per_day = conf->submission_new_recipients_per_day,
	    .learn = conf->policy_reputation,
	};
}

void
allowance_words(
    const struct conf *conf, enum allowance_result r, struct buf *out)
{
	switch (r) {
	case ALLOWANCE_OK:
		break;
	case ALLOWANCE_MESSAGES:
		buf_addf(out, "more than %" PRIu64 " messages in an hour",
		    conf->submission_messages_per_hour);
		break;
	case ALLOWANCE_RECIPIENTS:
		buf_addf(out, "to more than %" PRIu64 " recipients in a day",
		    conf->submission_recipients_per_day);
		break;
	case ALLOWANCE_NEW_RECIPIENTS:
		buf_addf(out,
		    "to more than %" PRIu64 " people in a day who never got "
		    "mail from this account before",
		    conf->submission_new_recipients_per_day);
		break;
	}
}

static const char *
setting(enum allowance_result r)
{
	return r == ALLOWANCE_MESSAGES     ? "messages_per_hour"
	       : r == ALLOWANCE_RECIPIENTS ? "recipients_per_day"
	                                   : "new_recipients_per_day";
}

static void
write_header(struct notice *n)
{
	struct str host = str_of(n->d->conf->server_hostname);
	int64_t now_s = n->now_ms / 1000;
	char date[DATE_TEXT_MAX];
	struct buf to;

	buf_init(&to, 2 * ADDR_MAX);
	buf_addf(&to, "<%s>", n->login);
	buf_addf(&n->text, "Date: %s", date_text(now_s, date));
	buf_addf(&n->text,
	    "\r\nFrom: Your mail server <mailer-daemon@%.*s>\r\n",
	    STR_FMT(host));
	compose_field(STR("To"), buf_str(&to), &n->text);
	buf_release(&to);
	buf_addf(
	    &n->text, "Subject: Your account was stopped from sending\r\n");
	compose_message_id(now_s, rand_u64(), host, &n->id);
	buf_addf(&n->text, "Message-ID: %s\r\n", n->id.data);
	buf_addf(&n->text, "MIME-Version: 1.0\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: 8bit\r\n"
			   "Auto-Submitted: auto-generated\r\n"
			   "\r\n");
}

static void
write_body(struct notice *n, enum allowance_result r)
{
	struct str local, domain = {0};

	addr_split(str_of(n->login), &local, &domain);
	buf_addf(&n->text, "Somebody who logged in as %s tried to send\r\n",
	    n->login);
	allowance_words(n->d->conf, r, &n->text);
	buf_addf(&n->text,
	    ".\r\n"
	    "\r\n"
	    "That is more than this server lets one account send, because "
	    "it\r\n"
	    "is what happens when a password was stolen.  The message was "
	    "not\r\n"
	    "taken; the mail program will say so, or try again by itself.\r\n"
	    "\r\n"
	    "If it was not you: change your password now, and the app\r\n"
	    "passwords of your devices too.  Then tell the postmaster.\r\n"
	    "\r\n"
	    "If it was you: wait, and send the rest later.  If you need to\r\n"
	    "send so much often, ask the postmaster for more (it is the\r\n"
	    "setting submission.%s).\r\n"
	    "\r\n"
	    "The postmaster is postmaster@%.*s.  You are told this once a\r\n"
	    "day at most.\r\n",
	    setting(r), STR_FMT(domain));
}

static int
prepare(struct store_job *job, struct fail *f)
{
	struct notice *n = (struct notice *)job;

	n->stage = stage_new(store_dir(n->d->store));
	stage_add(n->stage, buf_str(&n->text));
	return stage_seal(n->stage, RETURN_PATH, f);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct notice *n = (struct notice *)job;
	const struct delivery_target target = {
	    .account = n->account,
	    .address = str_of(n->login),
	};
	const struct hop composed = {
	    .trace = n->trace,
	    .at_ms = n->now_ms,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_COMPOSED,
	    .detail = STR("notice: stopped from sending"),
	};
	const struct delivery d = {
	    .trace = n->trace,
	    .stage = n->stage,
	    .skip = RETURN_PATH.len,
	    .message_id = buf_str(&n->id),
	    .utf8 = str_has_8bit(str_of(n->login)),
	    .eight_bit = str_has_8bit(buf_str(&n->text)),
	    .now_ms = n->now_ms,
	    .expires_ms = n->now_ms + n->d->conf->relay_expire,
	    .daemon = HOP_SMTPD,
	    .targets = &target,
	    .n_targets = 1,
	    .hops = &composed,
	    .n_hops = 1,
	};
	int told = allowance_is_told(db, n->account, n->now_ms, f);

	n->n_mailboxes = 0;
	if (told != 0)
		return told == 1 ? 0 : -1;
	if (delivery_run(db, &d, &n->mailbox, &n->n_mailboxes, f) == -1)
		return -1;
	return allowance_told(db, n->account, n->now_ms, f);
}

static void
done(struct store_job *job)
{
	struct notice *n = (struct notice *)job;

	if (job->rc == -1)
		log_error(&n->d->log, "allowance notice for login=%s: %s",
		    n->login, job->fail.text);
	else
		mailbox_notice_add(
		    &n->d->mailbox_notice, &n->mailbox, n->n_mailboxes);
	stage_free(n->stage);
	buf_release(&n->text);
	buf_release(&n->id);
	free(n->login);
	free(n);
}

void
allowance_notice_send(struct smtpd *d, int64_t account, const char *login,
    enum allowance_result r)
{
	struct notice *n = MEM_NEW(struct notice);

	assert(r != ALLOWANCE_OK);
	n->d = d;
	n->account = account;
	n->login = mem_dup(str_of(login));
	n->now_ms = clock_wall_ms(d->clock);
	n->trace = hop_new_trace(&d->traces);
	buf_init(&n->text, TEXT_MAX);
	buf_init(&n->id, KB);
	write_header(n);
	write_body(n, r);
	n->job.prepare = prepare;
	n->job.run = run;
	n->job.done = done;
	n->job.weight = n->text.len + KB;
	n->job.light = true;
	store_write(d->store, &n->job);
}
