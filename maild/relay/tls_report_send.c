/* SPDX-License-Identifier: MIT */
#include "maild/relay/tls_report_send.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/mime/dsn.h"
#include "common/mime/header.h"
#include "common/policy/canon.h"
#include "common/policy/tlsrpt.h"
#include "common/store/delivery.h"
#include "common/store/route.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/proto/smtp_envelope.h"
#include "maild/relay/own_signer.h"
#include "maild/relay/tls_report_mail.h"
#include "maild/relay/txt.h"
#include "maild/relay/web.h"

#define RECORD_NAME  "_smtp._tls."
#define POST_MS      60000
#define ANSWER_MAX   (64 * KB)
#define DAY_MS       (INT64_C(24) * 60 * 60 * 1000)
#define NAME_MAX_LEN 253

struct tls_report_send {
	const struct relay_deps *deps;
	const struct tls_report_task *task;
	tls_report_sent *sent;
	void *arg;
	struct resolver_query *query;
	struct worker_job pack;
	struct web_question *post;
	struct store_job write;
	bool stopped;

	struct txt txt; /* what the rua are in */
	struct tlsrpt_record record;
	size_t next; /* rua to be looked at */
	char addresses[TLSRPT_RUA_MAX][TLSRPT_ADDRESS_MAX];
	size_t n_addresses;
	bool posted; /* to one of them at least */
	struct buf packed;

	/* the message */
	struct own_keys *keys;
	struct stage *stage;
	char contact[sizeof("postmaster@") + TLS_RESULT_DOMAIN_MAX];
	size_t skip;
	char message_id[400];
	int64_t trace, now_ms;
	uint64_t random;
	bool mailed, remote;
	int64_t *mailboxes;
	size_t n_mailboxes;
};

static struct tls_report_send *
of_pack(struct worker_job *job)
{
	return (
	    struct tls_report_send *)((char *)job -
				      offsetof(struct tls_report_send, pack));
}

static struct tls_report_send *
of_write(struct store_job *job)
{
	return (
	    struct tls_report_send *)((char *)job -
				      offsetof(struct tls_report_send, write));
}

static struct tls_report_about
about(const struct tls_report_send *s)
{
	return (struct tls_report_about){
	    .day = s->task->day,
	    .domain = str_of(s->task->domain),
	    .host = str_of(s->deps->conf->server_hostname),
	    .submitter = str_of(s->task->submitter),
	    .results = &s->task->results,
	};
}

static void
finish(struct tls_report_send *s, bool told)
{
	tls_report_sent *sent = s->sent;
	bool queued = told && s->remote;
	void *arg = s->arg;

	tls_report_send_free(s);
	sent(arg, told, queued);
}

/* ---- the message ---- */

/* Header and body into the stage, with a Return-Path and our signatures. */
static int
stage_letter(struct tls_report_send *s, struct str text, struct fail *f)
{
	struct body_hashes *hashes = body_hashes_new();
	struct str block, body;
	struct buf top;
	size_t hash;
	int rc;

	header_split(text, &block, &body);
	body_hashes_want(hashes, CANON_RELAXED, BODY_HASH_ALL, &hash);
	body_hashes_feed(hashes, body);
	body_hashes_end(hashes);
	buf_init(&top, 4 * OWN_SIGNATURES_ROOM + KB + block.len);
	buf_addf(&top, "Return-Path: <%s>\r\n", s->contact);
	s->skip = top.len;
	own_keys_sign(s->keys, block, body_hashes_get(hashes, hash),
	    s->now_ms / 1000, &top);
	buf_add(&top, block);
	assert(!top.overrun);
	body_hashes_free(hashes);
	stage_add(s->stage, STR("\r\n")); /* between header and body */
	stage_add(s->stage, body);
	rc = stage_seal(s->stage, buf_str(&top), f);
	buf_release(&top);
	return rc;
}

static int
prepare(struct store_job *job, struct fail *f)
{
	struct tls_report_send *s = of_write(job);
	const struct tls_report_about a = about(s);
	struct str to[TLSRPT_RUA_MAX];
	const struct tls_report_letter l = {
	    .to = to,
	    .n = s->n_addresses,
	    .packed = buf_str(&s->packed),
	    .now_s = s->now_ms / 1000,
	    .random = s->random,
	};
	struct header_field id;
	struct buf text;
	int rc;

	if (s->n_addresses == 0)
		return 0; /* it was posted */
	for (size_t i = 0; i < s->n_addresses; i++)
		to[i] = str_of(s->addresses[i]);
	buf_init(&text, TLS_REPORT_LETTER_ROOM);
	tls_report_compose(&a, &l, &text);
	assert(!text.overrun);
	if (header_find(buf_str(&text), STR("Message-ID"), &id))
		snprintf(s->message_id, sizeof(s->message_id), "%.*s",
		    STR_FMT(str_trim(id.value)));
	stage_free(s->stage);
	s->stage = stage_new(store_dir(s->deps->store));
	rc = stage_letter(s, buf_str(&text), f);
	buf_release(&text);
	return rc;
}

