/* SPDX-License-Identifier: MIT */
#include "maild/relay/tls_report_mail.h"

#include <assert.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/policy/tlsrpt.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define DAY_S       86400
#define GZIP        (MAX_WBITS + 16)
#define MEMORY      8  /* zlib's default */
#define BASE64_LINE 57 /* octets that become 76 */
#define DATE_LEN    10 /* "2026-11-22" */

/* The same for each try: who gets it twice can tell (s5.3). */
static void
add_id(const struct tls_report_about *a, struct buf *out)
{
	char date[DATE_TEXT_MAX];

	date_iso(a->day * DAY_S, date);
	buf_addf(out, "%.*s.%.*s@%.*s", DATE_LEN, date, STR_FMT(a->domain),
	    STR_FMT(a->submitter));
}

void
tls_report_contact(const struct tls_report_about *a, struct buf *out)
{
	buf_addf(out, "postmaster@%.*s", STR_FMT(a->submitter));
}

void
tls_report_json(const struct tls_report_about *a, struct buf *out)
{
	size_t n = a->results->n;
	struct tlsrpt_row *rows = mem_new(n, sizeof(*rows));
	struct buf contact, id;
	struct tlsrpt_report r = {
	    .organization = a->host,
	    .begin_s = a->day * DAY_S,
	    .end_s = (a->day + 1) * DAY_S - 1,
	    .rows = rows,
	    .n = n,
	};

	buf_init(&contact, KB);
	buf_init(&id, KB);
	tls_report_contact(a, &contact);
	add_id(a, &id);
	r.contact = buf_str(&contact);
	r.id = buf_str(&id);
	for (size_t i = 0; i < n; i++) {
		const struct tls_result_row *row = &a->results->rows[i];

		rows[i] = (struct tlsrpt_row){
		    .policy = row->policy,
		    .result = row->result,
		    .host = row->host,
		    .ip = row->ip,
		    .source = row->source,
		    .reason = row->reason,
		    .sessions = row->sessions,
		};
	}
	tlsrpt_compose(&r, out);
	buf_release(&id);
	buf_release(&contact);
	free(rows);
}

bool
tls_report_gzip(struct str bytes, struct buf *out)
{
	z_stream z = {0};
	char *room;
	size_t most;
	int rc = deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, MEMORY,
	    Z_DEFAULT_STRATEGY);

	assert(rc == Z_OK); /* only memory can be missing */
	most = deflateBound(&z, bytes.len);
	room = buf_reserve(out, most);
	if (room != NULL) {
		z.next_in = (const Bytef *)bytes.at;
		z.avail_in = (uInt)bytes.len;
		z.next_out = (Bytef *)room;
		z.avail_out = (uInt)most;
		rc = deflate(&z, Z_FINISH);
		assert(rc == Z_STREAM_END);
		buf_added(out, z.total_out);
	}
	deflateEnd(&z);
	return room != NULL;
}

static void
add_list(const struct tls_report_letter *l, struct buf *out)
{
	struct buf list;

	buf_init(&list, 4 * KB);
	for (size_t i = 0; i < l->n; i++) {
		buf_add(&list, i > 0 ? STR(", ") : STR(""));
		buf_add(&list, l->to[i]);
	}
	compose_field(STR("To"), buf_str(&list), out);
	buf_release(&list);
}

static void
add_boundary(const struct tls_report_letter *l, struct buf *out)
{
	buf_addf(out, "=_tlsrpt-%016llx", (unsigned long long)l->random);
}

static void
add_part(const struct tls_report_letter *l, struct buf *out)
{
	buf_add(out, STR("\r\n--"));
	add_boundary(l, out);
	buf_add(out, STR("\r\n"));
}

static void
add_header(const struct tls_report_about *a, const struct tls_report_letter *l,
    struct buf *out)
{
	char date[DATE_TEXT_MAX];
	struct buf text;

	buf_init(&text, 4 * KB);
	tls_report_contact(a, &text);
	compose_field(STR("From"), buf_str(&text), out);
	add_list(l, out);
	compose_field(STR("Date"), str_of(date_text(l->now_s, date)), out);
	buf_clear(&text);
	compose_message_id(l->now_s, l->random, a->host, &text);
	compose_field(STR("Message-ID"), buf_str(&text), out);
	buf_clear(&text);
	buf_addf(&text, "Report Domain: %.*s Submitter: %.*s Report-ID: <",
	    STR_FMT(a->domain), STR_FMT(a->submitter));
	add_id(a, &text);
	buf_add_char(&text, '>');
	compose_field(STR("Subject"), buf_str(&text), out);
	compose_field(STR("TLS-Report-Domain"), a->domain, out);
	compose_field(STR("TLS-Report-Submitter"), a->submitter, out);
	/* s3: it goes whatever is wrong with TLS (RFC 8689 s5) */
	buf_add(out, STR("TLS-Required: No\r\n"
			 "Auto-Submitted: auto-generated\r\n"
			 "MIME-Version: 1.0\r\n"
			 "Content-Type: multipart/report; "
			 "report-type=\"tlsrpt\";\r\n\tboundary=\""));
	add_boundary(l, out);
	buf_add(out, STR("\"\r\n\r\n"));
	buf_release(&text);
}

static void
add_words(const struct tls_report_about *a, struct buf *out)
{
	char date[DATE_TEXT_MAX];
	int64_t good = 0, bad = 0;

	for (size_t i = 0; i < a->results->n; i++) {
		const struct tls_result_row *r = &a->results->rows[i];

		*(r->result.len == 0 ? &good : &bad) += r->sessions;
	}
	date_iso(a->day * DAY_S, date);
	buf_add(out, STR("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
	buf_addf(out,
	    "This is an aggregate TLS report (RFC 8460) from %.*s\r\n"
	    "about the mail servers of %.*s\r\n"
	    "for %.*s, from 00:00 to 24:00 UTC.\r\n\r\n"
	    "Sessions that were as safe as they should be: %lld\r\n"
	    "Sessions that were not: %lld\r\n",
	    STR_FMT(a->host), STR_FMT(a->domain), DATE_LEN, date,
	    (long long)good, (long long)bad);
}

/* s5.1 */
static void
add_file(const struct tls_report_about *a, struct str packed, struct buf *out)
{
	buf_add(out, STR("Content-Type: application/tlsrpt+gzip\r\n"
			 "Content-Transfer-Encoding: base64\r\n"
			 "Content-Disposition: attachment;\r\n\tfilename=\""));
	buf_addf(out, "%.*s!%.*s!%lld!%lld.json.gz\"\r\n\r\n",
	    STR_FMT(a->submitter), STR_FMT(a->domain),
	    (long long)(a->day * DAY_S), (long long)((a->day + 1) * DAY_S - 1));
	while (packed.len > 0) {
		enc_base64(str_first(packed, BASE64_LINE), out);
		buf_add(out, STR("\r\n"));
		packed = str_after(packed, BASE64_LINE);
	}
}

void
tls_report_compose(const struct tls_report_about *a,
    const struct tls_report_letter *l, struct buf *out)
{
	add_header(a, l, out);
	buf_add(out, STR("This is a message in MIME format.\r\n"));
	add_part(l, out);
	add_words(a, out);
	add_part(l, out);
	add_file(a, l->packed, out);
	buf_add(out, STR("\r\n--"));
	add_boundary(l, out);
	buf_add(out, STR("--\r\n"));
}
