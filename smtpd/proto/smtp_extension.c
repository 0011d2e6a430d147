/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_extension.h"

#include "common/mime/date.h"
#include "common/util/mem.h"

#define MECHANISMS "PLAIN LOGIN" /* where the host names none */

static const struct mechanism {
	const char *name;
	bool scram, plus;
} mechanisms[] = {
    {"PLAIN",	      false, false},
    {"LOGIN",	      false, false},
    {"SCRAM-SHA-256",      true,  false},
    {"SCRAM-SHA-256-PLUS", true,  true },
};

static const struct mechanism *
find(struct str name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_eq_nocase(name, str_of(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

/* Is it one of these words, a space between? */
static bool
has_word(const char *words, struct str word)
{
	struct str rest = str_of(words);

	while (rest.len > 0)
		if (str_eq_nocase(str_cut(&rest, ' '), word))
			return true;
	return false;
}

static struct str
mechanism_words(const struct smtp_server_options *o)
{
	return str_of(o->mechanisms != NULL ? o->mechanisms : MECHANISMS);
}

bool
smtp_mechanism_offered(
    const struct smtp_server_options *o, bool tls, struct str name)
{
	const struct mechanism *m = find(name);

	return m != NULL && has_word(mechanism_words(o).at, name) &&
	       (!m->plus || (tls && o->binding));
}

bool
smtp_mechanism_is_scram(struct str name, bool *plus)
{
	const struct mechanism *m = find(name);

	*plus = m != NULL && m->plus;
	return m != NULL && m->scram;
}

bool
smtp_mechanism_is_known(struct str name)
{
	return find(name) != NULL;
}

/* ---- arguments of keywords ---- */

static void
add_size(struct buf *line, const struct smtp_server_options *o,
    const struct smtp_moment *now)
{
	(void)now;
	buf_addf(line, " %llu", (unsigned long long)o->max_size);
}

static void
add_mechanisms(struct buf *line, const struct smtp_server_options *o,
    const struct smtp_moment *now)
{
	struct str rest = mechanism_words(o);

	while (rest.len > 0) {
		struct str name = str_cut(&rest, ' ');

		if (smtp_mechanism_offered(o, now->tls, name))
			buf_addf(line, " %s", find(name)->name);
	}
}

/* RFC 9422 s3: only what is so */
static void
add_limits(struct buf *line, const struct smtp_server_options *o,
    const struct smtp_moment *now)
{
	(void)now;
	buf_addf(line, " RCPTMAX=%zu", o->max_recipients);
}

/* RFC 4865 s3: the longest interval and the latest date */
static void
add_hold(struct buf *line, const struct smtp_server_options *o,
    const struct smtp_moment *now)
{
	char date[DATE_TEXT_MAX];

	(void)now;
	buf_addf(line, " %llu %s", (unsigned long long)o->max_hold_s,
	    date_iso(o->since_s + (int64_t)o->max_hold_s, date));
}

/* ---- who has what ---- */

static bool
can_secure(const struct smtp_server_options *o)
{
	return o->offers_tls;
}

static bool
takes_logins(const struct smtp_server_options *o)
{
	return o->submission;
}

static bool
holds(const struct smtp_server_options *o)
{
	return o->submission && o->max_hold_s > 0 && o->since_s > 0;
}

static bool
is_exposed(const struct smtp_server_options *o, const struct smtp_moment *now)
{
	(void)o;
	return !now->tls && !now->authenticated;
}

static bool
may_log_in(const struct smtp_server_options *o, const struct smtp_moment *now)
{
	return (now->tls || o->allow_plaintext) && !now->authenticated;
}

/* RFC 8689 s2: after STARTTLS only */
static bool
is_secure(const struct smtp_server_options *o, const struct smtp_moment *now)
{
	(void)o;
	return now->tls;
}

static const struct extension {
	enum smtp_extension bit;
	const char *keyword;
	unsigned needs; /* others that must be there too */
	bool (*can)(const struct smtp_server_options *); /* NULL: always */
	bool (*listed)(const struct smtp_server_options *,
	    const struct smtp_moment *); /* NULL: always */
	void (*add)(struct buf *line, const struct smtp_server_options *,
	    const struct smtp_moment *); /* its argument, or NULL */
} extensions[] = {
    {SMTP_EXT_PIPELINING,    "PIPELINING",          0,                                     NULL,         NULL,       NULL          },
    {SMTP_EXT_SIZE,          "SIZE",                0,				     NULL,         NULL,       add_size      },
    {SMTP_EXT_STARTTLS,      "STARTTLS",            0,                                     can_secure,   is_exposed, NULL          },
    {SMTP_EXT_AUTH,          "AUTH",                0,				     takes_logins, may_log_in, add_mechanisms},
    {SMTP_EXT_STATUS_CODES,  "ENHANCEDSTATUSCODES", 0,                                     NULL,         NULL,       NULL          },
    {SMTP_EXT_8BITMIME,      "8BITMIME",            0,                                     NULL,         NULL,       NULL          },
    {SMTP_EXT_CHUNKING,      "CHUNKING",            0,                                     NULL,         NULL,       NULL          },
 /* RFC 3030 s3: never without BDAT, and BODY is 8BITMIME's parameter */
    {SMTP_EXT_BINARYMIME,    "BINARYMIME",          SMTP_EXT_CHUNKING | SMTP_EXT_8BITMIME,
     NULL,											       NULL,       NULL          },
    {SMTP_EXT_DSN,           "DSN",                 0,				     NULL,         NULL,       NULL          },
    {SMTP_EXT_REQUIRETLS,    "REQUIRETLS",          0,                                     can_secure,   is_secure,  NULL          },
    {SMTP_EXT_LIMITS,        "LIMITS",              0,				     NULL,         NULL,       add_limits    },
    {SMTP_EXT_FUTURERELEASE, "FUTURERELEASE",       0,                                     holds,        NULL,       add_hold      },
    {SMTP_EXT_SMTPUTF8,      "SMTPUTF8",            0,                                     NULL,         NULL,       NULL          },
};
#define N_EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

bool
smtp_extension_is_known(struct str keyword)
{
	for (size_t i = 0; i < N_EXTENSIONS; i++)
		if (str_eq_nocase(keyword, str_of(extensions[i].keyword)))
			return true;
	return false;
}

unsigned
smtp_extensions(const struct smtp_server_options *o)
{
	unsigned has = 0;

	for (size_t i = 0; i < N_EXTENSIONS; i++) {
		const struct extension *e = &extensions[i];

		if ((e->can == NULL || e->can(o)) &&
		    (has & e->needs) == e->needs &&
		    !has_word(o->extensions_off, str_of(e->keyword)))
			has |= e->bit;
	}
	return has;
}

void
smtp_extensions_list(struct buf *out, const struct smtp_server_options *o,
    const struct smtp_moment *now)
{
	struct buf line, next;

	buf_init(&line, KB);
	buf_init(&next, KB);
	buf_add(&line, str_of(o->hostname));
	for (size_t i = 0; i < N_EXTENSIONS; i++) {
		const struct extension *e = &extensions[i];

		if (!(now->has & e->bit) ||
		    (e->listed != NULL && !e->listed(o, now)))
			continue;
		buf_clear(&next);
		buf_add(&next, str_of(e->keyword));
		if (e->add != NULL)
			e->add(&next, o, now);
		smtp_reply_add_line(out, REPLY_HELLO, buf_str(&line), true);
		buf_clear(&line);
		buf_add(&line, buf_str(&next));
	}
	smtp_reply_add_line(out, REPLY_HELLO, buf_str(&line), false);
	buf_release(&line);
	buf_release(&next);
}
