/* SPDX-License-Identifier: MIT */
/* What became of a recipient: always one printable line with a code. */
#include "maild/proto/smtp_outcome.h"

#include "tests/test.h"

static void
by_reply(void)
{
	static const struct {
		struct smtp_reply reply;
		enum smtp_result result;
		const char *enhanced, *text;
	} rows[] = {
	    {{.code = 250, .text = STR("taken")}, SMTP_SENT, "2.0.0",
             "250 taken"							       },
	    {{.code = 450,
		 .enhanced = "4.2.1",
		 .text = STR("a\n\x1b\x7f"
			     "b")},
             SMTP_TEMP,				      "4.2.1", "450 4.2.1 a ??b"},
	    {{.code = 554, .text = STR("")},      SMTP_PERM, "5.0.0", "554"            },
	};
	struct smtp_outcome o;

	smtp_outcome_init(&o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o.elsewhere = o.again = o.unsure = o.asked = true;
		smtp_outcome_reply(&o, &rows[i].reply);
		CHECK(o.result == rows[i].result);
		CHECK(o.code == rows[i].reply.code);
		CHECK_STR(o.enhanced, rows[i].enhanced);
		CHECK_STR(o.text.data, rows[i].text);
		CHECK(!o.elsewhere && !o.again && !o.unsure && !o.asked);
	}
	smtp_outcome_release(&o);
}

/* In our words, with whatever others said in them. */
static void
by_us(void)
{
	struct smtp_outcome o, other;

	smtp_outcome_init(&o);
	smtp_outcome_init(&other);
	smtp_outcome_say(
	    &o, SMTP_TEMP, "4.4.1", "%s: %d", "no\nanswer\x1b\x7f\xc3~", 7);
	CHECK(o.result == SMTP_TEMP && o.code == 0);
	CHECK_STR(o.enhanced, "4.4.1");
	CHECK_STR(o.text.data, "4.4.1 no?answer???~: 7");
	o.unsure = true;
	smtp_outcome_copy(&o, &o);
	CHECK_STR(o.text.data, "4.4.1 no?answer???~: 7");
	smtp_outcome_say(&other, SMTP_PERM, "5.0.0", "a longer text than that");
	smtp_outcome_copy(&other, &o);
	CHECK(other.result == SMTP_TEMP && other.unsure);
	CHECK_STR(other.text.data, o.text.data);
	CHECK(other.text.data != o.text.data);
	smtp_outcome_release(&o);
	CHECK_STR(other.enhanced, "4.4.1");
	smtp_outcome_release(&other);
}

int
main(void)
{
	by_reply();
	by_us();
	return TEST_EXIT();
}
