/* SPDX-License-Identifier: MIT */
/* What is counted, and who is told of it on the day after. */
#include "maild/relay/tls_report.h"

#include <zlib.h>

#include "common/mime/header.h"
#include "common/net/https.h"
#include "common/net/tlsa.h"
#include "common/store/body.h"
#include "common/store/sql.h"
#include "common/util/enc.h"
#include "maild/relay/tls_results.h"
#include "tests/unit/maild/web_actor.h"
#include "tests/unit/maild/world.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define DAY_MS  (24 * HOUR_MS)

struct rig {
	struct world w;
	struct web_actor web;
	struct relay_deps deps;
	struct zone_row zone[8];
	char rua[200];
	int queued;
};

static void
on_queued(void *arg)
{
	((struct rig *)arg)->queued++;
}

static void
rig_open(struct rig *r)
{
	struct fail f = {0};
	int64_t now_ms;

	*r = (struct rig){0};
	world_init(&r->w, r->zone, 0);
	web_actor_open(&r->web, r->w.loop, "web.e.test");
	r->web.end = "\x1f\x8b"; /* gzip has come; its end comes with it */
	world_start(&r->w);
	free(r->w.conf->test_clock);
	r->w.conf->test_clock = mem_dup(STR("x")); /* look often */
	r->deps = (struct relay_deps){
	    .loop = r->w.loop,
	    .store = r->w.store,
	    .resolver = r->w.resolver,
	    .workers = r->w.workers,
	    .conf = r->w.conf,
	    .log = &r->w.log,
	    .clock = &r->w.clock,
	    .traces = &r->w.traces,
	    .notice = &r->w.notice,
	};
	r->deps.https = https_new(r->w.loop, r->web.ca, &f);
	CHECK_STR(f.text, "");
	r->deps.results = tls_results_new(&r->deps);
	/* noon: the test does not see midnight come */
	now_ms = clock_wall_ms(&r->w.clock);
	r->w.ahead_ms += DAY_MS - now_ms % DAY_MS + 12 * HOUR_MS;
}

static void
add_row(struct rig *r, const char *name, enum dns_type type, const char *data)
{
	r->zone[r->w.n_zone++] = (struct zone_row){name, type, data};
}

static void
rig_close(struct rig *r, struct tls_report *report)
{
	tls_report_stop(report);
	tls_results_stop(r->deps.results);
	relay_stop(r->w.relay);
	workers_free(r->w.workers);
	store_close(r->w.store);
	r->w.store = NULL;
	r->w.workers = NULL;
	tls_report_free(report);
	tls_results_free(r->deps.results);
	https_free(r->deps.https);
	web_actor_close(&r->web);
	world_release(&r->w);
}

