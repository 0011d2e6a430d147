/* SPDX-License-Identifier: MIT */
#include "common/policy/tlsrpt.h"

#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "tests/test.h"

static const struct {
	const char *records[2];
	const char *rua; /* joined by spaces; NULL: no reports */
} records[] = {
  /* RFC 8460 s3.1 */
    {{"v=TLSRPTv1;rua=mailto:reports@example.com"},
     "mailto:reports@example.com"						      },
    {{"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"},
     "https://reporting.example.com/v1/tlsrpt"                                         },
    {{"v=TLSRPTv1; rua=mailto:a@b.test , https://b.test/;"},
     "mailto:a@b.test https://b.test/"						 },
    {{"v=TLSRPTv1; x=y; rua=https://b.test/?a=b"},                "https://b.test/?a=b"},
    {{"v=TLSRPTv1;rua=mailto:a@b.test;rua=mailto:c@d.test"},      "mailto:a@b.test"    },
    {{"v=TLSRPTv1;rua=a:1,a:2,a:3,a:4,a:5"},                      "a:1 a:2 a:3 a:4"    },
    {{"v=STSv1; id=1", "v=TLSRPTv1;rua=a:1"},                     "a:1"                },
    {{"v=TLSRPTv1;rua=a:1", "v=TLSRPTv1;rua=a:1"},                NULL                 },
    {{"v=TLSRPTv1"},					      NULL                 },
    {{"v=TLSRPTv1;"},					     NULL                 },
    {{"v=TLSRPTv1;x=y"},					  NULL                 },
    {{"v=TLSRPTv1;rua="},					 NULL                 },
    {{"v=TLSRPTv1;rua=a:1,,a:2"},                                 NULL                 },
    {{"v=TLSRPTv1;rua=a:1 a:2"},				  NULL                 },
    {{"v=TLSRPTv1;rua=a:1;x=y z"},                                NULL                 },
    {{"v=TLSRPTv1;rua=a:1;nonsense"},                             NULL                 },
    {{"v=tlsrptv1;rua=a:1"},				      NULL                 },
    {{"rua=a:1;v=TLSRPTv1"},				      NULL                 },
    {{"v=TLSRPTv1;RUA=a:1"},				      NULL                 },
    {{"v=TLSRPTv1;rua=mailto:\xc3\xa4@b.test"},                   NULL                 },
};

static void
test_records(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct str all[2];
		struct tlsrpt_record r;
		struct buf got;
		size_t n = 0;

		for (; n < 2 && records[i].records[n] != NULL; n++)
			all[n] = str_of(records[i].records[n]);
		buf_init(&got, KB);
		buf_add(&got, STR(""));
		if (tlsrpt_record_parse(all, n, &r)) {
			for (size_t k = 0; k < r.n; k++)
				buf_addf(&got, "%s%.*s", k > 0 ? " " : "",
				    STR_FMT(r.rua[k]));
		} else {
			buf_add(&got, STR("(none)"));
		}
		CHECK_STR(got.data,
		    records[i].rua != NULL ? records[i].rua : "(none)");
		buf_release(&got);
	}
}

static void
test_mailto(void)
{
	static const struct {
		const char *uri, *address; /* NULL: none */
	} rows[] = {
	    {"mailto:a@b.test",                             "a@b.test"  },
	    {"MAILTO:A@b.test",                             "A@b.test"  },
	    {"mailto:a@b.test?subject=x%0d%0aBcc:c@d.test", "a@b.test"  },
	    {"mailto:a%2Bb@b.test",                         "a+b@b.test"},
	    {"mailto:a%0d%0aRCPT@b.test",                   NULL        },
	    {"mailto:a%00@b.test",                          NULL        },
	    {"mailto:a%20b@b.test",                         NULL        },
	    {"mailto:a%2@b.test",                           NULL        },
	    {"mailto:a%2",				  NULL        },
	    {"mailto:a@b.test>",                            NULL        },
	    {"mailto:a@b.test%3E",                          NULL        },
	    {"mailto:<a@b.test>",                           NULL        },
	    {"mailto:a@",				   NULL        },
	    {"mailto:@b.test",                              NULL        },
	    {"mailto:ab.test",                              NULL        },
	    {"mailto:",				     NULL        },
	    {"mail:a@b.test",			       NULL        },
	    {"https://a@b.test/",                           NULL        },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[TLSRPT_ADDRESS_MAX] = "?";

		if (!tlsrpt_mailto(str_of(rows[i].uri), got))
			snprintf(got, sizeof(got), "(none) %s", rows[i].uri);
		if (rows[i].address != NULL)
			CHECK_STR(got, rows[i].address);
		else
			CHECK(str_starts(str_of(got), STR("(none)")));
	}
}

