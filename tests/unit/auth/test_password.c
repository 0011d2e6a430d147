/* SPDX-License-Identifier: MIT */
#include "common/auth/password.h"

#include <time.h>

#include "tests/test.h"

/* Processor time: others may be busy on the machine. */
static clock_t
cost(const char *verifier)
{
	clock_t start = clock();

	for (int i = 0; i < 5; i++)
		CHECK(!password_verify(STR("a guess"), verifier));
	return clock() - start;
}

int
main(void)
{
	static const char zeros[1024];
	char one[PASSWORD_VERIFIER_MAX], two[PASSWORD_VERIFIER_MAX];
	struct str huge = {zeros, sizeof(zeros)};
	clock_t real, none, locked;

	password_hash(STR("pw-alice-Xyz123"), one);
	password_hash(STR("pw-alice-Xyz123"), two);
	CHECK(strncmp(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
	CHECK(strcmp(one, two) != 0); /* salted */
	CHECK(password_verify(STR("pw-alice-Xyz123"), one));
	CHECK(password_verify(STR("pw-alice-Xyz123"), two));
	CHECK(!password_verify(STR("pw-alice-Xyz12"), one));
	CHECK(!password_verify(STR("pw-alice-Xyz123 "), one));
	CHECK(!password_verify(STR("PW-alice-Xyz123"), one));
	CHECK(!password_verify(STR(""), one));
	CHECK(!password_verify((struct str){0}, one));
	CHECK(!password_verify(huge, one));
	CHECK(!password_verify(STR("x"), NULL));

	/* an empty password is nobody's, even where one was stored */
	password_hash(STR(""), one);
	CHECK(!password_verify(STR(""), one));

	/* all bytes count, NUL too */
	password_hash(STR("a\0b"), one);
	CHECK(password_verify(STR("a\0b"), one));
	CHECK(!password_verify(STR("a"), one));

	/* RFC 8265 s4.2.2: composed or not, no-break space or space */
	password_hash(STR("p\xc3\xa4ss word"), one);
	CHECK(password_verify(STR("pa\xcc\x88ss\xc2\xa0word"), one));
	CHECK(!password_verify(STR("pass word"), one));

	/* bytes that are not UTF-8 are themselves */
	password_hash(STR("p\xe4ss"), one);
	CHECK(password_verify(STR("p\xe4ss"), one));
	CHECK(!password_verify(STR("p\xc3\xa4ss"), one));

	/* nobody and a locked account cost what a wrong password does */
	real = cost(two);
	none = cost(NULL);
	locked = cost("!");
	CHECK(none * 2 > real && none < real * 2);
	CHECK(locked * 2 > real && locked < real * 2);
	return TEST_EXIT();
}
