/* SPDX-License-Identifier: MIT */
#include "common/policy/canon.h"

#include "common/policy/key.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/test.h"

static void
check_fields(void)
{
	static const struct {
		struct str field, simple, relaxed;
	} vectors[] = {
  /* RFC 6376 s3.4.5 */
	    {STR("A: X\r\n"),                  STR("A: X\r\n"),                  STR("a:X\r\n")     },
	    {STR("B : Y\t\r\n\tZ  \r\n"),      STR("B : Y\t\r\n\tZ  \r\n"),
             STR("b:Y Z\r\n")								       },
 /* without its final CRLF */
	    {STR("Ab:c"),                      STR("Ab:c\r\n"),                  STR("ab:c\r\n")    },
	    {STR("A:\r\n"),                    STR("A:\r\n"),                    STR("a:\r\n")      },
	    {STR("A:  \t \r\n \r\n"),          STR("A:  \t \r\n \r\n"),          STR("a:\r\n")      },
	    {STR("A:b \t c\r\n  d\r\n"),       STR("A:b \t c\r\n  d\r\n"),
             STR("a:b c d\r\n")								     },
	    {STR("A: b: C :D\r\n"),            STR("A: b: C :D\r\n"),
             STR("a:b: C :D\r\n")								   },
 /* letters of the value stay, octets of no alphabet too */
	    {STR("\xc3\x9c: \xc3\x9c\0x\r\n"), STR("\xc3\x9c: \xc3\x9c\0x\r\n"),
             STR("\xc3\x9c:\xc3\x9c\0x\r\n")							},
	    {STR("A: b\rc\nd\r\n"),            STR("A: b\rc\nd\r\n"),
             STR("a:b\rc\nd\r\n")								   },
	    {STR("no colon \r\n"),             STR("no colon \r\n"),             STR("no colon\r\n")},
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		canon_field(CANON_SIMPLE, vectors[i].field, &out);
		CHECK(str_eq(buf_str(&out), vectors[i].simple));
		buf_clear(&out);
		canon_field(CANON_RELAXED, vectors[i].field, &out);
		CHECK(str_eq(buf_str(&out), vectors[i].relaxed));
	}
	buf_release(&out);
}

/* The body in pieces of n octets: is its hash that of what is wanted, for each
 * l= there is? */
static void
check_body(enum canon how, struct str body, struct str want, size_t n)
{
	struct str rest = body;

	for (size_t l = 0; l <= want.len + 1; l++) {
		struct body_hashes *h = body_hashes_new();
		size_t all, part;
		uint8_t sha256[KEY_DIGEST_LEN];

		CHECK(body_hashes_want(h, how, BODY_HASH_ALL, &all));
		CHECK(body_hashes_want(h, how, l, &part));
		for (rest = body; rest.len > 0; rest = str_after(rest, n))
			body_hashes_feed(h, str_first(rest, n));
		body_hashes_end(h);
		key_sha256(want, sha256);
		CHECK(memcmp(sha256, body_hashes_get(h, all), 32) == 0);
		CHECK(body_hashes_length(h, all) == want.len);
		key_sha256(str_first(want, l), sha256);
		CHECK(memcmp(sha256, body_hashes_get(h, part), 32) == 0);
		CHECK(body_hashes_length(h, part) == want.len);
		body_hashes_free(h);
	}
}

static void
check_bodies(void)
{
	static const struct {
		struct str body, simple, relaxed;
	} vectors[] = {
  /* RFC 6376 s3.4.5 */
	    {STR(" C \r\nD \t E\r\n\r\n\r\n"),     STR(" C \r\nD \t E\r\n"),
             STR(" C\r\nD E\r\n")								  },
	    {STR(""),			      STR("\r\n"),                STR("")             },
	    {STR("\r\n"),			  STR("\r\n"),                STR("")             },
	    {STR("\r\n\r\n\r\n"),                  STR("\r\n"),                STR("")             },
	    {STR(" \r\n"),                         STR(" \r\n"),               STR("")             },
	    {STR("\t \r\n \r\n"),                  STR("\t \r\n \r\n"),        STR("")             },
	    {STR(" "),			     STR(" \r\n"),               STR("")             },
	    {STR("a"),			     STR("a\r\n"),               STR("a\r\n")        },
	    {STR("a\r\n"),                         STR("a\r\n"),               STR("a\r\n")        },
	    {STR("a \t\r\n"),                      STR("a \t\r\n"),            STR("a\r\n")        },
	    {STR("a "),			    STR("a \r\n"),              STR("a\r\n")        },
	    {STR("\r\n\r\na"),                     STR("\r\n\r\na\r\n"),       STR("\r\n\r\na\r\n")},
	    {STR("\t\r\n  a  b\t\tc d\r\n \r\ne"),
             STR("\t\r\n  a  b\t\tc d\r\n \r\ne\r\n"),
             STR("\r\n a b c d\r\n\r\ne\r\n")						      },
 /* a CR or LF alone is an octet like others */
	    {STR("a\rb\nc\r\r\n\r"),               STR("a\rb\nc\r\r\n\r\r\n"),
             STR("a\rb\nc\r\r\n\r\r\n")							    },
	    {STR(" \r \r\n\n\r\n"),                STR(" \r \r\n\n\r\n"),
             STR(" \r\r\n\n\r\n")								  },
	    {STR("\0 \0\r\n"),                     STR("\0 \0\r\n"),           STR("\0 \0\r\n")    },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t n = 1; n <= vectors[i].body.len + 1; n++) {
			check_body(CANON_SIMPLE, vectors[i].body,
			    vectors[i].simple, n);
			check_body(CANON_RELAXED, vectors[i].body,
			    vectors[i].relaxed, n);
		}
}

