/* SPDX-License-Identifier: MIT */
/* Where the header ends, at every split; which headers are refused. */
#include "smtpd/proto/intake.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct intake_law law = {.max_fields = 5, .max_received = 2};

static const struct {
	const char *text, *block, *body;
	bool complete;
} splits[] = {
    {"A: b\r\n\r\nbody\r\n\r\nx",  "A: b\r\n",               "body\r\n\r\nx", true },
    {"A: b\r\nC: d\r\n e\r\n\r\n", "A: b\r\nC: d\r\n e\r\n", "",              true },
    {"\r\nbody",		   "",		       "body",          true },
    {"\r\n\r\nbody",               "",                       "\r\nbody",      true },
    {"A: b\r\nC: d\r\n",           "A: b\r\nC: d\r\n",       "",              false},
    {"A: b\r\n \r\nbody",          "A: b\r\n \r\nbody",      "",              false},
    {"",			   "",		       "",              false},
};

static void
test_splits(void)
{
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
		for (size_t chunk = 1; chunk < 40; chunk++) {
			struct str rest = str_of(splits[i].text);
			struct intake in;
			struct buf body;

			intake_init(&in, KB);
			buf_init(&body, KB);
			while (rest.len > 0) {
				struct str text = str_first(rest, chunk);

				rest = str_after(rest, text.len);
				intake_take(&in, &text);
				buf_add(&body, text);
			}
			CHECK(in.complete == splits[i].complete);
			CHECK(str_eq(
			    buf_str(&in.block), str_of(splits[i].block)));
			CHECK(str_eq(buf_str(&body), str_of(splits[i].body)));
			intake_release(&in);
			buf_release(&body);
		}
}

static enum smtp_reply
judge_octets(struct str s, const struct intake_law *l)
{
	enum smtp_reply r;
	struct intake in;
	struct fail why;

	intake_init(&in, KB);
	intake_take(&in, &s);
	r = intake_judge(&in, l, &why);
	CHECK(r == REPLY_OK || r == REPLY_HEADER_BAD || why.text[0] == '\0' ||
	      l->submission);
	intake_release(&in);
	return r;
}

static enum smtp_reply
judge(const char *text, const struct intake_law *l)
{
	return judge_octets(str_of(text), l);
}

static const struct {
	const char *text;
	enum smtp_reply reply;
} verdicts[] = {
    {"From: a@b\r\n\r\n",					       REPLY_OK          },
    {"\r\nno header",						   REPLY_OK          },
    {"no header at all\r\n",					    REPLY_OK          },
    {"From x Mon Jan 1\r\nFrom: a@b\r\n\r\n",                           REPLY_OK          },
    {"A: b\r\njunk\r\n\r\n",					    REPLY_OK          },
    {"A: b\r\n \r\n\r\n",					       REPLY_OK          },
    {"two words: x\r\n\r\n",					    REPLY_OK          },
    {"From  : x\r\nTo : y\r\n\r\n",				     REPLY_OK          }, /* RFC 5322 App. A.6.3 */
    {"   \r\nFrom: a@b\r\n\r\n",					REPLY_OK          },
    {" From: a@b\r\nFrom: c@d\r\n\r\n",                                 REPLY_HEADER_BAD  },
 /* BODY=BINARYMIME lets these through to us */
    {"From: a@b\nFrom: c@d\r\n\r\n",                                    REPLY_BARE_NEWLINE},
    {"Subject: x\n\nbody\r\n\r\n",				      REPLY_BARE_NEWLINE},
    {"Subject: x\rFrom: c@d\r\n\r\n",                                   REPLY_BARE_NEWLINE},
    {"Subject: x\r",						    REPLY_BARE_NEWLINE},
    {"Subject: x",						      REPLY_OK          },
    {"\tx\r\nFrom: c@d\r\n\r\n",					REPLY_HEADER_BAD  },
    {"From : a@b\r\nFrom: c@d\r\n\r\n",                                 REPLY_HEADER_BAD  },
    {"from: a@b\r\nFROM\t: c@d\r\n\r\n",                                REPLY_HEADER_BAD  },
    {"Authentication-Results : x\r\nAuthentication-Results: y\r\n\r\n",
     REPLY_OK									     }, /* RFC 8601 s5: taken out */
    {" : x\r\n\r\n",						    REPLY_HEADER_BAD  },
    {"a b : x\r\na b : y\r\n\r\n",				      REPLY_OK          }, /* no names */
    {"a\tb : x\r\na\tb : y\r\n\r\n",                                    REPLY_OK          },
    {"From\r\n : a@b\r\n\r\n",					  REPLY_HEADER_BAD  },
    {"Fr\xc3\xb6m: a@b\r\n\r\n",					REPLY_HEADER_BAD  },
    {"Fro\x01m: a@b\r\n\r\n",					   REPLY_HEADER_BAD  },
    {"Fro\x7fm: a@b\r\n\r\n",					   REPLY_HEADER_BAD  },
    {"A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n",                    REPLY_OK          },
    {"A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\nA: 6\r\n\r\n",
     REPLY_HEADER_TOO_MANY								},
    {"Received: 1\r\nreceived: 2\r\n\r\n",                              REPLY_OK          },
    {"Received: 1\r\nreceived: 2\r\nRECEIVED: 3\r\n\r\n",               REPLY_LOOP        },
};

