/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim_sign.h"

#include "common/policy/canon.h"
#include "common/policy/dkim.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

#define HEADER                                                                 \
	"Received: from x by y\r\n"                                            \
	"From:  Alice \t <alice@example.org>\r\n"                              \
	"To: bob@example.net,\r\n carol@example.net\r\n"                       \
	"Subject: all  of it\r\n"                                              \
	"Sender: a@example.org\r\n"                                            \
	"X-Mine: x\r\n"
#define BODY "Hi  there. \r\n\r\n\r\n"

struct signer {
	struct key_private *key;
	struct zone *zone;
	enum key_algorithm algorithm;
};

static void
signer_make(struct signer *s, enum key_algorithm a, const char *name)
{
	struct buf secret, record, line;
	struct fail f = {0};

	buf_init(&secret, 4 * KB);
	buf_init(&record, 4 * KB);
	buf_init(&line, 4 * KB);
	CHECK(key_make(a, &secret, &record, &f) == 0);
	buf_addf(&line, "%s TXT %s", name, record.data);
	s->key = key_private_read(buf_str(&secret), &f);
	s->zone = zone_new();
	s->algorithm = a;
	CHECK(zone_add(s->zone, buf_str(&line)));
	buf_release(&line);
	buf_release(&record);
	buf_release(&secret);
}

static void
signer_release(struct signer *s)
{
	key_private_free(s->key);
	zone_free(s->zone);
}

static void
sign(const struct signer *s, const char *domain, const char *selector,
    struct buf *field)
{
	struct body_hashes *h = body_hashes_new();
	struct dkim_sign job = {.domain = str_of(domain),
	    .selector = str_of(selector),
	    .algorithm = s->algorithm,
	    .now_s = 1700000000,
	    .block = STR(HEADER)};
	struct buf signature;
	uint8_t digest[KEY_DIGEST_LEN];
	struct fail f = {0};
	size_t place;

	buf_init(&signature, KEY_SIGNATURE_MAX);
	body_hashes_want(h, CANON_RELAXED, BODY_HASH_ALL, &place);
	body_hashes_feed(h, STR(BODY));
	body_hashes_end(h);
	job.body_hash = body_hashes_get(h, place);
	dkim_sign_digest(&job, field, digest);
	CHECK(key_sign(s->key, digest, &signature, &f) == 0);
	dkim_sign_finish(field, buf_str(&signature));
	CHECK(!field->overrun);
	buf_release(&signature);
	body_hashes_free(h);
}

/* What is thought of it with these fields above and below. */
static enum dkim_result
check(const struct signer *s, struct str above, struct str field,
    struct str below, struct str body)
{
	struct facts *f = facts_new();
	struct buf block;
	struct dkim *d;
	enum dkim_result r;

	buf_init(&block, 64 * KB);
	buf_add(&block, above);
	buf_add(&block, field);
	buf_add(&block, below);
	d = dkim_new(buf_str(&block), 1700000001);
	dkim_body(d, body);
	dkim_body_end(d);
	while (!dkim_check(d, f) && zone_answer(s->zone, f) > 0)
		;
	CHECK(dkim_count(d) == 1);
	r = dkim_verdict(d, 0)->result;
	dkim_free(d);
	facts_free(f);
	buf_release(&block);
	return r;
}

/* No line is over 77 columns, each but the first is a fold. */
static void
check_lines(struct str field)
{
	bool first = true;

	CHECK(str_ends_nocase(field, STR("\r\n")));
	for (; field.len > 0; first = false) {
		struct str line = str_cut(&field, '\n');
		size_t width = line.len - 1;

		CHECK(line.at[width] == '\r');
		if (!first) {
			CHECK(line.at[0] == '\t' && width > 1);
			width += 7;
		}
		CHECK(width < 78);
	}
}

