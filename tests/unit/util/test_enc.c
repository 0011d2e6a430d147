/* SPDX-License-Identifier: MIT */
#include "common/util/enc.h"

#include "common/util/mem.h"
#include "tests/test.h"

static void
check_base64(void)
{
	/* RFC 4648 s10 */
	static const struct {
		struct str plain;
		const char *text;
	} vectors[] = {
	    {STR(""),             ""            },
	    {STR("f"),            "Zg=="        },
	    {STR("fo"),           "Zm8="        },
	    {STR("foo"),          "Zm9v"        },
	    {STR("foob"),         "Zm9vYg=="    },
	    {STR("fooba"),        "Zm9vYmE="    },
	    {STR("foobar"),       "Zm9vYmFy"    },
	    {STR("\0alice\0pw"),  "AGFsaWNlAHB3"},
	    {STR("\xff\xfe\xfd"), "//79"        },
	    {STR("\xfb\xef\xbe"), "++++"        },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		enc_base64(vectors[i].plain, &out);
		CHECK(str_eq(buf_str(&out), str_of(vectors[i].text)));
		CHECK(out.len == ENC_BASE64_LEN(vectors[i].plain.len));
		buf_clear(&out);
		CHECK(enc_base64_decode(str_of(vectors[i].text), &out));
		CHECK(str_eq(buf_str(&out), vectors[i].plain));
	}
	buf_release(&out);
}

/* A074 and its like: one meaning or none. */
static void
check_base64_bad(void)
{
	static const struct str vectors[] = {
	    STR("!!!!"),
	    STR("YQ=b"),
	    STR("YWxpY2U"), /* padding is missing */
	    STR("=YQ="),
	    STR("Y"),
	    STR("YQ"),
	    STR("Y==="),
	    STR("===="),
	    STR("YQ==YQ=="),
	    STR("YR=="), /* stray bits */
	    STR("Zm9="),
	    STR("YWxp Y2U"),
	    STR("YWxp\nY2U"),
	    STR("YWxpY2U=\n"),
	    STR("YWx\0"),
	    STR("YW-_"),
	    STR("\xc3\xa4zz"),
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	buf_add(&out, STR("kept"));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		CHECK(!enc_base64_decode(vectors[i], &out));
		CHECK_STR(out.data, "kept");
	}
	buf_release(&out);
}

static void
check_base64_all(void)
{
	char plain[256];
	struct buf text, back;

	buf_init(&text, 1 * KB);
	buf_init(&back, 1 * KB);
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(plain); n++) {
		buf_clear(&text);
		buf_clear(&back);
		enc_base64((struct str){plain, n}, &text);
		CHECK(enc_base64_decode(buf_str(&text), &back));
		CHECK(str_eq(buf_str(&back), (struct str){plain, n}));
	}
	/* too little room: nothing is written */
	buf_release(&back);
	buf_init(&back, 3);
	CHECK(!enc_base64_decode(STR("Zm9vYg=="), &back));
	CHECK(back.len == 0);
	enc_base64(STR("x"), &back);
	CHECK(back.overrun && back.len == 0);
	buf_release(&text);
	buf_release(&back);
}

static void
check_hex(void)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	enc_hex(STR("\x00\x7f\xff"), &out);
	CHECK_STR(out.data, "007fff");
	buf_clear(&out);
	CHECK(enc_hex_decode(STR("007fFf"), &out));
	CHECK(str_eq(buf_str(&out), STR("\x00\x7f\xff")));
	buf_clear(&out);
	CHECK(!enc_hex_decode(STR("0"), &out));
	CHECK(!enc_hex_decode(STR("0g"), &out));
	CHECK(!enc_hex_decode(STR("0x"), &out));
	CHECK(out.len == 0);
	CHECK(enc_hex_decode(STR(""), &out) && out.len == 0);
	buf_release(&out);
}

static void
check_base32(void)
{
	static const struct {
		uint64_t n;
		unsigned digits;
		const char *text;
	} vectors[] = {
	    {0,          0,  "0"            },
	    {0,          13, "0000000000000"},
	    {31,         1,  "z"            },
	    {32,         1,  "10"           },
	    {32,         4,  "0010"         },
	    {UINT64_MAX, 0,  "fzzzzzzzzzzzz"},
	};
	struct buf out;
	uint64_t n;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		enc_base32(vectors[i].n, vectors[i].digits, &out);
		CHECK_STR(out.data, vectors[i].text);
		CHECK(enc_base32_decode(buf_str(&out), &n));
		CHECK(n == vectors[i].n);
	}
	CHECK(enc_base32_decode(STR("FZZZZZZZZZZZZ"), &n) && n == UINT64_MAX);
	CHECK(enc_base32_decode(STR("iLoO"), &n) && n == (1 << 15 | 1 << 10));
	CHECK(!enc_base32_decode(STR("g000000000000"), &n)); /* 2^64 */
	CHECK(!enc_base32_decode(STR("10000000000000"), &n));
	CHECK(!enc_base32_decode(STR(""), &n));
	CHECK(!enc_base32_decode(STR("u"), &n));
	CHECK(!enc_base32_decode(STR("1-"), &n));
	CHECK(!enc_base32_decode(STR("\0"), &n));
	buf_release(&out);
}

int
main(void)
{
	check_base64();
	check_base64_bad();
	check_base64_all();
	check_hex();
	check_base32();
	return TEST_EXIT();
}