static void
test_verdicts(void)
{
	struct intake_law theirs = law;

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (judge(verdicts[i].text, &law) != verdicts[i].reply)
			fprintf(stderr, "%s", verdicts[i].text);
		CHECK(judge(verdicts[i].text, &law) == verdicts[i].reply);
	}
	CHECK(judge_octets(STR("A: b\0c\r\n\r\n"), &law) == REPLY_HAS_NUL);
	theirs.submission = true;
	CHECK(judge("From: a@b\r\n\r\n", &theirs) == REPLY_OK);
	CHECK(judge("Subject: s\r\n\r\n", &theirs) == REPLY_BAD_SUBMISSION);
	CHECK(judge("From: a@b\r\nFrom: c@d\r\n\r\n", &theirs) ==
	      REPLY_BAD_SUBMISSION);
}

/* Each loose name is looked for in the whole block: not for thousands. */
static void
test_many_loose(void)
{
	struct intake_law many = {.max_fields = 100, .max_received = 2};

	for (unsigned n = 19; n <= 22; n++) {
		struct buf text;

		buf_init(&text, KB);
		for (unsigned i = 0; i < n; i++)
			buf_addf(&text, "X-%u : y\r\n", i);
		buf_add(&text, STR("\r\n"));
		CHECK(judge(text.data, &many) ==
		      (n <= 20 ? REPLY_OK : REPLY_HEADER_BAD));
		buf_release(&text);
	}
}

/* n octets of header, fed octet by octet or whole, against 1,000. */
static void
feed_long(size_t n, bool ends, size_t chunk)
{
	bool too_long = n > 1000;
	struct intake in;
	struct buf text;
	struct fail why;

	buf_init(&text, 8 * KB);
	while (text.len + 2 < n)
		buf_add_char(&text, 'x');
	buf_add(&text, ends ? STR("\r\n\r\nbody") : STR("\r\n"));
	intake_init(&in, 1000);
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str piece = str_first(rest, chunk);

		rest = str_after(rest, piece.len);
		intake_take(&in, &piece);
		CHECK(chunk > 1 || in.block.len <= 1001);
	}
	CHECK((intake_judge(&in, &law, &why) == REPLY_HEADER_TOO_BIG) ==
	      too_long);
	CHECK(too_long || in.block.len == n);
	intake_release(&in);
	buf_release(&text);
}

static void
test_limit(void)
{
	static const size_t sizes[] = {999, 1000, 1001, 1002, 5000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t chunk = 1; chunk < 2000; chunk += 333) {
			feed_long(sizes[i], true, chunk);
			feed_long(sizes[i], false, chunk);
		}
}

int
main(void)
{
	test_splits();
	test_verdicts();
	test_many_loose();
	test_limit();
	return TEST_EXIT();
}