static void
check_signed(enum key_algorithm a)
{
	static const struct {
		struct str above;
		enum dkim_result want;
	} added[] = {
	    {STR(""),				 DKIM_PASS},
	    {STR("Received: from y by z\r\n"),        DKIM_PASS},
	    {STR("X-Other: x\r\n"),                   DKIM_PASS},
	    {STR("List-Id: <a.example>\r\n"),         DKIM_PASS},
	    {STR("Resent-From: c@example\r\n"),       DKIM_PASS},
	    {STR("From: eve@example.com\r\n"),        DKIM_FAIL},
	    {STR("To: eve@example.com\r\n"),          DKIM_FAIL},
	    {STR("Cc: eve@example.com\r\n"),          DKIM_FAIL},
	    {STR("Reply-To: eve@example.com\r\n"),    DKIM_FAIL},
	    {STR("Sender: eve@example.com\r\n"),      DKIM_FAIL},
	    {STR("subject: forged\r\n"),              DKIM_FAIL},
	    {STR("Date: x\r\n"),                      DKIM_FAIL},
	    {STR("Message-ID: <x@y>\r\n"),            DKIM_FAIL},
	    {STR("In-Reply-To: <x@y>\r\n"),           DKIM_FAIL},
	    {STR("References: <x@y>\r\n"),            DKIM_FAIL},
	    {STR("MIME-Version: 1.0\r\n"),            DKIM_FAIL},
	    {STR("Content-Type: text/html\r\n"),      DKIM_FAIL},
	    {STR("Content-Transfer-Encoding: x\r\n"), DKIM_FAIL},
	};
	struct signer s;
	struct buf field;

	signer_make(&s, a, "s1._domainkey.example.org");
	buf_init(&field, 16 * KB);
	sign(&s, "example.org", "s1", &field);
	CHECK(str_starts(buf_str(&field),
	    a == KEY_RSA ? STR("DKIM-Signature: v=1; a=rsa-sha256; ")
			 : STR("DKIM-Signature: v=1; a=ed25519-sha256; ")));
	check_lines(buf_str(&field));
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		CHECK(check(&s, added[i].above, buf_str(&field), STR(HEADER),
			  STR(BODY)) == added[i].want);
	/* what relaxed forgives, and what it does not */
	CHECK(check(&s, STR(""), buf_str(&field), STR(HEADER),
		  STR("Hi there.\r\n")) == DKIM_PASS);
	CHECK(check(&s, STR(""), buf_str(&field), STR(HEADER),
		  STR("Hi there!\r\n")) == DKIM_FAIL);
	buf_release(&field);
	signer_release(&s);
}

/* What it says of itself. */
static void
check_tags(void)
{
	static const struct str names = STR(
	    "h=from:from:reply-to:to:to:cc:subject:subject:date:message-id:"
	    "in-reply-to:references:mime-version:content-type:"
	    "content-transfer-encoding:sender:sender;");
	struct signer s;
	struct buf field, flat;
	size_t at;

	signer_make(&s, KEY_ED25519, "s1._domainkey.example.org");
	buf_init(&field, 16 * KB);
	buf_init(&flat, 16 * KB);
	buf_add(&field, STR("before"));
	sign(&s, "example.org", "s1", &field); /* appended */
	CHECK(str_starts(buf_str(&field), STR("beforeDKIM-Signature: v=1;")));
	for (size_t i = 0; i < field.len; i++)
		if (field.data[i] != ' ' && field.data[i] != '\t' &&
		    field.data[i] != '\r' && field.data[i] != '\n')
			buf_add_char(&flat, field.data[i]);
	CHECK(str_find_str(buf_str(&flat), names, &at));
	CHECK(str_find_str(buf_str(&flat),
	    STR("c=relaxed/relaxed;d=example.org;s=s1;t=1700000000;h="), &at));
	CHECK(!str_find_str(buf_str(&flat), STR(";x="), &at));
	CHECK(!str_find_str(buf_str(&flat), STR(";l="), &at));
	buf_release(&flat);
	buf_release(&field);
	signer_release(&s);
}

/* Names as long as they get (a line of such a one is as long as it is). */
static void
check_long(void)
{
#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
	static const char domain[] = L60 "." L60 "." L60 ".example";
	struct signer s;
	struct buf field;

	signer_make(
	    &s, KEY_ED25519, "sel._domainkey." L60 "." L60 "." L60 ".example");
	buf_init(&field, 16 * KB);
	sign(&s, domain, "sel", &field);
	CHECK(check(&s, STR(""), buf_str(&field), STR(HEADER), STR(BODY)) ==
	      DKIM_PASS);
	buf_clear(&field);
	field.limit = 100; /* too small is told, not cut */
	dkim_sign_digest(&(struct dkim_sign){.domain = STR("example.org"),
			     .selector = STR("s"),
			     .block = STR(HEADER),
			     .body_hash = (const uint8_t *)L60},
	    &field, (uint8_t[KEY_DIGEST_LEN]){0});
	CHECK(field.overrun);
	buf_release(&field);
	signer_release(&s);
}

int
main(void)
{
	check_signed(KEY_RSA);
	check_signed(KEY_ED25519);
	check_tags();
	check_long();
	return TEST_EXIT();
}
