/* SPDX-License-Identifier: MIT */
#include "tests/unit/maild/world.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "common/net/throwaway.h"
#include "common/store/account.h"
#include "common/store/attempt.h"
#include "common/store/body.h"
#include "common/store/delivery.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/store/sts_policy.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/relay_internal.h"
#include "maild/relay/relay_report_internal.h"
#include "maild/relay/smarthosts.h"
#include "maild/relay/sts.h"

/* ---- DNS ---- */

static size_t
mx_rdata(struct str row, uint8_t out[300])
{
	struct str preference = str_cut(&row, ' ');
	size_t n = 2;
	uint64_t number;

	if (!str_to_u64(preference, 65535, &number))
		return 1; /* malformed on purpose */
	out[0] = (uint8_t)(number >> 8);
	out[1] = (uint8_t)number;
	while (row.len > 0 && !str_eq(row, STR("."))) {
		struct str label = str_cut(&row, '.');

		out[n++] = (uint8_t)label.len;
		memcpy(out + n, label.at, label.len);
		n += label.len;
	}
	out[n++] = 0;
	return n;
}

static size_t
txt_rdata(struct str row, uint8_t out[300])
{
	out[0] = (uint8_t)row.len;
	memcpy(out + 1, row.at, row.len);
	return 1 + row.len;
}

/* Into bytes of its own: a certificate is long. */
static struct str
tlsa_rdata(const struct world *w, struct str row, struct buf *out)
{
	static const char cert[] = "\3\0\0";

	buf_clear(out);
	if (str_eq(row, STR("CERT"))) {
		buf_add(out, (struct str){cert, 3});
		buf_add(out, buf_str(&w->certificate));
	} else {
		assert(enc_hex_decode(row, out));
	}
	return buf_str(out);
}

static size_t
address_rdata(struct str row, uint8_t out[300])
{
	struct address ip;

	assert(address_from_ip(row, 0, &ip));
	return address_ip_bytes(&ip, out);
}

static void
answer(void *arg, struct resolver_query *q, struct str name, enum dns_type type)
{
	static uint8_t bytes[100][300];
	struct world *w = arg;
	struct dns_record records[100];
	struct dns_answer a = {.status = DNS_NXDOMAIN,
	    .secure = w->signed_dns,
	    .records = records};
	struct buf tlsa;

	buf_init(&tlsa, 4 * KB);
	w->questions++;
	for (size_t i = 0; i < w->n_zone; i++) {
		const struct zone_row *row = &w->zone[i];
		struct str rest = str_of(row->data);

		if (!str_eq_nocase(name, str_of(row->name)))
			continue;
		if (a.status == DNS_NXDOMAIN)
			a.status = DNS_NODATA;
		if (row->type != type)
			continue;
		a.status = DNS_OK;
		if (str_eq(rest, STR("FAIL"))) {
			a.status = DNS_TEMPFAIL;
			a.why = "the test says so";
			break;
		}
		while (rest.len > 0 && a.n < 100) {
			struct str one = str_cut(&rest, ',');
			size_t n = 0;

			if (type == DNS_MX)
				n = mx_rdata(one, bytes[a.n]);
			else if (type == DNS_TXT)
				n = txt_rdata(one, bytes[a.n]);
			else if (type != DNS_TLSA)
				n = address_rdata(one, bytes[a.n]);
			records[a.n].data = (struct str){
			    (const char *)bytes[a.n], n};
			if (type == DNS_TLSA)
				records[a.n].data = tlsa_rdata(w, one, &tlsa);
			a.n++;
		}
	}
	resolver_inject(q, &a);
	buf_release(&tlsa);
}

/* ---- clock, loop, store ---- */

static int64_t
wall(void *arg)
{
	return clock_wall_ms(&clock_system) + ((struct world *)arg)->ahead_ms;
}

static int64_t
mono(void *arg)
{
	return clock_mono_ms(&clock_system) + ((struct world *)arg)->passed_ms;
}

