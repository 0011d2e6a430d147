/* SPDX-License-Identifier: MIT */
#include "common/dns/message.h"

#include <stdlib.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define VECTORS "tests/vectors/dns/packets.txt"

/* A copy of exactly this size, so that ASan sees a read beyond the end. */
static char *
tight(struct str s)
{
	char *copy = malloc(s.len > 0 ? s.len : 1);

	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return copy;
}

static bool
question_is_good(struct str bytes)
{
	struct dns_question q;

	return dns_question_parse(bytes, &q);
}

static bool
response_is_good(struct str bytes)
{
	struct dns_response r;
	struct dns_resource rr;
	struct buf rdata;
	int rc;

	if (!dns_response_parse(bytes, &r))
		return false;
	buf_init(&rdata, 64 * KB);
	while ((rc = dns_response_next(&r, &rr)) == 1) {
		buf_clear(&rdata);
		if (!dns_rdata_expand(&r, &rr, &rdata)) {
			rc = -1;
			break;
		}
	}
	buf_release(&rdata);
	return rc == 0;
}

static bool
mx_is_good(struct str bytes)
{
	uint16_t preference;
	char host[DNS_NAME_TEXT_MAX];

	return dns_mx_parse(bytes, &preference, host);
}

static const struct {
	const char *kind;
	bool (*good)(struct str bytes);
} kinds[] = {
    {"question", question_is_good},
    {"response", response_is_good},
    {"mx",       mx_is_good      },
};

/* The answer is the expected one, and what is cut short is refused.  (Not so a
 * question without the records behind it, which are not ours to read.) */
static void
check_vector(bool (*good)(struct str), struct str bytes, bool want, int line)
{
	char *copy = tight(bytes);

	if (good((struct str){copy, bytes.len}) != want) {
		fprintf(stderr, VECTORS ":%d: should be %s\n", line,
		    want ? "good" : "bad");
		test_failures++;
	}
	free(copy);
	for (size_t n = 0; n < bytes.len; n++) {
		struct str cut = str_first(bytes, n);

		copy = tight(cut);
		if (good((struct str){copy, n}) && want &&
		    good != question_is_good) {
			fprintf(stderr, VECTORS ":%d: good when cut to %zu\n",
			    line, n);
			test_failures++;
		}
		free(copy);
	}
}

static void
test_vectors(void)
{
	static char line[200000];
	FILE *f = fopen(VECTORS, "r");
	struct buf bytes;
	int n = 0, seen = 0;

	CHECK(f != NULL);
	if (f == NULL)
		return;
	buf_init(&bytes, 64 * KB);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct str rest = str_of(line);
		struct str kind = str_cut(&rest, ' ');
		struct str expect = str_cut(&rest, ' ');
		struct str hex = str_cut(&rest, ' ');

		n++;
		buf_clear(&bytes);
		if (str_eq(kind, STR("#")))
			continue;
		if (!str_eq(hex, STR("-")))
			CHECK(enc_hex_decode(hex, &bytes));
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (str_eq(kind, str_of(kinds[k].kind))) {
				check_vector(kinds[k].good, buf_str(&bytes),
				    str_eq(expect, STR("good")), n);
				seen++;
			}
	}
	CHECK(seen > 60);
	buf_release(&bytes);
	fclose(f);
}

static void
test_names(void)
{
	static const char x63[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				  "xxxxxxxxxxxxxxxxxxx";
	static const struct {
		const char *text;
		struct str wire; /* NULL: cannot be one */
	} names[] = {
	    {"",               STR("\0")          },
	    {"a.test",         STR("\1a\4test\0") },
	    {"a\\.b.c",        STR("\3a.b\1c\0")  },
	    {"\\000\\255\\\\", STR("\3\0\xff\\\0")},
	    {".",              {NULL, 0}          },
	    {"a.",             {NULL, 0}          },
	    {".a",             {NULL, 0}          },
	    {"a..b",           {NULL, 0}          },
	    {"a\\",            {NULL, 0}          },
	    {"a\\25",          {NULL, 0}          },
	    {"a\\256",         {NULL, 0}          },
	};
	struct buf out, text;
	char shown[DNS_NAME_TEXT_MAX];

	buf_init(&out, KB);
	buf_init(&text, 4 * KB);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool want = names[i].wire.at != NULL;

		buf_clear(&out);
		buf_add_char(&out, '!');
		CHECK(dns_name_write(&out, str_of(names[i].text)) == want);
		CHECK(str_eq(str_after(buf_str(&out), 1), names[i].wire));
	}
	CHECK(strlen(x63) == 63);
	buf_clear(&out);
	CHECK(dns_name_write(&out, str_of(x63)) && out.len == 65);
	buf_addf(&text, "%sx", x63);
	CHECK(!dns_name_write(&out, buf_str(&text)) && out.len == 65);
	buf_clear(&text);
	buf_addf(&text, "%s.%s.%s.%.61s", x63, x63, x63, x63);
	buf_clear(&out);
	CHECK(dns_name_write(&out, buf_str(&text)) && out.len == 255);
	buf_add_char(&text, 'x');
	CHECK(!dns_name_write(&out, buf_str(&text)) && out.len == 255);
	buf_release(&out);
	buf_release(&text);

	/* no dot that could be taken for the end of a label */
	CHECK(dns_name_parse(STR("\3a.b\1c\0"), shown));
	CHECK_STR(shown, "a\\046b.c");

	buf_init(&out, 5); /* no room */
	CHECK(!dns_name_write(&out, STR("a.test")) && out.len == 0);
	buf_release(&out);
}

