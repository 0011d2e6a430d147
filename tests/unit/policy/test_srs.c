/* SPDX-License-Identifier: MIT */
#include "common/policy/srs.h"

#include "common/util/mem.h"
#include "tests/test.h"

#define DAY    86400
#define NOW    ((int64_t)1795000000)
#define DOMAIN STR("fwd.test")

static const uint8_t secret[SRS_SECRET_LEN] = {1, 2, 3};
static const uint8_t other[SRS_SECRET_LEN] = {1, 2, 4};

static const char *const senders[] = {
    "ann@a.example",
    "Ann.B@A.Example",
    "a=b=c@a.example",
    "a+list@a.example",
    "=@a.example",
    "srs@a.example",
    "SRS@a.example",
    "SRS0x@a.example",
    "SRS2=abc=de=f=g@a.example",
    "SRS1=a=SxHy@a.example",
    "SRS1==@a.example",
    "SRS1=a=b=@a.example",
    "\"a b\"@a.example",
    "\"a\\\"b\\\\c@d\"@a.example",
    "j\xc3\xb6rg@a.example",
    "bounce-123-abc=d.test@mail.a.example",
    "!#$%&'*+-/=?^_`{|}~@a.example",
};

/* Back on the day it went and on the last one, but not after. */
static void
there_and_back(struct str sender)
{
	struct buf out, back;

	buf_init(&out, 1 * KB);
	buf_init(&back, 1 * KB);
	CHECK(srs_forward(secret, sender, DOMAIN, NOW, &out));
	CHECK(str_ends_nocase(buf_str(&out), STR("@fwd.test")));
	CHECK(srs_reverse(secret, buf_str(&out), NOW, &back) == SRS_GOOD);
	CHECK_STR(back.data, sender.at);
	buf_clear(&back);
	CHECK(srs_reverse(secret, buf_str(&out), NOW + SRS_DAYS * DAY, &back) ==
	      SRS_GOOD);
	CHECK(srs_reverse(secret, buf_str(&out), NOW + (SRS_DAYS + 1) * DAY,
		  &back) == SRS_BAD);
	CHECK(srs_reverse(secret, buf_str(&out), NOW - DAY, &back) == SRS_BAD);
	CHECK(srs_reverse(other, buf_str(&out), NOW, &back) == SRS_BAD);
	buf_release(&back);
	buf_release(&out);
}

/* No octet in front of the @ may be another; no case matters. */
static void
forgeries(struct str sender)
{
	struct buf out, back, again;
	size_t at;

	buf_init(&out, 1 * KB);
	buf_init(&back, 1 * KB);
	buf_init(&again, 1 * KB);
	CHECK(srs_forward(secret, sender, DOMAIN, NOW, &out));
	CHECK(str_find_last(buf_str(&out), '@', &at));
	for (size_t i = 0; i < at; i++) {
		char c = out.data[i];

		out.data[i] = c == 'x' ? 'y' : 'x';
		buf_clear(&back);
		CHECK(
		    srs_reverse(secret, buf_str(&out), NOW, &back) != SRS_GOOD);
		CHECK(back.len == 0);
		out.data[i] = c;
	}
	for (size_t i = 0; i < out.len; i++)
		out.data[i] = str_lower(out.data[i]);
	CHECK(srs_reverse(secret, buf_str(&out), NOW, &again) == SRS_GOOD);
	CHECK(str_eq_nocase(buf_str(&again), sender));
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] >= 'a' && out.data[i] <= 'z')
			out.data[i] = (char)(out.data[i] - 'a' + 'A');
	buf_clear(&again);
	CHECK(srs_reverse(secret, buf_str(&out), NOW, &again) == SRS_GOOD);
	CHECK(str_eq_nocase(buf_str(&again), sender));
	buf_release(&again);
	buf_release(&back);
	buf_release(&out);
}