static void
wake(void *arg)
{
	waker_wake(((struct world *)arg)->reap);
}

static void
reap(void *arg)
{
	struct world *w = arg;

	if (w->store != NULL)
		store_reap(w->store);
	if (w->passwords != NULL)
		store_reap(w->passwords);
}

static int
add_people(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;

	if (domain_add(db, STR("d.test"), 0, f) == -1)
		return -1;
	return account_add(db, STR("bob@d.test"), 0, 0, &w->bob, f);
}

static void
set_text(char **to, const char *text)
{
	free(*to);
	*to = mem_dup(str_of(text));
}

/* The first of a PEM file, as DER. */
static void
read_certificate(struct world *w)
{
	static const struct str end = STR("-----END");
	struct buf text, line;
	struct str rest;
	char path[96], piece[4096];
	size_t at, n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cert.pem", w->dir);
	buf_init(&text, 64 * KB);
	buf_init(&line, 64 * KB);
	buf_init(&w->certificate, 64 * KB);
	file = fopen(path, "r");
	while (file != NULL && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, (struct str){piece, n});
	if (file != NULL)
		fclose(file);
	rest = buf_str(&text);
	str_cut(&rest, '\n');
	assert(str_find_str(rest, end, &at));
	rest = str_first(rest, at);
	while (rest.len > 0)
		buf_add(&line, str_cut(&rest, '\n'));
	assert(enc_base64_decode(buf_str(&line), &w->certificate));
	buf_release(&text);
	buf_release(&line);
}

static void
make_tls(struct world *w)
{
	static const char *const names[] = {"mx.e.test"};
	char cert[96], key[96];

	snprintf(cert, sizeof(cert), "%s/cert.pem", w->dir);
	snprintf(key, sizeof(key), "%s/key.pem", w->dir);
	MUST(throwaway_ca(w->dir, names, 1, &f));
	MUST(
	    (w->server = tls_server_new(cert, key, NULL, &f)) == NULL ? -1 : 0);
	MUST((w->client = tls_client_new(NULL, &f)) == NULL ? -1 : 0);
	read_certificate(w);
}

void
world_trust(struct world *w)
{
	char ca[96];

	snprintf(ca, sizeof(ca), "%s/ca.pem", w->dir);
	tls_free(w->client);
	MUST((w->client = tls_client_new(ca, &f)) == NULL ? -1 : 0);
}

void
world_init(struct world *w, const struct zone_row *zone, size_t n)
{
	char path[96];

	rand_init();
	*w = (struct world){.zone = zone, .n_zone = n};
	snprintf(w->dir, sizeof(w->dir), "/tmp/relay-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/log", w->dir);
	w->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	w->log = (struct log){
	    .daemon = "maild", .max = LOG_DEBUG, .fd = w->log_fd};
	w->clock = (struct clock){wall, mono, w};
	w->traces.clock = &w->clock;
	w->loop = loop_new();
	w->reap = waker_new(w->loop, reap, w);
	w->resolver = resolver_new_fake(w->loop, answer, w);
	w->workers = workers_new(w->loop, 2, 16);
	w->conf = conf_defaults();
	set_text(&w->conf->server_hostname, "mx.d.test");
	set_text(&w->conf->server_store, w->dir);
	w->conf->relay_local_addresses = true;
	w->conf->relay_timeout = 20000;
	w->conf->relay_linger = 0;
	make_tls(w);
	MUST(
	    (w->db = db_open(w->dir, DB_MAIL, DB_WRITER, &f)) == NULL ? -1 : 0);
	MUST(db_write(w->db, add_people, w, &f));
}