/* Could delivery_run() take it?  What it refuses for ever must not hold us
 * up. */
static bool
can_be_sent_to(struct str address)
{
	struct str local, domain;
	struct buf folded;
	bool good;

	buf_init(&folded, ADDR_MAX);
	good = smtp_envelope_is_address(address) &&
	       addr_split(address, &local, &domain) &&
	       addr_domain_fold(domain, &folded);
	buf_release(&folded);
	return good;
}

struct targets {
	struct delivery_target *at;
	size_t n;
	struct route routes[TLSRPT_RUA_MAX];
};

static void
add_target(struct targets *t, int64_t account, struct str address)
{
	t->at = mem_grow(t->at, t->n + 1, sizeof(*t->at));
	t->at[t->n++] = (struct delivery_target){
	    .account = account,
	    .address = address,
	    /* nobody is to be told that a report did not arrive */
	    .notify = DSN_NOTIFY_NEVER,
	};
}

static int
find_targets(
    struct tls_report_send *s, struct db *db, struct targets *t, struct fail *f)
{
	const struct route_options o = {
	    .postmaster = str_of(s->deps->conf->server_postmaster),
	    .size = stage_size(s->stage),
	};

	for (size_t i = 0; i < s->n_addresses; i++) {
		struct str address = str_of(s->addresses[i]);
		struct route *r = &t->routes[i];

		if (route_find(db, address, &o, r, f) == -1)
			return -1;
		if (r->result == ROUTE_OK) {
			for (size_t k = 0; k < r->n; k++)
				add_target(t, r->targets[k].account,
				    str_of(r->targets[k].address));
		} else if (r->result == ROUTE_REMOTE &&
			   can_be_sent_to(address)) {
			add_target(t, 0, address);
		}
	}
	return 0;
}

static int
deliver(struct tls_report_send *s, struct db *db, const struct targets *t,
    struct fail *f)
{
	char what[300];
	const struct hop composed = {
	    .trace = s->trace,
	    .at_ms = s->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = HOP_COMPOSED,
	    .detail = {what, (size_t)snprintf(what, sizeof(what),
                       "TLS report for %s", s->task->domain)},
	};
	const struct delivery d = {
	    .trace = s->trace,
	    .stage = s->stage,
	    .skip = s->skip,
	    .sender = str_of(s->contact),
	    .message_id = str_of(s->message_id),
	    .tls_optional = true,
	    .now_ms = s->now_ms,
	    .expires_ms = s->now_ms + DAY_MS, /* RFC 8460 s5.5 */
	    .daemon = HOP_MAILD,
	    .targets = t->at,
	    .n_targets = t->n,
	    .hops = &composed,
	    .n_hops = 1,
	};

	for (size_t i = 0; i < t->n; i++)
		s->remote |= t->at[i].account == 0;
	s->mailboxes = mem_grow(s->mailboxes, t->n, sizeof(*s->mailboxes));
	s->mailed = true;
	return delivery_run(db, &d, s->mailboxes, &s->n_mailboxes, f);
}

/* The report goes and what it tells is forgotten, or neither. */
static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct tls_report_send *s = of_write(job);
	struct targets t = {0};
	int rc = 0;

	s->mailed = s->remote = false;
	s->n_mailboxes = 0;
	if (s->n_addresses > 0)
		rc = find_targets(s, db, &t, f);
	if (rc == 0 && t.n > 0)
		rc = deliver(s, db, &t, f);
	for (size_t i = 0; i < TLSRPT_RUA_MAX; i++)
		route_release(&t.routes[i]);
	free(t.at);
	return rc == 0 ? tls_result_remove(
			     db, s->task->day, str_of(s->task->domain), f)
	               : -1;
}

static void
done(struct store_job *job)
{
	struct tls_report_send *s = of_write(job);
	char id[TRACE_TEXT_MAX];

	if (job->rc == -1) {
		log_warn(s->deps->log, "TLS report for %s: %s", s->task->domain,
		    job->fail.text);
		if (!s->task->last_try || s->n_addresses == 0 || s->stopped) {
			finish(s, false);
			return;
		}
		s->n_addresses = 0; /* it is only forgotten */
		*job = (struct store_job){
		    .run = run, .done = job->done, .weight = KB};
		store_write(s->deps->store, job);
		return;
	}
	mailbox_notice_add(s->deps->notice, s->mailboxes, s->n_mailboxes);
	if (s->mailed)
		log_info(s->deps->log, "TLS report for %s id=%s",
		    s->task->domain, trace_text(s->trace, id));
	finish(s, true);
}

/* Send what is to be mailed, if anything, and forget. */
static void
write_end(struct tls_report_send *s)
{
	const struct tls_report_about a = about(s);
	struct buf contact;

	buf_init(&contact, sizeof(s->contact) - 1);
	tls_report_contact(&a, &contact);
	assert(!contact.overrun);
	memcpy(s->contact, contact.data, contact.len + 1);
	buf_release(&contact);
	s->trace = hop_new_trace(s->deps->traces);
	s->now_ms = clock_wall_ms(s->deps->clock);
	s->random = rand_u64();
	s->keys = own_signer_hold(s->deps->signer);
	s->write = (struct store_job){
	    .prepare = prepare,
	    .run = run,
	    .done = done,
	    .weight = s->packed.len + KB,
	};
	store_write(s->deps->store, &s->write);
}