static int64_t
number(struct rig *r, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = -1;

	CHECK(sqlite3_prepare_v2(r->w.db->sqlite, sql, -1, &st, NULL) ==
	      SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

#define POLICY "version: STSv1\nmode: testing\nmx: *.e.test\nmax_age: 9\n"

static void
note(struct rig *r, const char *domain, enum tls_result result, bool sts)
{
	struct mtasts_policy policy;
	const char *why;
	struct tls_session s = {
	    .domain = str_of(domain),
	    .sts = sts ? &policy : NULL,
	    .sts_text = sts ? STR(POLICY) : STR(""),
	    .result = result,
	    .host = STR("mx.e.test"),
	    .ip = STR("192.0.2.1"),
	    .reason = str_of(result == TLS_RESULT_OK ? "" : "a \"reason\""),
	};

	CHECK(mtasts_policy_parse(STR(POLICY), &policy, &why));
	tls_results_note(r->deps.results, &s);
}

static void
note_dane(struct rig *r, const char *domain)
{
	const struct tlsa tlsa[] = {
	    {3, 1, 1, STR("\xab\x12")},
            {2, 0, 2, STR("\x01")    }
        };

	tls_results_note(
	    r->deps.results, &(struct tls_session){.domain = str_of(domain),
				 .tlsa = tlsa,
				 .n_tlsa = 2,
				 .host = STR("mx.e.test")});
}

static bool
is_counted(void *arg)
{
	return number(arg, "SELECT count(*) FROM tls_result") > 0;
}

static bool
is_told(void *arg)
{
	return number(arg, "SELECT count(*) FROM tls_result") == 0;
}

static void
count_today(struct rig *r)
{
	for (int i = 0; i < 3; i++)
		note(r, "e.test", TLS_RESULT_OK, true);
	note(r, "e.test", TLS_RESULT_EXPIRED, true);
	note(r, "e.test", TLS_RESULT_STS_FETCH_ERROR, false);
	note(r, "e.test", TLS_RESULT_OK, false);
	note_dane(r, "e.test");
	tls_results_flush(r->deps.results);
	world_wait(&r->w, is_counted, r);
	CHECK(number(r, "SELECT sum(sessions) FROM tls_result") == 7);
	CHECK(number(r, "SELECT count(*) FROM tls_result") == 5);
	/* the same again, in part */
	note(r, "e.test", TLS_RESULT_OK, true);
	tls_results_flush(r->deps.results);
}

/* ---- what comes ---- */

struct letter {
	struct rig *rig;
	struct buf text;
	int64_t body;
};

static int
read_body(struct db *db, void *arg, struct fail *f)
{
	struct letter *l = arg;
	struct body *body = body_open(db, l->body, f);

	if (body == NULL)
		return -1;
	while (body_read(body, 64 * KB, &l->text, f) == 1)
		;
	body_free(body);
	return 0;
}

static void
check_json(struct str packed)
{
	char text[8192];
	z_stream z = {.next_in = (Bytef *)(void *)(uintptr_t)packed.at,
	    .avail_in = (uInt)packed.len,
	    .next_out = (Bytef *)text,
	    .avail_out = sizeof(text) - 1};

	CHECK(inflateInit2(&z, MAX_WBITS + 16) == Z_OK);
	CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END);
	text[z.total_out] = '\0';
	inflateEnd(&z);
	CHECK(strstr(text, "{\"organization-name\":\"mx.d.test\",") == text);
	CHECK(strstr(text, "\"contact-info\":\"postmaster@d.test\"") != NULL);
	CHECK(strstr(text, "T00:00:00Z\",\"end-datetime\":\"") != NULL);
	CHECK(strstr(text, "\"policy-string\":[\"3 1 1 ab12\",\"2 0 2 01\"]") !=
	      NULL);
	CHECK(strstr(text, "\"policy-type\":\"no-policy-found\"") != NULL);
	CHECK(strstr(text,
		  "\"policy-string\":[\"version: STSv1\",\"mode: testing\","
		  "\"mx: *.e.test\",\"max_age: 9\"],\"policy-domain\":"
		  "\"e.test\",\"mx-host\":[\"*.e.test\"]},\"summary\":{"
		  "\"total-successful-session-count\":4,"
		  "\"total-failure-session-count\":1},\"failure-details\":[{"
		  "\"result-type\":\"certificate-expired\","
		  "\"receiving-mx-hostname\":\"mx.e.test\","
		  "\"receiving-ip\":\"192.0.2.1\",\"failed-session-count\":1,"
		  "\"failure-reason-code\":\"a \\\"reason\\\"\"}]}") != NULL);
	CHECK(strstr(text,
		  "\"policy-string\":[],\"policy-domain\":\"e.test\"},"
		  "\"summary\":{\"total-successful-session-count\":0,"
		  "\"total-failure-session-count\":1},\"failure-details\":[{"
		  "\"result-type\":\"sts-policy-fetch-error\"") != NULL);
}

static bool
field_is(struct str block, const char *name, const char *want)
{
	struct header_field field;
	struct buf value;
	bool is = false;

	buf_init(&value, 4 * KB);
	buf_add(&value, STR(""));
	if (header_find(block, str_of(name), &field)) {
		header_unfold(field.value, &value);
		is = str_eq(str_trim(buf_str(&value)), str_of(want));
	}
	if (!is)
		fprintf(stderr, "%s: %.*s\n", name, STR_FMT(buf_str(&value)));
	buf_release(&value);
	return is;
}

/* The part behind the last empty line but that before the end. */
static void
check_attachment(struct str body)
{
	static const struct str head = STR(".json.gz\"\r\n\r\n");
	struct buf text, packed;
	struct str rest;
	size_t at;

	buf_init(&text, MB);
	buf_init(&packed, MB);
	CHECK(str_find_str(body,
	    STR("Content-Type: application/tlsrpt+gzip"
		"\r\nContent-Transfer-Encoding: base64"),
	    &at));
	CHECK(str_find_str(body, head, &at));
	rest = str_after(body, at + head.len);
	while (rest.len > 0) {
		struct str line = str_cut(&rest, '\n');

		line.len -= line.len > 0;
		if (line.len == 0)
			break;
		CHECK(line.len <= 76);
		buf_add(&text, line);
	}
	CHECK(enc_base64_decode(buf_str(&text), &packed));
	check_json(buf_str(&packed));
	buf_release(&packed);
	buf_release(&text);
}

static void
check_letter(struct rig *r, const char *to, const char *day)
{
	struct letter l = {.rig = r};
	struct str block, body;
	char subject[200];

	l.body = number(r, "SELECT body FROM queue");
	buf_init(&l.text, MB);
	MUST(db_read(r->w.db, read_body, &l, &f));
	header_split(buf_str(&l.text), &block, &body);
	CHECK(field_is(block, "Return-Path", "<postmaster@d.test>"));
	CHECK(field_is(block, "From", "postmaster@d.test"));
	CHECK(field_is(block, "To", to));
	CHECK(field_is(block, "TLS-Report-Domain", "e.test"));
	CHECK(field_is(block, "TLS-Report-Submitter", "d.test"));
	CHECK(field_is(block, "TLS-Required", "No"));
	snprintf(subject, sizeof(subject),
	    "Report Domain: e.test Submitter: d.test Report-ID: "
	    "<%s.e.test@d.test>",
	    day);
	CHECK(field_is(block, "Subject", subject));
	CHECK(header_count(block, STR("Message-ID")) == 1);
	CHECK(header_count(block, STR("Date")) == 1);
	check_attachment(body);
	buf_release(&l.text);
}

static void
day_of(const struct rig *r, char out[11])
{
	char iso[40];
	time_t now_s = (time_t)(clock_wall_ms(&r->w.clock) / 1000);
	struct tm tm;

	gmtime_r(&now_s, &tm);
	strftime(iso, sizeof(iso), "%Y-%m-%d", &tm);
	memcpy(out, iso, 10);
	out[10] = '\0';
}

static void
test_mail(void)
{
	struct tls_report *report;
	struct rig r;
	char day[11];

	rig_open(&r);
	add_row(&r, "_smtp._tls.e.test", DNS_TXT,
	    "v=TLSRPTv1; rua=mailto:tls@e.test");
	count_today(&r);
	day_of(&r, day);
	report = tls_report_new(&r.deps, on_queued, &r);
	/* not on the same day, and not at once on the next */
	world_wait_idle(&r.w);
	CHECK(is_counted(&r));
	r.w.ahead_ms += DAY_MS;
	world_wait(&r.w, is_told, &r);
	CHECK(r.queued == 1 || number(&r, "SELECT count(*) FROM queue") == 1);
	CHECK(number(&r, "SELECT count(*) FROM queue") == 1);
	CHECK(number(&r, "SELECT tls_optional FROM queue") == 1);
	CHECK(number(&r, "SELECT notify FROM recipient") == 1);
	check_letter(&r, "tls@e.test", day);
	rig_close(&r, report);
}

static bool
has_posted(void *arg)
{
	struct rig *r = arg;

	return r->web.requests >= 1 && is_told(r);
}

static void
test_post(void)
{
	struct tls_report *report;
	struct rig r;

	rig_open(&r);
	r.web.answer = "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n";
	snprintf(r.rua, sizeof(r.rua),
	    "v=TLSRPTv1; rua=https://web.e.test:%u/v1?x", r.web.port);
	add_row(&r, "_smtp._tls.e.test", DNS_TXT, r.rua);
	add_row(&r, "web.e.test", DNS_A, "127.0.0.1");
	count_today(&r);
	r.w.ahead_ms += DAY_MS;
	report = tls_report_new(&r.deps, on_queued, &r);
	world_wait(&r.w, has_posted, &r);
	CHECK(r.web.requests == 1);
	CHECK(str_starts(buf_str(&r.web.got),
	    STR("POST /v1?x HTTP/1.1\r\nHost: web.e.test")));
	CHECK(number(&r, "SELECT count(*) FROM queue") == 0);
	rig_close(&r, report);
}

static bool
is_refused(void *arg)
{
	return ((struct rig *)arg)->web.requests >= 1;
}

static bool
is_refused_twice(void *arg)
{
	return ((struct rig *)arg)->web.requests >= 2;
}

static bool
log_says(struct rig *r, const char *what)
{
	struct buf log;
	bool is;

	buf_init(&log, MB);
	world_log(&r->w, &log);
	is = world_has(&log, what);
	buf_release(&log);
	return is;
}

static bool
is_put_off(void *arg)
{
	return log_says(arg, "was not told yet: nobody took it");
}

/* A place that does not take it is asked again, for a day; that maild comes so
 * late does not count. */
static void
test_retry(void)
{
	struct tls_report *report;
	struct rig r;

	rig_open(&r);
	r.web.answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
	snprintf(r.rua, sizeof(r.rua), "v=TLSRPTv1; rua=https://web.e.test:%u/",
	    r.web.port);
	add_row(&r, "_smtp._tls.e.test", DNS_TXT, r.rua);
	add_row(&r, "web.e.test", DNS_A, "127.0.0.1");
	count_today(&r);
	r.w.ahead_ms += 5 * DAY_MS;
	report = tls_report_new(&r.deps, on_queued, &r);
	world_wait(&r.w, is_refused, &r);
	world_wait(&r.w, is_put_off, &r);
	CHECK(is_counted(&r));
	r.w.ahead_ms += HOUR_MS;
	world_wait(&r.w, is_refused_twice, &r);
	CHECK(is_counted(&r));
	/* enough is enough */
	r.w.ahead_ms += DAY_MS;
	world_wait(&r.w, is_told, &r);
	CHECK(log_says(&r, "was not told: nobody took it"));
	CHECK(number(&r, "SELECT count(*) FROM queue") == 0);
	rig_close(&r, report);
}

static bool
is_unwritten(void *arg)
{
	return log_says(arg, "TLS report for e.test: ");
}

/* Behind the store's back. */
static int
run_sql(struct db *db, void *arg, struct fail *f)
{
	return sql_exec(db->sqlite, arg, f);
}

/* What cannot be written is forgotten in the end too. */
static void
test_unwritten(void)
{
	struct tls_report *report;
	struct rig r;

	rig_open(&r);
	add_row(&r, "_smtp._tls.e.test", DNS_TXT,
	    "v=TLSRPTv1; rua=mailto:tls@e.test");
	count_today(&r);
	MUST(db_write(r.w.db, run_sql,
	    (void *)(uintptr_t) "CREATE TRIGGER no BEFORE INSERT ON recipient"
				" BEGIN SELECT RAISE(ABORT, 'no'); END",
	    &f));
	r.w.ahead_ms += DAY_MS;
	report = tls_report_new(&r.deps, on_queued, &r);
	world_wait(&r.w, is_unwritten, &r);
	CHECK(is_counted(&r));
	r.w.ahead_ms += DAY_MS;
	world_wait(&r.w, is_told, &r);
	CHECK(number(&r, "SELECT count(*) FROM queue") == 0);
	CHECK(r.queued == 0);
	rig_close(&r, report);
}

/* The clock goes back to a day that is reported: it gets no second report. */
static void
test_day_again(void)
{
	struct rig r;
	int64_t day;

	rig_open(&r);
	day = clock_wall_ms(&r.w.clock) / DAY_MS;
	tls_results_close(r.deps.results, day);
	note(&r, "again.test", TLS_RESULT_OK, false);
	r.w.ahead_ms += DAY_MS;
	count_today(&r);
	CHECK(number(&r, "SELECT count(*) FROM tls_result"
			 " WHERE domain = 'again.test'") == 0);
	rig_close(&r, NULL);
}

/* Nobody wants to know, or says it in a way that cannot be. */
static void
test_nobody(void)
{
	static const char *const records[] = {
	    NULL, "v=TLSRPTv1", "v=spf1 -all"};
	struct rig r;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct tls_report *report;

		rig_open(&r);
		if (records[i] != NULL)
			add_row(&r, "_smtp._tls.e.test", DNS_TXT, records[i]);
		count_today(&r);
		r.w.ahead_ms += DAY_MS;
		report = tls_report_new(&r.deps, on_queued, &r);
		world_wait(&r.w, is_told, &r);
		CHECK(number(&r, "SELECT count(*) FROM queue") == 0);
		rig_close(&r, report);
	}
}

/* Into a mailbox here, by an alias or not. */
static void
test_local(void)
{
	struct tls_report *report;
	struct buf last;
	struct rig r;

	rig_open(&r);
	add_row(&r, "_smtp._tls.e.test", DNS_TXT,
	    "v=TLSRPTv1; rua=mailto:Bob@d.test");
	count_today(&r);
	r.w.ahead_ms += DAY_MS;
	report = tls_report_new(&r.deps, on_queued, &r);
	world_wait(&r.w, is_told, &r);
	buf_init(&last, MB);
	CHECK(world_inbox(&r.w, &last) == 1);
	CHECK(number(&r, "SELECT count(*) FROM queue") == 0);
	buf_release(&last);
	rig_close(&r, report);
}

int
main(void)
{
	test_mail();
	test_post();
	test_retry();
	test_unwritten();
	test_day_again();
	test_nobody();
	test_local();
	return TEST_EXIT();
}
