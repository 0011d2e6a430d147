/* SPDX-License-Identifier: MIT */
#include "maild/backup_letter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/store/delivery.h"
#include "common/store/route.h"
#include "common/store/stage.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/relay.h"

#define LETTER_MAX  (8 * KB)
#define RETURN_PATH STR("Return-Path: <>\r\n")
#define POSTMASTER  STR("postmaster")

struct letter {
	struct store_job job; /* first: the store's calls cast back */
	struct maild *maild;  /* borrowed */
	int64_t trace, now_ms;
	struct buf text, id;
	struct stage *stage;
	int64_t *mailboxes;
	size_t n_mailboxes;
	bool queued, nobody;
};

/* ---- its words ---- */

static void
write_header(struct letter *l, bool drill)
{
	struct str host = str_of(l->maild->conf->server_hostname);
	int64_t now_s = l->now_ms / 1000;
	char date[DATE_TEXT_MAX];
	struct buf subject;

	buf_init(&subject, KB);
	buf_addf(&subject,
	    drill ? "The backup of %.*s cannot be restored"
		  : "The backup of %.*s failed",
	    STR_FMT(host));
	buf_addf(&l->text, "Date: %s\r\n", date_text(now_s, date));
	buf_addf(&l->text, "From: Your mail server <mailer-daemon@%.*s>\r\n",
	    STR_FMT(host));
	buf_addf(&l->text, "To: postmaster@%.*s\r\n", STR_FMT(host));
	compose_field(STR("Subject"), buf_str(&subject), &l->text);
	compose_message_id(now_s, rand_u64(), host, &l->id);
	buf_addf(&l->text, "Message-ID: %.*s\r\n", STR_FMT(buf_str(&l->id)));
	/* RFC 3834 s5 */
	buf_add(&l->text, STR("MIME-Version: 1.0\r\n"
			      "Content-Type: text/plain; charset=utf-8\r\n"
			      "Content-Transfer-Encoding: 8bit\r\n"
			      "Auto-Submitted: auto-generated\r\n\r\n"));
	buf_release(&subject);
}

static void
write_age(struct letter *l, const struct backup_info *newest)
{
	int64_t hours = (l->now_ms - newest->made_ms) / 3600000;

	if (newest->name[0] == '\0')
		buf_add(&l->text, STR("none"));
	else if (hours < 48)
		buf_addf(
		    &l->text, "%s, %" PRId64 " hours ago", newest->name, hours);
	else
		buf_addf(&l->text, "%s, %" PRId64 " days ago", newest->name,
		    hours / 24);
}

/* A sentence of somebody's, as one line. */
static void
write_why(struct letter *l, const char *why)
{
	for (; *why != '\0'; why++)
		buf_add_char(&l->text,
		    (unsigned char)*why < ' ' || *why == 0x7f ? '?' : *why);
}

static void
write_body(struct letter *l, const struct backup_letter *b)
{
	char date[DATE_TEXT_MAX];

	buf_add(&l->text,
	    b->drill
		? STR("The newest backup of this mail server was restored into "
		      "a\r\ntemporary directory, as is done now and then to "
		      "see whether that\r\nworks.  It did not.\r\n\r\n")
		: STR("No backup of this mail server could be made.\r\n\r\n"));
	buf_addf(&l->text, "  Where:             %s\r\n  Why:               ",
	    l->maild->conf->backup_dir);
	write_why(l, b->why);
	buf_add(&l->text, STR("\r\n  Last good backup:  "));
	write_age(l, b->newest);
	buf_addf(&l->text, "\r\n  Tried again:       %s\r\n\r\n",
	    date_text(b->again_ms / 1000, date));
	buf_add(&l->text,
	    STR("Mail comes and goes as usual, and nothing is lost.  But what "
		"came\r\nsince the last good backup is on one disk only.\r\n"
		"\r\n"));
	buf_add(&l->text,
	    b->drill
		? STR("The next backup will copy everything anew.  To do that "
		      "now:\r\n\r\n  mailctl backup --whole\r\n\r\nTo see "
		      "which messages are damaged:\r\n\r\n  mailctl verify\r\n"
		      "  mailctl verify --backup SNAPSHOT\r\n\r\n")
		: STR("To try it now:\r\n\r\n  mailctl backup\r\n\r\n"));
	buf_add(&l->text, STR("You are told this once a day at most, as long "
			      "as it lasts.\r\n"));
}

