/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_param.h"

#include "tests/test.h"

#define ALL    (~0u)
#define NONE   (0u)
#define PORT25 (ALL & ~(unsigned)(SMTP_EXT_AUTH | SMTP_EXT_FUTURERELEASE))

/* What becomes of a MAIL; the fields in the order of struct smtp_params. */
static const struct {
	const char *text;
	unsigned has;
	enum smtp_params_result result;
	struct {
		uint64_t size;
		bool eight_bit, utf8, binary, require_tls;
		enum dsn_ret ret;
		const char *envelope_id;
		uint64_t hold_for_s;
		int64_t hold_until_s;
	} want;
} mails[] = {
    {"",					  NONE,				 SMTP_PARAMS_OK,      {0}                      },
    {"   ",				       NONE,				 SMTP_PARAMS_OK,      {0}                      },
    {" SIZE=0",				   ALL,				  SMTP_PARAMS_OK,      {0}                      },
    {" size=5  Body=8bitmime smtputf8",           ALL,                                  SMTP_PARAMS_OK,
     {.size = 5, .eight_bit = true, .utf8 = true}										     },
    {" BODY=7BIT",				ALL,				  SMTP_PARAMS_OK,      {0}                      },
    {" BODY=BinaryMIME",			  ALL,				  SMTP_PARAMS_OK,
     {.eight_bit = true, .binary = true}											      },
    {" BODY=BINARYMIME",			  ALL & ~(unsigned)SMTP_EXT_BINARYMIME, SMTP_PARAMS_BAD,
     {0}															      },
    {" BODY=7BIT",				ALL & ~(unsigned)SMTP_EXT_8BITMIME,   SMTP_PARAMS_UNKNOWN,
     {0}															      },
    {" SIZE=00000000000000000012",                ALL,                                  SMTP_PARAMS_OK,      {.size = 12}             },
    {" SIZE=18446744073709551615",                ALL,                                  SMTP_PARAMS_OK,      {.size = UINT64_MAX}     },
    {" SIZE=000000000000000000012",               ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" SIZE=18446744073709551616",                ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" SIZE=1x",				  ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" SIZE=1=2",				 ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" SIZE=1 SIZE=1",			    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" SMTPUTF8 SMTPUTF8",                        ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" SMTPUTF8=1",			       ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" BODY",				     ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" BODY=\xc3\xb8",			    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" -X=1",				     ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X_Y=1",				    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" {=1",				      ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X{=1",				     ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X:=1",				     ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X-=1",				     ALL,				  SMTP_PARAMS_UNKNOWN, {0}                      },
    {" X=\x01",				   ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X=\x7f",				   ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" X=1",				      ALL,				  SMTP_PARAMS_UNKNOWN, {0}                      },
    {" X",					ALL,				  SMTP_PARAMS_UNKNOWN, {0}                      },
    {" NOTIFY=NEVER",			     ALL,				  SMTP_PARAMS_UNKNOWN, {0}                      },
    {" SIZE=1",				   NONE,				 SMTP_PARAMS_UNKNOWN, {0}                      },
 /* RFC 4954 s5 */
    {" AUTH=<>",				  PORT25,			       SMTP_PARAMS_UNKNOWN, {0}                      },
    {" AUTH=<>",				  ALL,				  SMTP_PARAMS_OK,      {0}                      },
    {" AUTH=e+3Dmc2@example.com",                 ALL,                                  SMTP_PARAMS_OK,      {0}                      },
    {" AUTH=a+0Ab",			       ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" AUTH=a+4",				 ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" AUTH=a+3d",				ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" AUTH=\xc3\xb8",			    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" AUTH=",				    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
 /* RFC 3461 s4.3, s4.4 */
    {" RET=FULL ENVID=QQ314159",                  ALL,                                  SMTP_PARAMS_OK,
     {.ret = DSN_RET_FULL, .envelope_id = "QQ314159"}										 },
    {" envid=a+20+2B+3Db ret=hdrs",               ALL,                                  SMTP_PARAMS_OK,
     {.ret = DSN_RET_HDRS, .envelope_id = "a +=b"}										    },
    {" RET=FULL",				 ALL & ~(unsigned)SMTP_EXT_DSN,        SMTP_PARAMS_UNKNOWN, {0}                      },
    {" RET=UNSAID",			       ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" ENVID=a+09b",			      ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" ENVID=a+3db",			      ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" ENVID=a+7Fb",			      ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" ENVID=a+",				 ALL,				  SMTP_PARAMS_BAD,     {0}                      },
 /* RFC 8689 s2 */
    {" REQUIRETLS",			       ALL,				  SMTP_PARAMS_OK,      {.require_tls = true}    },
    {" REQUIRETLS=",			      ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" REQUIRETLS",			       ALL & ~(unsigned)SMTP_EXT_REQUIRETLS, SMTP_PARAMS_UNKNOWN,
     {0}															      },
 /* RFC 4865 s4.2 */
    {" HOLDFOR=1",				ALL,				  SMTP_PARAMS_OK,      {.hold_for_s = 1}        },
    {" HOLDFOR=999999999",                        ALL,				  SMTP_PARAMS_OK,      {.hold_for_s = 999999999}},
    {" HOLDFOR=0",				ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDFOR=01",			       ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDFOR=1000000000",                       ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDFOR=5 HOLDUNTIL=2026-11-22T10:00:00Z", ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-11-22T10:00:00Z HOLDFOR=5", ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=1970-01-01T00:00:00Z",           ALL,                                  SMTP_PARAMS_OK,      {0}                      },
    {" HOLDUNTIL=2026-11-22t10:00:00.125z",       ALL,                                  SMTP_PARAMS_OK,
     {.hold_until_s = 1795341600}												     },
    {" HOLDUNTIL=2000-02-29T23:59:60Z",           ALL,                                  SMTP_PARAMS_OK,
     {.hold_until_s = 951868800}												      },
    {" HOLDUNTIL=9999-12-31T23:59:59Z",           ALL,                                  SMTP_PARAMS_OK,
     {.hold_until_s = 253402300799}												   },
    {" HOLDUNTIL=2100-02-29T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=1969-12-31T23:59:59Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-13-01T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-00-01T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-31T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T24:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:60:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00",            ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00.Z",          ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00Zx",          ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=202",			    ALL,				  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026/04-30T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04/30T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-00T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-32T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30_00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00.00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00.00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:61Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00.1",          ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00.:Z",         ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2026-04-30T00:00:00./Z",         ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2001-02-29T00:00:00Z",           ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDUNTIL=2004-02-29T00:00:00Z",           ALL,                                  SMTP_PARAMS_OK,
     {.hold_until_s = 1078012800}												     },
    {" HOLDUNTIL=2026-4-30T00:00:00Z",            ALL,                                  SMTP_PARAMS_BAD,     {0}                      },
    {" HOLDFOR=5",				PORT25,			       SMTP_PARAMS_UNKNOWN, {0}                      },
};

static void
test_mail(size_t i)
{
	struct smtp_params p;
	enum smtp_params_result r = smtp_params_of_mail(
	    str_of(mails[i].text), mails[i].has, &p);

	if (r != mails[i].result)
		fprintf(stderr, "\"%s\":\n", mails[i].text);
	CHECK(r == mails[i].result);
	if (r != SMTP_PARAMS_OK)
		return;
	CHECK(p.size == mails[i].want.size);
	CHECK(p.eight_bit == mails[i].want.eight_bit);
	CHECK(p.utf8 == mails[i].want.utf8);
	CHECK(p.binary == mails[i].want.binary);
	CHECK(p.require_tls == mails[i].want.require_tls);
	CHECK(p.ret == mails[i].want.ret);
	CHECK(str_eq((struct str){p.envelope_id, p.envelope_id_len},
	    str_of(mails[i].want.envelope_id)));
	CHECK(p.hold_for_s == mails[i].want.hold_for_s);
	CHECK(p.hold_until_s == mails[i].want.hold_until_s);
}

static const struct {
	const char *text;
	bool utf8;
	enum smtp_params_result result;
	unsigned notify;
	const char *original;
} rcpts[] = {
    {"",							      false, SMTP_PARAMS_OK,      0,                ""                     },
    {"  ",							    false, SMTP_PARAMS_OK,      0,                ""                     },
    {" NOTIFY=NEVER",						 false, SMTP_PARAMS_OK,      DSN_NOTIFY_NEVER, ""                     },
    {" NOTIFY=DELAY",						 false, SMTP_PARAMS_OK,      DSN_NOTIFY_DELAY, ""                     },
    {" NOTIFY=failure,Success,DELAY",                                 false, SMTP_PARAMS_OK,
     DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY,                                                    ""                     },
    {" NOTIFY=FAILURE,NEVER",					 false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" NOTIFY=FAILURE,",					      false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" NOTIFY=,",						     false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" NOTIFY",						       false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" NOTIFY=DELAY NOTIFY=DELAY",				    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=rfc822;Bob+2Bx@d.test NOTIFY=SUCCESS",                   false, SMTP_PARAMS_OK,
     DSN_NOTIFY_SUCCESS,											    "rfc822;Bob+2Bx@d.test"},
    {" ORCPT=X400;/c=de/",					    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=x400;/c+3Dde/",					  false, SMTP_PARAMS_OK,      0,                "x400;/c+3Dde/"        },
    {" ORCPT=x400;/c+3dde/",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=a b;c",						  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=x",						      false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=",						       false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=a.b;c",						  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=rfc822;a;b",					     false, SMTP_PARAMS_OK,      0,                "rfc822;a;b"           },
    {" ORCPT=rfc822;\xc3\xb8@d.test",                                 true,  SMTP_PARAMS_BAD,     0,                ""                     },
 /* RFC 6533 s3 */
    {" ORCPT=utf-8;\xc3\xb8@d.test",                                  true,  SMTP_PARAMS_OK,      0,
     "utf-8;\xc3\xb8@d.test"													       },
    {" ORCPT=utf-8;\xc3\xb8@d.test",                                  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\xc3@d.test",				      true,  SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=UTF-8;\\x{F8}@d.test",                                   false, SMTP_PARAMS_OK,      0,
     "UTF-8;\\x{F8}@d.test"														},
    {" ORCPT=utf-8;a\\x{2B}\\x{3d}\\x{5C}\\x{20}\\x{01}\\x{7F}b",     false,
     SMTP_PARAMS_OK,									      0,
     "utf-8;a\\x{2B}\\x{3d}\\x{5C}\\x{20}\\x{01}\\x{7F}b"										  },
    {" ORCPT=utf-8;\\x{10FFFF}\\x{20AC}\\x{D7FF}\\x{E000}\\x{1F600}", false,
     SMTP_PARAMS_OK,									      0,
     "utf-8;\\x{10FFFF}\\x{20AC}\\x{D7FF}\\x{E000}\\x{1F600}"									      },
    {" ORCPT=utf-8;\\x{110000}",				      false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{D800}",					false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{DFFF}",					false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{61}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{00}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{0F8}",					 false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{00020AC}",				     false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{9}",					   false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{}",					    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x",					      false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\y{20AC}",					false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{:0}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{/0}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{@0}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{G0}",					  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{1234567}",				     false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;\\x{20AC",					 false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;a\x01",					    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;a\x7f",					    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=a9#{|}~/;b",					     false, SMTP_PARAMS_OK,      0,                "a9#{|}~/;b"           },
    {" ORCPT=a:b;c",						  false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=;c",						     false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;a+2Bb",					    false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" ORCPT=utf-8;",						 false, SMTP_PARAMS_BAD,     0,                ""                     },
    {" RET=FULL",						     false, SMTP_PARAMS_UNKNOWN, 0,                ""                     },
    {" SIZE=1",						       false, SMTP_PARAMS_UNKNOWN, 0,                ""                     },
};

static void
test_rcpt(size_t i)
{
	struct smtp_params p;
	enum smtp_params_result r = smtp_params_of_rcpt(
	    str_of(rcpts[i].text), ALL, rcpts[i].utf8, &p);

	if (r != rcpts[i].result)
		fprintf(stderr, "\"%s\":\n", rcpts[i].text);
	CHECK(r == rcpts[i].result);
	if (r != SMTP_PARAMS_OK)
		return;
	CHECK(p.notify == rcpts[i].notify);
	CHECK(str_eq(p.original, str_of(rcpts[i].original)));
}

/* RFC 3461 s4.2, s4.4: to the octet. */
static void
test_lengths(void)
{
	static char text[600];
	struct smtp_params p;

	for (size_t n = 99; n <= 101; n++) {
		snprintf(text, sizeof(text), " ENVID=%.*s", (int)n,
		    "0123456789012345678901234567890123456789012345678901234567"
		    "8901234567890123456789012345678901234567890123456789");
		CHECK((smtp_params_of_mail(str_of(text), ALL, &p) ==
			  SMTP_PARAMS_OK) == (n <= SMTP_ENVID_MAX));
	}
	for (size_t n = 499; n <= 501; n++) {
		size_t at = (size_t)snprintf(text, sizeof(text), " ORCPT=a;");

		memset(text + at, 'x', n - 2);
		text[at + n - 2] = '\0';
		CHECK((smtp_params_of_rcpt(str_of(text), ALL, false, &p) ==
			  SMTP_PARAMS_OK) == (n <= SMTP_ORCPT_MAX));
	}
	CHECK(smtp_params_of_rcpt(STR(" NOTIFY=NEVER"), NONE, false, &p) ==
	      SMTP_PARAMS_UNKNOWN);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
		test_mail(i);
	for (size_t i = 0; i < sizeof(rcpts) / sizeof(rcpts[0]); i++)
		test_rcpt(i);
	test_lengths();
	return TEST_EXIT();
}
