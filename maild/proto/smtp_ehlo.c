/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_ehlo.h"

static void
offer_pipelining(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->pipelining = true;
}

static void
offer_eight_bit(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->eight_bit = true;
}

static void
offer_utf8(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->utf8 = true;
}

static void
offer_starttls(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->starttls = true;
}

static void
offer_dsn(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->dsn = true;
}

static void
offer_chunking(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->chunking = true;
}

static void
offer_binary(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->binary = true;
}

static void
offer_requiretls(struct smtp_ehlo *e, struct str arg)
{
	(void)arg;
	e->requiretls = true;
}

static void
offer_auth(struct smtp_ehlo *e, struct str arg)
{
	e->auth = true;
	while (arg.len > 0) {
		struct str mechanism = str_cut(&arg, ' ');

		e->auth_plain |= str_eq_nocase(mechanism, STR("PLAIN"));
		e->auth_login |= str_eq_nocase(mechanism, STR("LOGIN"));
	}
}

static void
offer_size(struct smtp_ehlo *e, struct str arg)
{
	/* RFC 1870 s4: 0 or no number means no fixed limit; so does one too
	 * large for us */
	if (!str_to_u64(str_trim(arg), UINT64_MAX, &e->size))
		e->size = 0;
}

static const struct keyword {
	const char *name;
	void (*offer)(struct smtp_ehlo *e, struct str arg);
} keywords[] = {
    {"PIPELINING", offer_pipelining},
    {"8BITMIME",   offer_eight_bit },
    {"SMTPUTF8",   offer_utf8      },
    {"STARTTLS",   offer_starttls  },
    {"DSN",        offer_dsn       },
    {"CHUNKING",   offer_chunking  },
    {"BINARYMIME", offer_binary    },
    {"REQUIRETLS", offer_requiretls},
    {"AUTH",       offer_auth      },
    {"SIZE",       offer_size      },
};

struct smtp_ehlo
smtp_ehlo_parse(struct str text)
{
	struct smtp_ehlo e = {0};

	str_cut(&text, '\n');
	while (text.len > 0) {
		struct str arg = str_cut(&text, '\n');
		struct str word = str_cut(&arg, ' ');

		for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]);
		     i++)
			if (str_eq_nocase(word, str_of(keywords[i].name)))
				keywords[i].offer(&e, arg);
	}
	return e;
}