/* ---- its way ---- */

static int
prepare(struct store_job *job, struct fail *f)
{
	struct letter *l = (struct letter *)job;

	l->stage = stage_new(store_dir(l->maild->mail));
	stage_add(l->stage, buf_str(&l->text));
	return stage_seal(l->stage, RETURN_PATH, f);
}

static int
deliver(struct letter *l, struct db *db, const struct route *r, struct fail *f)
{
	struct delivery_target *targets = mem_new(r->n, sizeof(*targets));
	const struct hop composed = {
	    .trace = l->trace,
	    .at_ms = l->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = HOP_COMPOSED,
	    .detail = STR("notice: about backups"),
	};
	const struct delivery d = {
	    .trace = l->trace,
	    .stage = l->stage,
	    .skip = RETURN_PATH.len,
	    .message_id = buf_str(&l->id),
	    .eight_bit = str_has_8bit(buf_str(&l->text)),
	    .now_ms = l->now_ms,
	    .expires_ms = l->now_ms + l->maild->conf->relay_expire,
	    .daemon = HOP_MAILD,
	    .targets = targets,
	    .n_targets = r->n,
	    .hops = &composed,
	    .n_hops = 1,
	};
	int rc;

	for (size_t i = 0; i < r->n; i++) {
		targets[i] = (struct delivery_target){
		    .account = r->targets[i].account,
		    .address = str_of(r->targets[i].address),
		    .original = STR(""),
		};
		l->queued |= targets[i].account == 0;
	}
	l->mailboxes = mem_grow(l->mailboxes, r->n, sizeof(*l->mailboxes));
	rc = delivery_run(db, &d, l->mailboxes, &l->n_mailboxes, f);
	free(targets);
	return rc;
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct letter *l = (struct letter *)job;
	const struct route_options o = {
	    .postmaster = str_of(l->maild->conf->server_postmaster),
	};
	struct route r = {0};
	int rc = 0;

	l->n_mailboxes = 0;
	l->queued = false;
	if (route_find(db, POSTMASTER, &o, &r, f) == -1)
		return -1;
	l->nobody = r.n == 0 ||
	            (r.result != ROUTE_OK && r.result != ROUTE_REMOTE);
	if (!l->nobody)
		rc = deliver(l, db, &r, f);
	route_release(&r);
	return rc;
}

static void
done(struct store_job *job)
{
	struct letter *l = (struct letter *)job;
	struct maild *m = l->maild;

	if (job->rc == -1)
		log_error(&m->log, "backup: postmaster could not be told: %s",
		    job->fail.text);
	else if (l->nobody)
		log_warn(&m->log, "backup: there is no postmaster to tell");
	else
		mailbox_notice_add(
		    &m->mailbox_notice, l->mailboxes, l->n_mailboxes);
	if (job->rc == 0 && l->queued)
		relay_kick(m->relay);
	stage_free(l->stage);
	buf_release(&l->text);
	buf_release(&l->id);
	free(l->mailboxes);
	free(l);
}

void
backup_letter_send(struct maild *m, const struct backup_letter *b)
{
	struct letter *l = MEM_NEW(struct letter);

	l->maild = m;
	l->now_ms = clock_wall_ms(m->clock);
	l->trace = hop_new_trace(&m->traces);
	buf_init(&l->text, LETTER_MAX);
	buf_init(&l->id, KB);
	write_header(l, b->drill);
	write_body(l, b);
	l->job = (struct store_job){
	    .prepare = prepare,
	    .run = run,
	    .done = done,
	    .weight = l->text.len,
	};
	store_write(m->mail, &l->job);
}