void
world_start(struct world *w)
{
	const struct store_options o = {.dir = w->dir,
	    .file = DB_MAIL,
	    .readers = 2,
	    .wake = wake,
	    .wake_arg = w};
	struct relay_deps deps = {
	    .loop = w->loop,
	    .resolver = w->resolver,
	    .workers = w->workers,
	    .tls = w->client,
	    .conf = w->conf,
	    .log = &w->log,
	    .clock = &w->clock,
	    .traces = &w->traces,
	    .notice = &w->notice,
	    .metrics = &w->metrics,
	};
	struct store_options passwords = o;

	w->conf->relay_port = w->port;
	MUST((w->store = store_open(&o, &f)) == NULL ? -1 : 0);
	deps.store = w->store;
	if (w->auth != NULL) {
		passwords.file = DB_AUTH;
		MUST((w->passwords = store_open(&passwords, &f)) == NULL ? -1
									 : 0);
		w->smarthosts = smarthosts_new(w->store, w->passwords, &w->log);
		deps.smarthosts = w->smarthosts;
	}
	if (w->with_policies)
		deps.sts = w->sts = sts_new(&deps);
	w->relay = relay_new(&deps);
}

struct new_smarthost {
	struct world *w;
	const struct smarthost *s;
	const char *password;
};

static int
put_smarthost(struct db *db, void *arg, struct fail *f)
{
	const struct new_smarthost *n = arg;

	return smarthost_put(db, n->s, clock_wall_ms(&n->w->clock), f);
}

static int
put_secret(struct db *db, void *arg, struct fail *f)
{
	const struct new_smarthost *n = arg;

	return smarthost_secret_put(db, n->s->domain, str_of(n->password), f);
}

void
world_smarthost(
    struct world *w, const struct smarthost *s, const char *password)
{
	struct new_smarthost n = {w, s, password};

	if (w->auth == NULL)
		MUST((w->auth = db_open(w->dir, DB_AUTH, DB_WRITER, &f)) == NULL
			 ? -1
			 : 0);
	MUST(db_write(w->db, put_smarthost, &n, &f));
	MUST(db_write(w->auth, put_secret, &n, &f));
}

static int
put_policy(struct db *db, void *arg, struct fail *f)
{
	return sts_policy_put(db, arg, f);
}

void
world_policy(
    struct world *w, const char *domain, const char *id, const char *text)
{
	int64_t now = clock_wall_ms(&w->clock);
	struct sts_policy p = {.domain = str_of(domain),
	    .id = str_of(id),
	    .text = str_of(text),
	    .fetched_ms = now,
	    .expires_ms = now + 86400000,
	    .used_ms = now};