/* Nobody got it. */
static void
fail_to_tell(struct tls_report_send *s, const char *why)
{
	log_warn(s->deps->log, "TLS report for %s was not told%s: %s",
	    s->task->domain, s->task->last_try ? "" : " yet", why);
	if (!s->task->last_try) {
		finish(s, false);
		return;
	}
	s->n_addresses = 0;
	write_end(s);
}

/* ---- its destinations ---- */

/* The next one that a POST can go to. */
static bool
next_place(struct tls_report_send *s, struct tlsrpt_https *out)
{
	while (s->next < s->record.n)
		if (tlsrpt_https(s->record.rua[s->next++], out))
			return true;
	return false;
}

/* Once for each place, first with no answer; then the mail. */
static void
post(void *arg, const struct https_answer *a)
{
	struct tls_report_send *s = arg;
	struct tlsrpt_https place;

	s->post = NULL;
	if (a != NULL && a->result == HTTPS_GOOD) {
		s->posted = true;
		log_info(
		    s->deps->log, "TLS report for %s posted", s->task->domain);
	} else if (a != NULL) {
		log_warn(s->deps->log, "TLS report for %s not posted: %s",
		    s->task->domain, a->why);
	}
	if (next_place(s, &place)) {
		const struct https_ask ask = {
		    .host = place.host,
		    .port = place.port,
		    .path = place.path,
		    .body = buf_str(&s->packed),
		    .body_type = STR("application/tlsrpt+gzip"),
		    .limit = ANSWER_MAX,
		    .time_ms = POST_MS,
		};

		s->post = web_ask(s->deps, &ask, post, s);
	} else if (s->posted || s->n_addresses > 0) {
		write_end(s);
	} else {
		fail_to_tell(s, "nobody took it");
	}
}

static void
run_pack(struct worker_job *job)
{
	struct tls_report_send *s = of_pack(job);
	const struct tls_report_about a = about(s);
	struct buf json;

	buf_init(&json, TLS_REPORT_MAX);
	tls_report_json(&a, &json);
	buf_clear(&s->packed);
	if (!json.overrun)
		tls_report_gzip(buf_str(&json), &s->packed);
	buf_release(&json);
}

static void
done_pack(struct worker_job *job)
{
	struct tls_report_send *s = of_pack(job);

	if (s->stopped)
		return;
	if (s->packed.len > 0)
		post(s, NULL);
	else
		fail_to_tell(s, "it is over 10 MiB");
}

static void
on_record(void *arg, const struct dns_answer *a)
{
	struct tls_report_send *s = arg;

	s->query = NULL;
	if (a->status == DNS_TEMPFAIL) {
		fail_to_tell(s, a->why);
		return;
	}
	txt_init(&s->txt, a);
	if (!tlsrpt_record_parse(s->txt.records, s->txt.n, &s->record)) {
		write_end(s); /* nobody wants to know */
		return;
	}
	for (size_t i = 0; i < s->record.n; i++)
		if (tlsrpt_mailto(
			s->record.rua[i], s->addresses[s->n_addresses]))
			s->n_addresses++;
	s->pack.run = run_pack;
	s->pack.done = done_pack;
	if (!workers_submit(s->deps->workers, &s->pack))
		fail_to_tell(s, "too much to do");
}

/* ---- life ---- */

struct tls_report_send *
tls_report_send(const struct relay_deps *deps,
    const struct tls_report_task *task, tls_report_sent *sent, void *arg)
{
	struct tls_report_send *s = MEM_NEW(struct tls_report_send);
	char name[sizeof(RECORD_NAME) + TLS_RESULT_DOMAIN_MAX];

	s->deps = deps;
	s->task = task;
	s->sent = sent;
	s->arg = arg;
	buf_init(&s->packed, TLS_REPORT_MAX);
	snprintf(name, sizeof(name), RECORD_NAME "%s", task->domain);
	if (strlen(name) > NAME_MAX_LEN)
		write_end(s); /* there is no such record */
	else
		s->query = resolver_ask(
		    deps->resolver, str_of(name), DNS_TXT, on_record, s);
	return s;
}

void
tls_report_send_stop(struct tls_report_send *s)
{
	if (s == NULL)
		return;
	s->stopped = true;
	if (s->query != NULL)
		resolver_cancel(s->query);
	s->query = NULL;
	web_cancel(s->post);
	s->post = NULL;
}

void
tls_report_send_free(struct tls_report_send *s)
{
	if (s == NULL)
		return;
	tls_report_send_stop(s);
	txt_release(&s->txt);
	buf_release(&s->packed);
	own_keys_release(s->keys);
	stage_free(s->stage);
	free(s->mailboxes);
	free(s);
}
