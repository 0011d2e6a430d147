/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_param.h"

#include "tests/test.h"

static const struct {
	const char *text;
	bool auth;
	enum smtp_params_result result;
	struct smtp_params params;
} table[] = {
    {"",				false, SMTP_PARAMS_OK,      {0}               },
    {"   ",			     false, SMTP_PARAMS_OK,      {0}               },
    {" SIZE=0",			 false, SMTP_PARAMS_OK,      {0}               },
    {" size=5  Body=8bitmime smtputf8", false, SMTP_PARAMS_OK,      {5, true, true}   },
    {" BODY=7BIT",		      false, SMTP_PARAMS_OK,      {0}               },
    {" SIZE=00000000000000000012",      false, SMTP_PARAMS_OK,      {12, false, false}},
    {" SIZE=18446744073709551615",      false, SMTP_PARAMS_OK,
     {UINT64_MAX, false, false}						       },
    {" SIZE=000000000000000000012",     false, SMTP_PARAMS_BAD,     {0}               },
    {" SIZE=18446744073709551616",      false, SMTP_PARAMS_BAD,     {0}               },
    {" SIZE=1x",			false, SMTP_PARAMS_BAD,     {0}               },
    {" SIZE=1=2",		       false, SMTP_PARAMS_BAD,     {0}               },
    {" SIZE=1 SIZE=1",                  false, SMTP_PARAMS_BAD,     {0}               },
    {" SMTPUTF8 SMTPUTF8",              false, SMTP_PARAMS_BAD,     {0}               },
    {" BODY",			   false, SMTP_PARAMS_BAD,     {0}               },
    {" -X=1",			   false, SMTP_PARAMS_BAD,     {0}               },
    {" X_Y=1",			  false, SMTP_PARAMS_BAD,     {0}               },
    {" X=\x7f",			 false, SMTP_PARAMS_BAD,     {0}               },
    {" X=1",			    false, SMTP_PARAMS_UNKNOWN, {0}               },
    {" X",			      false, SMTP_PARAMS_UNKNOWN, {0}               },
    {" AUTH=<>",			false, SMTP_PARAMS_UNKNOWN, {0}               },
    {" AUTH=<>",			true,  SMTP_PARAMS_OK,      {0}               },
    {" AUTH=e+3Dmc2@example.com",       true,  SMTP_PARAMS_OK,      {0}               },
    {" AUTH=a+0Ab",		     true,  SMTP_PARAMS_BAD,     {0}               },
    {" AUTH=a+4",		       true,  SMTP_PARAMS_BAD,     {0}               },
    {" AUTH=a+3d",		      true,  SMTP_PARAMS_BAD,     {0}               },
    {" AUTH=",			  true,  SMTP_PARAMS_BAD,     {0}               },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct smtp_params p;
		enum smtp_params_result r = smtp_params_of_mail(
		    str_of(table[i].text), table[i].auth, &p);

		if (r != table[i].result)
			fprintf(stderr, "\"%s\":\n", table[i].text);
		CHECK(r == table[i].result);
		if (r != SMTP_PARAMS_OK)
			continue;
		CHECK(p.size == table[i].params.size);
		CHECK(p.eight_bit == table[i].params.eight_bit);
		CHECK(p.utf8 == table[i].params.utf8);
	}
	CHECK(smtp_params_of_rcpt(STR("")) == SMTP_PARAMS_OK);
	CHECK(smtp_params_of_rcpt(STR("  ")) == SMTP_PARAMS_OK);
	CHECK(smtp_params_of_rcpt(STR(" ORCPT=x")) == SMTP_PARAMS_UNKNOWN);
	CHECK(smtp_params_of_rcpt(STR(" ORCPT=")) == SMTP_PARAMS_BAD);
	return TEST_EXIT();
}