static void
test_https(void)
{
	static const struct {
		const char *uri, *host, *path;
		unsigned port; /* 0: none */
	} rows[] = {
	    {"https://b.test/v1",           "b.test", "/v1",    443 },
	    {"HTTPS://B.test",              "B.test", "/",      443 },
	    {"https://b.test:8443/a?b=c#d", "b.test", "/a?b=c", 8443},
	    {"https://b.test#d",            "b.test", "/",      443 },
	    {"http://b.test/",              NULL,     NULL,     0   },
	    {"https://user@b.test/",        NULL,     NULL,     0   },
	    {"https://user:pw@b.test/",     NULL,     NULL,     0   },
	    {"https://b.test:0/",           NULL,     NULL,     0   },
	    {"https://b.test:65536/",       NULL,     NULL,     0   },
	    {"https://b.test:x/",           NULL,     NULL,     0   },
	    {"https://192.0.2.1/",          NULL,     NULL,     0   },
	    {"https://[2001:db8::1]/",      NULL,     NULL,     0   },
	    {"https://localhost/",          NULL,     NULL,     0   },
	    {"https://b_c.test/",           NULL,     NULL,     0   },
	    {"https://-b.test/",            NULL,     NULL,     0   },
	    {"https://b-.test/",            NULL,     NULL,     0   },
	    {"https://b..test/",            NULL,     NULL,     0   },
	    {"https:///x",                  NULL,     NULL,     0   },
	    {"https://b.test?x",            NULL,     NULL,     0   },
	    {"https://b.test/\x01",         NULL,     NULL,     0   },
	    {"https://b.test/ HTTP/1.1",    NULL,     NULL,     0   },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tlsrpt_https got;
		bool good = tlsrpt_https(str_of(rows[i].uri), &got);

		if (good != (rows[i].port != 0))
			fprintf(stderr, "%s\n", rows[i].uri);
		CHECK(good == (rows[i].port != 0));
		if (!good || rows[i].port == 0)
			continue;
		CHECK(str_eq(got.host, str_of(rows[i].host)));
		CHECK(str_eq(got.path, str_of(rows[i].path)));
		CHECK(got.port == rows[i].port);
	}
}

#define TEXT                                                                   \
	"version: STSv1\r\nmode: testing\r\nmx: mx1.d.test\nmx: *.d.test\r\n"  \
	"\r\nx: \"a\\b\" \xc3\xa4 \r\nmax_age: 604800"
#define STS                                                                    \
	"{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\","      \
	"\"mode: testing\",\"mx: mx1.d.test\",\"mx: *.d.test\","               \
	"\"x: \\\"a\\\\b\\\" \xc3\xa4\",\"max_age: 604800\"],"                 \
	"\"policy-domain\":\"d.test\","                                        \
	"\"mx-host\":[\"mx1.d.test\",\"*.d.test\"]}"
#define NONE                                                                   \
	"{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"d.test\"}"

static void
test_policies(void)
{
	const struct str tlsa[] = {STR("3 1 1 ab12"), STR("2 0 1 cd34")};
	struct mtasts_policy p;
	const char *why;
	struct buf out;

	buf_init(&out, TLSRPT_POLICY_MAX);
	CHECK(mtasts_policy_parse(STR(TEXT), &p, &why));
	tlsrpt_policy_sts(STR("d.test"), &p, STR(TEXT), &out);
	CHECK_STR(out.data, STS);
	buf_clear(&out);
	tlsrpt_policy_sts(STR("d.test"), NULL, STR(""), &out);
	CHECK_STR(out.data, "{\"policy-type\":\"sts\",\"policy-string\":[],"
			    "\"policy-domain\":\"d.test\"}");
	buf_clear(&out);
	tlsrpt_policy_tlsa(STR("mx.d.test"), tlsa, 2, &out);
	CHECK_STR(out.data,
	    "{\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 ab12\","
	    "\"2 0 1 cd34\"],\"policy-domain\":\"mx.d.test\","
	    "\"mx-host\":[\"mx.d.test\"]}");
	buf_clear(&out);
	tlsrpt_policy_none(STR("d.test"), &out);
	CHECK_STR(out.data, NONE);
	buf_release(&out);
}