/* The hashes of nothing that RFC 6376 s3.4.3 and s3.4.4 give. */
static void
check_empty(void)
{
	struct body_hashes *h = body_hashes_new();
	struct buf text;
	size_t simple, relaxed;

	buf_init(&text, 1 * KB);
	CHECK(body_hashes_want(h, CANON_SIMPLE, BODY_HASH_ALL, &simple));
	CHECK(body_hashes_want(h, CANON_RELAXED, BODY_HASH_ALL, &relaxed));
	body_hashes_end(h);
	enc_base64(
	    (struct str){(const char *)body_hashes_get(h, simple), 32}, &text);
	CHECK_STR(text.data, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
	buf_clear(&text);
	enc_base64(
	    (struct str){(const char *)body_hashes_get(h, relaxed), 32}, &text);
	CHECK_STR(text.data, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	body_hashes_free(h);
	buf_release(&text);
}

/* Longer than every batch, with ends that fall on their borders. */
static void
check_long(void)
{
	struct buf body, want;

	buf_init(&body, 64 * KB);
	buf_init(&want, 64 * KB);
	for (int i = 0; i < 1500; i++) {
		buf_addf(
		    &body, "%d  words \t\r\n%.*s", i, i % 3 * 2, "\r\n\r\n");
		buf_addf(&want, "%d words\r\n%.*s", i, i % 3 * 2, "\r\n\r\n");
	}
	while (want.len >= 4 &&
	       str_eq(str_after(buf_str(&want), want.len - 4), STR("\r\n\r\n")))
		buf_cut(&want, want.len - 2);
	for (size_t n = 1; n < 40000; n = n * 7 + 1) {
		struct body_hashes *h = body_hashes_new();
		struct str rest = buf_str(&body);
		uint8_t sha256[KEY_DIGEST_LEN];
		size_t place;

		body_hashes_want(h, CANON_RELAXED, BODY_HASH_ALL, &place);
		for (; rest.len > 0; rest = str_after(rest, n))
			body_hashes_feed(h, str_first(rest, n));
		body_hashes_end(h);
		key_sha256(buf_str(&want), sha256);
		CHECK(memcmp(sha256, body_hashes_get(h, place), 32) == 0);
		body_hashes_free(h);
	}
	buf_release(&want);
	buf_release(&body);
}

/* White space at every place of lines of every length up to where they are
 * looked at in strides: as it says, in one piece. */
static void
check_places(void)
{
	static const struct {
		const char *blank, *relaxed;
	} kinds[] = {
	    {" ",   " " },
	    {"  ",  " " },
	    {"\t",  " " },
	    {" \t", " " },
	    {"\r",  "\r"},
	    {"x ",  "x "},
	    {"x",   "x" },
	};
	struct buf body, want;

	buf_init(&body, 1 * KB);
	buf_init(&want, 1 * KB);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int len = 1; len < 28; len++)
			for (int at = 0; at < len; at++) {
				buf_clear(&body);
				buf_clear(&want);
				buf_addf(&body, "%.*s%s%.*s\r\nend\r\n", at,
				    "abcdefghijklmnopqrstuvwxyzabc",
				    kinds[k].blank, len - at,
				    "0123456789012345678901234567");
				buf_addf(&want, "%.*s%s%.*s\r\nend\r\n", at,
				    "abcdefghijklmnopqrstuvwxyzabc",
				    kinds[k].relaxed, len - at,
				    "0123456789012345678901234567");
				for (size_t n = 1; n <= body.len; n += 13)
					check_body(CANON_RELAXED,
					    buf_str(&body), buf_str(&want), n);
				check_body(CANON_RELAXED, buf_str(&body),
				    buf_str(&want), body.len);
			}
	buf_release(&want);
	buf_release(&body);
}

static void
check_wishes(void)
{
	struct body_hashes *h = body_hashes_new();
	size_t first, again;

	CHECK(body_hashes_want(h, CANON_RELAXED, 0, &first));
	CHECK(body_hashes_want(h, CANON_RELAXED, 0, &again));
	CHECK(first == again);
	for (uint64_t l = 1; l < BODY_HASHES_MAX; l++)
		CHECK(body_hashes_want(h, CANON_RELAXED, l, &again));
	CHECK(!body_hashes_want(h, CANON_SIMPLE, 0, &again));
	CHECK(body_hashes_want(h, CANON_RELAXED, 0, &again));
	CHECK(first == again);
	body_hashes_free(h); /* without an end */
	body_hashes_free(NULL);
}

int
main(void)
{
	check_fields();
	check_bodies();
	check_empty();
	check_long();
	check_places();
	check_wishes();
	return TEST_EXIT();
}