	w->with_policies = true;
	MUST(db_write(w->db, put_policy, &p, &f));
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
world_release(struct world *w)
{
	/* the order in which maild ends */
	if (w->relay != NULL)
		relay_stop(w->relay);
	if (w->sts != NULL)
		sts_stop(w->sts);
	smarthosts_stop(w->smarthosts);
	workers_free(w->workers);
	if (w->store != NULL)
		store_close(w->store);
	if (w->passwords != NULL)
		store_close(w->passwords);
	relay_free(w->relay);
	smarthosts_free(w->smarthosts);
	sts_free(w->sts);
	resolver_free(w->resolver);
	tls_free(w->client);
	tls_free(w->server);
	timer_free(w->timer);
	timer_free(w->stop);
	waker_free(w->reap);
	loop_free(w->loop);
	conf_free(w->conf);
	db_close(w->db);
	if (w->auth != NULL)
		db_close(w->auth);
	buf_release(&w->certificate);
	close(w->log_fd);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- waiting ---- */

/* The loop ends.  The relay's timers rest until the next run: one that is due
 * while the loop closes what connections are left would belong to neither. */
static void
end_run(struct world *w)
{
	timer_clear(w->timer);
	timer_clear(w->relay->next);
	timer_clear(w->relay->turn);
	loop_stop(w->loop);
}

static void
look(void *arg)
{
	struct world *w = arg;

	w->came = w->until(w->until_arg);
	if (w->came || clock_mono_ms(&clock_system) > w->give_up_ms)
		end_run(w);
	else
		timer_set(w->timer, 2);
}

void
world_wait(struct world *w, bool (*until)(void *arg), void *arg)
{
	if (w->timer == NULL)
		w->timer = timer_new(w->loop, look, w);
	w->until = until;
	w->until_arg = arg;
	w->give_up_ms = clock_mono_ms(&clock_system) + 120000;
	timer_set(w->timer, 0);
	relay_schedule(w->relay);
	loop_run(w->loop);
	if (!w->came) {
		struct buf log;

		buf_init(&log, 16 * MB);
		world_log(w, &log);
		fprintf(stderr, "%s", log.data);
		CHECK(!"it came in time");
		exit(1);
	}
}

static bool
is_idle(void *arg)
{
	const struct relay *r = ((struct world *)arg)->relay;

	/* after a stop what waits stays where it is */
	return r->look == NULL && (r->stopping || r->n_destinations == 0) &&
	       relay_active(r) == 0 && relay_report_is_idle(r->d.report);
}

void
world_wait_idle(struct world *w)
{
	relay_kick(w->relay);
	world_wait(w, is_idle, w);
}

static void
stop(void *arg)
{
	struct world *w = arg;

	if (!w->stopped) {
		relay_stop(w->relay);
		w->stopped = true;
		if (w->stop_now) /* a few rounds later, as maild does */
			timer_set(w->stop, 5);
		return;
	}
	w->came = true;
	end_run(w);
}

void
world_stop_after(struct world *w, int64_t ms, bool now)
{
	w->stop = timer_new(w->loop, stop, w);
	w->stop_now = now;
	timer_set(w->stop, ms);
}

/* ---- the store ---- */

static int
queue_it(struct db *db, void *arg, struct fail *f)
{
	return delivery_run(db, arg, NULL, NULL, f);
}

static int64_t
put_in_queue(struct world *w, const char *sender, const char *recipients,
    struct str message, bool utf8)
{
	static const struct str head = STR("Return-Path: <x>\r\n");
	struct str rest = str_of(recipients);
	struct delivery_target *targets = NULL;
	struct stage *stage = stage_new(w->dir);
	struct delivery d = {
	    .trace = hop_new_trace(&w->traces),
	    .stage = stage,
	    .skip = head.len,
	    .sender = str_of(sender),
	    .message_id = STR("<1@d.test>"),
	    .now_ms = clock_wall_ms(&w->clock),
	    .utf8 = utf8,
	    .account = w->bob, /* one of ours sent it */
	    .daemon = HOP_SMTPD,
	};

	d.expires_ms = d.now_ms + w->conf->relay_expire;
	while (rest.len > 0) {
		targets = mem_grow(targets, d.n_targets + 1, sizeof(*targets));
		targets[d.n_targets++] = (struct delivery_target){
		    .address = str_cut(&rest, ' ')};
	}
	d.targets = targets;
	stage_add(stage, message);
	MUST(stage_seal(stage, head, &f));
	MUST(db_write(w->db, queue_it, &d, &f));
	stage_free(stage);
	free(targets);
	return d.trace;
}

int64_t
world_deliver(struct world *w, struct delivery *d, struct str message)
{
	static const struct str head = STR("Return-Path: <x>\r\n");
	struct stage *stage = stage_new(w->dir);

	d->trace = hop_new_trace(&w->traces);
	d->stage = stage;
	d->skip = head.len;
	d->message_id = STR("<1@d.test>");
	d->now_ms = clock_wall_ms(&w->clock);
	d->expires_ms = d->now_ms + w->conf->relay_expire;
	d->daemon = HOP_SMTPD;
	stage_add(stage, message);
	MUST(stage_seal(stage, head, &f));
	MUST(db_write(w->db, queue_it, d, &f));
	stage_free(stage);
	return d->trace;
}

int64_t
world_queue(struct world *w, const char *sender, const char *recipients,
    struct str message)
{
	return put_in_queue(w, sender, recipients, message, false);
}

int64_t
world_queue_utf8(struct world *w, const char *recipients, struct str message)
{
	return put_in_queue(w, "bob@d.test", recipients, message, true);
}

struct reading {
	struct world *w;
	struct queue_list list;
	struct buf *out;
	int64_t trace;
	size_t n;
};

static int
read_queue(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	return queue_read(
	    db, &(struct queue_filter){0}, 0, 100000, &r->list, f);
}

size_t
world_queued(struct world *w)
{
	struct reading r = {.w = w};
	size_t n;

	MUST(db_read(w->db, read_queue, &r, &f));
	n = r.list.n;
	queue_list_release(&r.list);
	return n;
}

bool
world_entry(struct world *w, const char *address, struct queue_entry *e)
{
	struct reading r = {.w = w};
	bool found = false;

	MUST(db_read(w->db, read_queue, &r, &f));
	for (size_t i = 0; i < r.list.n && !found; i++)
		if (str_eq(
			str_of(r.list.entries[i].address), str_of(address))) {
			*e = r.list.entries[i];
			r.list.entries[i] = (struct queue_entry){0};
			found = true;
		}
	queue_list_release(&r.list);
	return found;
}

static int
read_inbox(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;
	struct message_row *list = NULL;
	struct mailbox box;
	struct body *body;

	if (mailbox_find(db, r->w->bob, STR("INBOX"), &box, f) != 1 ||
	    message_rows(
		db, box.id, 1, UINT32_MAX, SIZE_MAX, &list, &r->n, f) == -1)
		return -1;
	if (r->n > 0 && r->out != NULL) {
		body = body_open(db, list[r->n - 1].body, f);
		buf_clear(r->out);
		while (body_read(body, 4096, r->out, f) == 1)
			;
		body_free(body);
	}
	free(list);
	return 0;
}

size_t
world_inbox(struct world *w, struct buf *last)
{
	struct reading r = {.w = w, .out = last};

	MUST(db_read(w->db, read_inbox, &r, &f));
	return r.n;
}

static void
no_head(void *arg, const struct journey *j)
{
	(void)arg;
	(void)j;
}

static void
add_hop(void *arg, const struct hop *h)
{
	struct reading *r = arg;

	buf_addf(r->out, "%s %.*s %.*s %d %.*s\n", hop_kind_word(h->kind),
	    STR_FMT(h->recipient), STR_FMT(h->peer), h->code,
	    STR_FMT(h->detail));
}

static int
read_journey(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	return journey_read(db, r->trace, no_head, add_hop, r, f) == 1 ? 0 : -1;
}

void
world_journey(struct world *w, int64_t trace, struct buf *out)
{
	struct reading r = {.w = w, .out = out, .trace = trace};

	buf_clear(out);
	MUST(db_read(w->db, read_journey, &r, &f));
}

static void
add_attempt(void *arg, const struct attempt_row *a)
{
	buf_addf(arg, "%.*s\n%.*s", STR_FMT(a->host), STR_FMT(a->dialogue));
}

static int
read_attempts(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	return attempt_list(db, r->trace, add_attempt, r->out, f);
}

void
world_attempts(struct world *w, int64_t trace, struct buf *out)
{
	struct reading r = {.w = w, .out = out, .trace = trace};

	buf_clear(out);
	MUST(db_read(w->db, read_attempts, &r, &f));
}

void
world_log(struct world *w, struct buf *out)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	buf_clear(out);
	while ((n = pread(w->log_fd, piece, sizeof(piece), at)) > 0) {
		buf_add(out, (struct str){piece, (size_t)n});
		at += n;
	}
}

bool
world_has(const struct buf *text, const char *what)
{
	size_t at;

	if (str_find_str(buf_str(text), str_of(what), &at))
		return true;
	fprintf(stderr, "\"%s\" is not in:\n%s\n", what,
	    text->data != NULL ? text->data : "");
	return false;
}
