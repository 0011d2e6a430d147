/* SPDX-License-Identifier: MIT */
#include "common/auth/sasl.h"

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NONE ((struct str){NULL, 0})

static void
check_texts(const struct sasl *s, const char *user, const char *password)
{
	CHECK_STR(s->user.data != NULL ? s->user.data : "", user);
	CHECK_STR(s->password.data != NULL ? s->password.data : "", password);
}

/* One PLAIN message, as initial response and after an empty challenge. */
static void
check_plain(struct str message, enum sasl_result want, const char *user,
    const char *password)
{
	struct sasl s;
	struct buf text, challenge;

	buf_init(&text, 64 * KB);
	buf_init(&challenge, KB);
	enc_base64(message, &text);
	if (text.len == 0)
		buf_add_char(&text, '=');
	CHECK(sasl_begin(&s, STR("plain"), buf_str(&text), &challenge) == want);
	check_texts(&s, user, password);
	sasl_release(&s);

	buf_add(&challenge, STR("left over"));
	CHECK(sasl_begin(&s, STR("PLAIN"), NONE, &challenge) == SASL_CHALLENGE);
	CHECK(challenge.len == 0);
	if (message.len > 0) {
		CHECK(sasl_respond(&s, buf_str(&text), &challenge) == want);
		check_texts(&s, user, password);
	}
	sasl_release(&s);
	buf_release(&text);
	buf_release(&challenge);
}

static const struct {
	struct str message;
	enum sasl_result want;
	const char *user, *password;
} plain[] = {
    {STR("\0alice@d.test\0pw"),                       SASL_CHECK, "alice@d.test", "pw"},
    {STR("alice@d.test\0alice@d.test\0pw"),           SASL_CHECK, "alice@d.test", "pw"},
    {STR("\0J\xc3\xb6rg\0p\xc3\xa4ss w"),             SASL_CHECK, "J\xc3\xb6rg",
     "p\xc3\xa4ss w"								  },
    {STR("\0%u%n%s${x}\0|:"),                         SASL_CHECK, "%u%n%s${x}",   "|:"},
 /* ATTACKS A075: to act for another */
    {STR("bob@d.test\0alice@d.test\0pw"),             SASL_CHECK, "",             ""  },
    {STR("alice@d.tes\0alice@d.test\0pw"),            SASL_CHECK, "",             ""  },
    {STR("Alice@d.test\0alice@d.test\0pw"),           SASL_CHECK, "",             ""  },
 /* shapes (CVE-2023-27582) */
    {STR("\0alice@d.test"),                           SASL_BAD,   "",             ""  },
    {STR("alice"),				    SASL_BAD,   "",             ""  },
    {STR("\0"),				       SASL_BAD,   "",             ""  },
    {STR("\0\0"),				     SASL_BAD,   "",             ""  },
    {STR("\0\0x"),				    SASL_BAD,   "",             ""  },
    {STR("\0alice@d.test\0"),                         SASL_BAD,   "",             ""  },
    {STR("\0a\0b\0c"),				SASL_BAD,   "",             ""  },
    {STR("\0a\0b\0"),				 SASL_BAD,   "",             ""  },
    {STR(""),					 SASL_BAD,   "",             ""  },
 /* A076: separators of somebody's protocol (CVE-2008-1218) */
    {STR("\0alice@d.test\tskip_password_check=1\0x"), SASL_CHECK, "",             ""  },
    {STR("\0alice@d.test\r\n\0x"),                    SASL_CHECK, "",             ""  },
    {STR("\0alice@d.test\x01\0x"),                    SASL_CHECK, "",             ""  },
    {STR("\0alice@d.test\x7f\0x"),                    SASL_CHECK, "",             ""  },
    {STR("\0alice@d.test\0x\ny"),                     SASL_CHECK, "",             ""  },
 /* A081: not UTF-8 */
    {STR("\0alice\xff@d.test\0x"),                    SASL_CHECK, "",             ""  },
    {STR("\0alice@d.test\0\xc3"),                     SASL_CHECK, "",             ""  },
};