/* Over three forwarders: the first alone gets the bounce. */
static void
chains(void)
{
	struct buf a, b, c, back;

	buf_init(&a, 1 * KB);
	buf_init(&b, 1 * KB);
	buf_init(&c, 1 * KB);
	buf_init(&back, 1 * KB);
	CHECK(srs_forward(
	    other, STR("ann@a.example"), STR("b.example"), NOW, &a));
	CHECK(str_starts(buf_str(&a), STR("SRS0=")));
	CHECK(srs_forward(other, buf_str(&a), STR("c.example"), NOW, &b));
	CHECK(str_starts(buf_str(&b), STR("SRS1=")));
	CHECK(srs_forward(secret, buf_str(&b), DOMAIN, NOW, &c));
	CHECK(str_starts(buf_str(&c), STR("SRS1=")));
	CHECK(c.len == b.len - strlen("c.example") + strlen("fwd.test"));
	CHECK(srs_reverse(secret, buf_str(&c), NOW + 99 * DAY, &back) ==
	      SRS_GOOD);
	CHECK(str_eq(buf_str(&back), buf_str(&a)));
	buf_clear(&back);
	CHECK(srs_reverse(other, buf_str(&c), NOW, &back) == SRS_BAD);
	CHECK(srs_reverse(other, buf_str(&b), NOW, &back) == SRS_GOOD);
	CHECK(str_eq(buf_str(&back), buf_str(&a)));

	/* other separators of others */
	buf_clear(&c);
	buf_clear(&back);
	CHECK(srs_forward(
	    secret, STR("SRS0+Hh+tt=x=y@b.example"), DOMAIN, NOW, &c));
	CHECK(srs_reverse(secret, buf_str(&c), NOW, &back) == SRS_GOOD);
	CHECK_STR(back.data, "SRS0+Hh+tt=x=y@b.example");
	buf_release(&back);
	buf_release(&c);
	buf_release(&b);
	buf_release(&a);
}

static void
others(void)
{
	static const char *const no_srs[] = {"ann@d.test", "SRS0@d.test",
	    "SRS0x=a=b@d.test", "xSRS0=a=b=c=d@d.test", "SRS2=a=b@d.test", "",
	    "SRS0=aaaaaaaa=bb=c=d"};
	static const char *const bad[] = {"SRS0=a@d.test", "SRS0==@d.test",
	    "SRS0=aaaaaaaa=bb=c=d@d.test", "SRS1=aaaaaaaa=b==c@d.test",
	    "SRS0=aaaaaaaa@d.test", "SRS1=@d.test",
	    "SRS0+aaaaaaaa=bb=c=d@d.test", "SRS0=uuuuuuuu=bb=c=d@d.test"};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(no_srs) / sizeof(no_srs[0]); i++)
		CHECK(srs_reverse(secret, str_of(no_srs[i]), NOW, &out) ==
		      SRS_OTHER);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(
		    srs_reverse(secret, str_of(bad[i]), NOW, &out) == SRS_BAD);
	CHECK(out.len == 0);
	CHECK(!srs_forward(secret, STR("no-at"), DOMAIN, NOW, &out));
	CHECK(!srs_forward(secret, STR(""), DOMAIN, NOW, &out));
	buf_release(&out);
}

/* The longest address that fits, then one too long. */
static void
lengths(void)
{
	struct buf sender, out;
	bool fits = true;
	size_t longest = 0;

	buf_init(&sender, 1 * KB);
	buf_init(&out, 1 * KB);
	for (size_t n = 1; n < 300; n++) {
		buf_clear(&sender);
		buf_clear(&out);
		buf_add_char(&sender, 'x');
		buf_add(&sender, STR("@a"));
		for (size_t i = 0; i < n; i++)
			buf_add(&sender, i % 50 == 49 ? STR(".") : STR("b"));
		buf_add(&sender, STR("c.example"));
		if (srs_forward(secret, buf_str(&sender), DOMAIN, NOW, &out)) {
			CHECK(fits && out.len <= 254);
			longest = out.len;
		} else {
			CHECK(out.len == 0);
			fits = false;
		}
	}
	CHECK(!fits && longest == 254);
	buf_release(&out);
	buf_release(&sender);
}

/* The day's number begins anew after 1,024 days. */
static void
new_year(void)
{
	for (int64_t day = 1010; day < 1030; day++) {
		struct buf out, back;

		buf_init(&out, 1 * KB);
		buf_init(&back, 1 * KB);
		CHECK(srs_forward(
		    secret, STR("a@b.example"), DOMAIN, day * DAY, &out));
		CHECK(srs_reverse(secret, buf_str(&out), (day + SRS_DAYS) * DAY,
			  &back) == SRS_GOOD);
		CHECK(srs_reverse(secret, buf_str(&out),
			  (day + SRS_DAYS + 1) * DAY, &back) == SRS_BAD);
		buf_release(&back);
		buf_release(&out);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		there_and_back(str_of(senders[i]));
		forgeries(str_of(senders[i]));
	}
	chains();
	others();
	lengths();
	new_year();
	return TEST_EXIT();
}