/* What the stub server does, read back. */
static void
test_round_trip(void)
{
	static const struct str query = STR("\x12\x34\x01\0\0\1\0\0\0\0\0\0"
					    "\1A\4TEST\0\0\x0f\0\1");
	struct dns_question q;
	struct dns_response r;
	struct dns_resource rr;
	struct buf out;
	uint16_t preference;
	char host[DNS_NAME_TEXT_MAX];

	CHECK(dns_question_parse(query, &q));
	CHECK(q.id == 0x1234 && q.recursion_desired && q.type == 15);
	CHECK(q.class == 1);
	CHECK_STR(q.name, "a.test");
	buf_init(&out, 512);
	dns_response_begin(&out, &q, 0);
	dns_response_add(
	    &out, STR("a.test"), 15, 3600, STR("\0\x0a\2mx\1a\4test\0"));
	CHECK(dns_response_parse(buf_str(&out), &r));
	CHECK(r.rcode == 0 && r.authoritative && !r.truncated);
	CHECK(r.question.id == 0x1234 && r.question.recursion_desired);
	CHECK_STR(r.question.name, "a.test");
	CHECK(dns_response_next(&r, &rr) == 1);
	CHECK(rr.section == DNS_ANSWER && rr.type == 15 && rr.class == 1 &&
	      rr.ttl_s == 3600);
	CHECK_STR(rr.name, "a.test");
	CHECK(dns_mx_parse(rr.rdata, &preference, host));
	CHECK(preference == 10);
	CHECK_STR(host, "mx.a.test");
	CHECK(dns_response_next(&r, &rr) == 0);

	/* fill it up: the last one does not fit, and that is said */
	for (int i = 0; i < 20; i++)
		dns_response_add(&out, STR("a.test"), 15, 3600,
		    STR("\0\x0a\2mx\1a\4test\0"));
	CHECK(!out.overrun && out.len <= 512);
	CHECK(dns_response_parse(buf_str(&out), &r) && r.truncated);
	int n = 0;
	while (dns_response_next(&r, &rr) == 1)
		n++;
	CHECK(n == (512 - 24) / 31);
	buf_release(&out);

	CHECK(dns_mx_parse(STR("\0\0\0"), &preference, host));
	CHECK_STR(host, "");
}

/* Uncompressed names out of compressed rdata; a TTL with the top bit. */
static void
test_expand(void)
{
	static const struct str packet = STR("\0\1\x81\x80\0\1\0\2\0\0\0\0"
					     "\1a\4test\0\0\x0f\0\1"
					     "\xc0\x0c\0\x0f\0\1\x80\0\0\1\0\7"
					     "\0\5\2MX\xc0\x0c"
					     "\xc0\x0c\0\x10\0\1\0\0\0\1\0\2"
					     "\1x");
	struct dns_response r;
	struct dns_resource rr;
	struct buf out;

	buf_init(&out, 512);
	CHECK(dns_response_parse(packet, &r));
	CHECK(dns_response_next(&r, &rr) == 1);
	CHECK(rr.ttl_s == 0); /* RFC 2181 s8 */
	CHECK(dns_rdata_expand(&r, &rr, &out));
	CHECK(str_eq(buf_str(&out), STR("\0\5\2mx\1a\4test\0")));
	CHECK(dns_response_next(&r, &rr) == 1 && rr.type == 16);
	buf_clear(&out);
	CHECK(dns_rdata_expand(&r, &rr, &out));
	CHECK(str_eq(buf_str(&out), STR("\1x")));
	CHECK(dns_response_next(&r, &rr) == 0);
	buf_release(&out);
}

/* A TXT of 65,535 octets goes in and comes out. */
static void
test_largest(void)
{
	static char text[UINT16_MAX];
	static const struct dns_question q = {.name = "a", .type = 16};
	struct dns_response r;
	struct dns_resource rr;
	struct buf out;

	memset(text, 't', sizeof(text));
	buf_init(&out, 128 * KB);
	dns_response_begin(&out, &q, 3);
	dns_response_add(
	    &out, STR("a"), 16, 1, (struct str){text, sizeof(text)});
	CHECK(dns_response_parse(buf_str(&out), &r) && r.rcode == 3);
	CHECK(dns_response_next(&r, &rr) == 1);
	CHECK(str_eq(rr.rdata, (struct str){text, sizeof(text)}));
	CHECK(dns_response_next(&r, &rr) == 0);
	buf_release(&out);
}

int
main(void)
{
	test_vectors();
	test_names();
	test_round_trip();
	test_expand();
	test_largest();
	return TEST_EXIT();
}
