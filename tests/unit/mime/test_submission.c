/* SPDX-License-Identifier: MIT */
#include "common/mime/submission.h"

#include "common/mime/header.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define DATE "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
#define ID   "Message-ID: <1ng5f90.000000000003z@d.test>\r\n"

static void
check_fix(void)
{
	static const struct {
		struct str in;
		const char *out;
	} vectors[] = {
	    {STR("From: a@b\r\nDate: x\r\nMessage-Id: <1>\r\n"),
             "From: a@b\r\nDate: x\r\nMessage-Id: <1>\r\n"                                                      },
	    {STR("From: a@b\r\n"),					     "From: a@b\r\n" DATE ID          },
	    {STR("DATE : x\r\nFrom: a@b\r\n"),                                 "DATE : x\r\nFrom: a@b\r\n" ID   },
	    {STR("Message-ID:\r\n <1>\r\n"),                                   "Message-ID:\r\n <1>\r\n" DATE   },
	    {STR(""),							  DATE ID                          },
 /* RFC 5322 s3.6.3: no trace of a Bcc, however it is written */
	    {STR("A: 1\r\nBcc: x@y,\r\n z@w\r\nB:  2 \r\nbcc:\r\n"
		 "RESENT-BCC : q@r\r\nBcc\r\n : x@y\r\nC:3\r\n"),
             "A: 1\r\nB:  2 \r\nC:3\r\n" DATE ID								},
	    {STR("X-Bcc: x\r\nBccc: y\r\n"),                                   "X-Bcc: x\r\nBccc: y\r\n" DATE ID},
 /* a block that was cut short: what we add is a line of its own */
	    {STR("A: 1"),						      "A: 1\r\n" DATE ID               },
	    {STR("From: a@b\r\nDate: x\r\nMessage-Id: <1>"),
             "From: a@b\r\nDate: x\r\nMessage-Id: <1>"							  },
	    {STR("A: 1\n"),						    "A: 1\n\r\n" DATE ID             },
 /* a first line that continues nothing cannot eat our fields */
	    {STR(" x: y\r\n"),						 " x: y\r\n" DATE ID              },
	};
	static const struct submission_options o = {
	    .now_s = 1795341600,
	    .random = 127,
	    .hostname = STR("d.test"),
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 4 * KB);
		submission_fix(vectors[i].in, &o, &out);
		CHECK_STR(out.data, vectors[i].out);
		buf_release(&out);
	}
}

static void
check_check(void)
{
	static const struct {
		struct str block;
		const char *text; /* NULL: fine; else part of the sentence */
	} vectors[] = {
	    {STR("From: a@b\r\n"),                               NULL                           },
	    {STR("From: a@b, c@d\r\nSender: a@b\r\n"),           NULL                           },
	    {STR("To: a@b\r\n"),				 "exactly one From field, not 0"}, /* A113 */
	    {STR("Sender: a@b\r\nResent-From: c@d\r\n"),         "not 0"                        },
	    {STR("From: a@b\r\nFrom: c@d\r\n"),                  "not 2"                        }, /* A111 */
	    {STR("From: a@b\r\nfrom : c@d\r\n"),                 "not 2"                        }, /* A112 */
	    {STR(" From: a@b\r\nFrom: c@d\r\n"),                 "not a header field"           },
	    {STR("From\r\n : a@b\r\n"),                          "not a header field"           },
	    {STR("From: a@b\r\noops\r\n"),                       "not a header field"           },
	    {STR("From:\r\n"),				   "no address"                   },
	    {STR("From: g:;\r\n"),                               "no address"                   },
	    {STR("From: x,<y@z>\r\n"),                           "no address"                   }, /* A114 */
	    {STR("From: <x@attack.test>admin@legit.test\r\n"),   "no address"                   },
	    {STR("From: a@b\r\nSender: a@b\r\nSender: a@b\r\n"),
             "more than one Sender"							     },
	    {STR("From: a@b\r\nSender: a@b, c@d\r\n"),           "exactly one address"          },
	    {STR("From: a@b\r\nSender:\r\n"),                    "exactly one address"          },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct fail f = {0};
		int rc = submission_check(vectors[i].block, &f);

		CHECK(rc == (vectors[i].text == NULL ? 0 : -1));
		if (rc == -1) {
			CHECK(f.kind == FAIL_PERM);
			CHECK(vectors[i].text != NULL &&
			      strstr(f.text, vectors[i].text) != NULL);
		}
	}
}

/* Each author is looked up while the store is locked. */
static void
check_many_authors(void)
{
	for (int n = 99; n <= 101; n++) {
		struct fail f = {0};
		struct buf block;

		buf_init(&block, 16 * KB);
		buf_add(&block, STR("From: a@b"));
		for (int i = 1; i < n; i++)
			buf_addf(&block, ",\r\n a+%d@b", i);
		buf_add(&block, STR("\r\n"));
		CHECK(submission_check(buf_str(&block), &f) ==
		      (n <= 100 ? 0 : -1));
		CHECK(n <= 100 || strstr(f.text, "at most 100") != NULL);
		buf_release(&block);
	}
}

static void
check_authors(void)
{
	struct submission_authors it;
	struct addr a;

	submission_authors_init(
	    &it, STR("To: x@y\r\nFrom: A <a@b>, g: c@d;\r\nX: n@n\r\n"
		     "SENDER : e@f\r\n"));
	CHECK(submission_authors_next(&it, &a) == 1);
	CHECK_STR(a.spec, "a@b");
	CHECK(submission_authors_next(&it, &a) == 1);
	CHECK_STR(a.spec, "c@d");
	CHECK(submission_authors_next(&it, &a) == 1);
	CHECK_STR(a.spec, "e@f");
	CHECK(submission_authors_next(&it, &a) == 0);
	CHECK(submission_authors_next(&it, &a) == 0);

	submission_authors_init(&it, STR("From: a@b\r\nSender: oops\r\n"));
	CHECK(submission_authors_next(&it, &a) == 1);
	CHECK(submission_authors_next(&it, &a) == -1);

	submission_authors_init(&it, STR("To: a@b\r\n"));
	CHECK(submission_authors_next(&it, &a) == 0);
}

int
main(void)
{
	check_fix();
	check_check();
	check_many_authors();
	check_authors();
	return TEST_EXIT();
}
