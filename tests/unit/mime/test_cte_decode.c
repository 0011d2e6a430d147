/* SPDX-License-Identifier: MIT */
#include "common/mime/cte.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define B PART_BASE64
#define Q PART_QUOTED
#define P PART_PLAIN

static const struct vector {
	enum part_encoding encoding;
	const char *text, *want;
	bool damaged;
} vectors[] = {
    {P, "a=3D b \r\n",           "a=3D b \r\n",           false},
    {B, "",		      "",		      false},
    {B, "aGVsbG8=",              "hello",                 false},
    {B, "aGVsbG8",               "hello",                 false}, /* no padding */
    {B, "aGVs\r\nbG8=\r\n",      "hello",                 false},
    {B, "aGVs bG8=",             "hello",                 false},
    {B, "aGVs*bG8=",             "hello",                 true },
    {B, "aGVsbG8=aGVsbG8=",      "hellohello",            false},
    {B, "aGVsbG8h",              "hello!",                false},
    {B, "aGVsbG8hY",             "hello!",                true }, /* six bits too many */
    {B, "====",		  "",		      false},
    {B, "-- \r\nfooter",         "~\x8a-z",               true },
    {Q, "a=3Db",		 "a=b",                   false},
    {Q, "a=3db",		 "a=b",                   false},
    {Q, "a=\r\nb",               "ab",                    false},
    {Q, "a=\nb",		 "ab",                    false},
    {Q, "a= \t\r\nb",            "ab",                    false}, /* padded on the way */
    {Q, "a  \r\nb",              "a\r\nb",                false},
    {Q, "a \t",		  "a",		     false},
    {Q, "a b  c",                "a b  c",                false},
    {Q, "a =20\r\n",             "a  \r\n",               false},
    {Q, "a=",		    "a",		     false}, /* the line end is missing */
    {Q, "a=4",		   "a=4",                   true },
    {Q, "a=4x=41",               "a=4xA",                 true },
    {Q, "a=zz",		  "a=zz",                  true },
    {Q, "a==41",		 "a=A",                   true },
    {Q, "= x",		   "= x",                   true },
    {Q, "=\rx",		  "=\rx",                  true },
    {Q, "http://x/?a=1&b=2\r\n", "http://x/?a=1&b=2\r\n", true },
};

static void
check_at(const struct vector *v, size_t piece)
{
	struct str text = str_of(v->text);
	struct cte_decoder d, c;
	struct buf out;
	uint64_t n = 0;

	buf_init(&out, 4 * KB);
	cte_decoder_init(&d, v->encoding);
	cte_decoder_init(&c, v->encoding);
	while (text.len > 0) {
		cte_decode(&d, str_first(text, piece), &out);
		n += cte_count(&c, str_first(text, piece));
		text = str_after(text, piece);
	}
	cte_decode_end(&d, &out);
	n += cte_count_end(&c);
	CHECK_STR(out.data != NULL ? out.data : "", v->want);
	CHECK(d.damaged == v->damaged && c.damaged == v->damaged);
	CHECK(n == out.len);
	buf_release(&out);
}

/* White space without end is not held without end. */
static void
check_flood(void)
{
	struct cte_decoder d;
	struct buf text, out;

	buf_init(&text, 8 * KB);
	buf_init(&out, 8 * KB);
	for (size_t i = 0; i < 5000; i++)
		buf_add_char(&text, ' ');
	cte_decoder_init(&d, PART_QUOTED);
	cte_decode(&d, buf_str(&text), &out);
	CHECK(out.len >= 5000 - sizeof(d.held));
	cte_decode_end(&d, &out);
	CHECK(d.damaged && out.len <= 5000);
	buf_release(&text);
	buf_release(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t piece = 1; piece <= strlen(vectors[i].text) + 1;
		     piece++)
			check_at(&vectors[i], piece);
	check_flood();
	return TEST_EXIT();
}