static void
test_plain(void)
{
	char name[SASL_NAME_MAX + 2], password[SASL_PASSWORD_MAX + 2];
	struct buf b;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		check_plain(plain[i].message, plain[i].want, plain[i].user,
		    plain[i].password);

	memset(name, 'n', sizeof(name));
	memset(password, 'p', sizeof(password));
	name[SASL_NAME_MAX] = password[SASL_PASSWORD_MAX] = '\0';
	buf_init(&b, 64 * KB);
	buf_addf(&b, "%c%s%c%s", 0, name, 0, password);
	check_plain(buf_str(&b), SASL_CHECK, name, password);
	buf_add_char(&b, 'p'); /* one too many */
	check_plain(buf_str(&b), SASL_CHECK, "", "");
	buf_clear(&b);
	buf_addf(&b, "%cn%s%cp", 0, name, 0);
	check_plain(buf_str(&b), SASL_CHECK, "", "");
	/* A079: over the limit of a response */
	buf_clear(&b);
	for (int i = 0; i < SASL_RESPONSE_MAX; i++)
		buf_add_char(&b, i == 0 || i == 5 ? '\0' : 'x');
	check_plain(buf_str(&b), SASL_BAD, "", "");
	buf_release(&b);
}

/* A074 and the like: not base64, or more than one way to write it. */
static void
test_base64(void)
{
	static const struct str texts[] = {
	    STR("!!!!"),
	    STR("YQ=b"),
	    STR("YWxpY2U"),
	    STR("=YQ="),
	    STR("=="),
	    STR("AGEAYg"),
	    STR("AGEAYh=="), /* stray bits: AGEAYg== is the one */
	    STR(" AGEAYg=="),
	    STR("AGEAYg== "),
	    STR("AGEA\r\nYg=="),
	    STR("AGEAYg==AGEAYg=="),
	};
	struct sasl s;
	struct buf challenge;

	buf_init(&challenge, KB);
	CHECK(sasl_begin(&s, STR("PLAIN"), STR("AGEAYg=="), &challenge) ==
	      SASL_CHECK);
	sasl_release(&s);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK(sasl_begin(&s, STR("PLAIN"), texts[i], &challenge) ==
		      SASL_BAD);
		sasl_release(&s);
		CHECK(sasl_begin(&s, STR("LOGIN"), texts[i], &challenge) ==
		      SASL_BAD);
		sasl_release(&s);
	}
	buf_release(&challenge);
}

static void
test_login(void)
{
	struct sasl s;
	struct buf challenge;

	buf_init(&challenge, KB);
	CHECK(sasl_begin(&s, STR("LOGIN"), NONE, &challenge) == SASL_CHALLENGE);
	CHECK_STR(challenge.data, "VXNlcm5hbWU6");
	CHECK(sasl_respond(&s, STR("Ym9iQGQudGVzdA=="), &challenge) ==
	      SASL_CHALLENGE);
	CHECK_STR(challenge.data, "UGFzc3dvcmQ6");
	CHECK(sasl_respond(&s, STR("cHc="), &challenge) == SASL_CHECK);
	check_texts(&s, "bob@d.test", "pw");
	sasl_release(&s);
	CHECK(s.user.data == NULL && s.password.data == NULL);

	/* the name as initial response */
	CHECK(sasl_begin(&s, STR("login"), STR("Ym9iQGQudGVzdA=="),
		  &challenge) == SASL_CHALLENGE);
	CHECK_STR(challenge.data, "UGFzc3dvcmQ6");
	CHECK(sasl_respond(&s, STR(""), &challenge) == SASL_BAD);
	check_texts(&s, "", "");
	sasl_release(&s);

	CHECK(sasl_begin(&s, STR("LOGIN"), STR("="), &challenge) == SASL_BAD);
	sasl_release(&s);

	/* a name with a NUL: nobody, found out at the end */
	CHECK(sasl_begin(&s, STR("LOGIN"), STR("YQBi"), &challenge) ==
	      SASL_CHALLENGE);
	CHECK(sasl_respond(&s, STR("cHc="), &challenge) == SASL_CHECK);
	check_texts(&s, "", "");
	sasl_release(&s);
	buf_release(&challenge);
}

static void
test_unknown(void)
{
	static const struct str names[] = {STR("NTLM"), STR("CRAM-MD5"),
	    STR("ANONYMOUS"), STR("EXTERNAL"), STR("PLAI"), STR("PLAIN "),
	    STR("PLAINX"), STR("")};
	struct sasl s;
	struct buf challenge;

	buf_init(&challenge, KB);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CHECK(sasl_begin(&s, names[i], STR("AGEAYg=="), &challenge) ==
		      SASL_UNKNOWN);
		check_texts(&s, "", "");
		sasl_release(&s);
		sasl_release(&s);
	}
	buf_release(&challenge);
}

int
main(void)
{
	test_plain();
	test_base64();
	test_login();
	test_unknown();
	return TEST_EXIT();
}