/* The longest there can be: nothing overruns, what there is is whole. */
static void
test_long_policy(void)
{
	struct mtasts_policy p;
	struct buf text, out;
	const char *why;

	buf_init(&text, MTASTS_TEXT_MAX);
	buf_init(&out, TLSRPT_POLICY_MAX);
	buf_add(&text, STR("version: STSv1\nmode: enforce\nmax_age: 1\n"));
	for (int i = 0; i < MTASTS_MX_MAX; i++)
		buf_addf(&text, "mx: %063d.%063d.%063d.%061d\n", i, i, i, i);
	while (text.len + 300 < MTASTS_TEXT_MAX)
		buf_addf(&text, "x: %0200d\n", 1);
	CHECK(!text.overrun);
	CHECK(mtasts_policy_parse(buf_str(&text), &p, &why));
	tlsrpt_policy_sts(STR("d.test"), &p, buf_str(&text), &out);
	CHECK(!out.overrun);
	CHECK(str_ends_nocase(buf_str(&out), STR("\"]}")));
	buf_clear(&text);
	buf_clear(&out);
	buf_add(&text, STR("version: STSv1\nmode: none\nmax_age: 1\nx: "));
	while (text.len < MTASTS_TEXT_MAX)
		buf_add_char(&text, '"');
	CHECK(mtasts_policy_parse(buf_str(&text), &p, &why));
	tlsrpt_policy_sts(STR("d.test"), &p, buf_str(&text), &out);
	CHECK_STR(out.data,
	    "{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\","
	    "\"mode: none\",\"max_age: 1\"],\"policy-domain\":\"d.test\"}");
	buf_release(&out);
	buf_release(&text);
}

static void
test_report(void)
{
	const struct tlsrpt_row rows[] = {
	    {.policy = STR(NONE),                       .sessions = 3   },
	    { .policy = STR(STS),                .host = STR("mx1.d.test"), .sessions = 5326},
	    { .policy = STR(STS),                .host = STR("mx2.d.test"),    .sessions = 1},
	    { .policy = STR(STS),
             .result = STR("certificate-expired"),
             .host = STR("mx1.d.test"),
             .ip = STR("2001:db8::1"),
             .source = STR("192.0.2.9"),
             .reason = STR("it \xff has\n\"expired\""),
             .sessions = 100},
	    {				      .policy = STR(STS),
             .result = STR("sts-policy-fetch-error"),
             .sessions = 2},
	};
	const struct tlsrpt_report r = {
	    .organization = STR("mail.e.test"),
	    .contact = STR("postmaster@e.test"),
	    .id = STR("1@e.test"),
	    .begin_s = 1459468800,
	    .end_s = 1459468800 + 86399,
	    .rows = rows,
	    .n = sizeof(rows) / sizeof(rows[0]),
	};
	struct buf out;

	buf_init(&out, MB);
	tlsrpt_compose(&r, &out);
	CHECK(utf8_valid(buf_str(&out)));
	CHECK_STR(out.data,
	    "{\"organization-name\":\"mail.e.test\",\"date-range\":{"
	    "\"start-datetime\":\"2016-04-01T00:00:00Z\","
	    "\"end-datetime\":\"2016-04-01T23:59:59Z\"},"
	    "\"contact-info\":\"postmaster@e.test\",\"report-id\":\"1@e.test\","
	    "\"policies\":[{\"policy\":" NONE ",\"summary\":{"
	    "\"total-successful-session-count\":3,"
	    "\"total-failure-session-count\":0},\"failure-details\":[]},"
	    "{\"policy\":" STS ",\"summary\":{"
	    "\"total-successful-session-count\":5327,"
	    "\"total-failure-session-count\":102},\"failure-details\":[{"
	    "\"result-type\":\"certificate-expired\","
	    "\"sending-mta-ip\":\"192.0.2.9\","
	    "\"receiving-mx-hostname\":\"mx1.d.test\","
	    "\"receiving-ip\":\"2001:db8::1\",\"failed-session-count\":100,"
	    "\"failure-reason-code\":"
	    "\"it \\ufffd has\\u000a\\\"expired\\\"\"},"
	    "{\"result-type\":\"sts-policy-fetch-error\","
	    "\"failed-session-count\":2}]}]}");
	buf_release(&out);
}

int
main(void)
{
	test_records();
	test_mailto();
	test_https();
	test_policies();
	test_long_policy();
	test_report();
	return TEST_EXIT();
}
