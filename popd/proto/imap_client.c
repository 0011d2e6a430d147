/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "popd/proto/imap_state.h"

#define CLIENT_MAX   200 /* octets remembered of name and version */
#define ID_PAIRS_MAX 30  /* RFC 2971 s3.3 has this and the next two */
#define ID_KEY_MAX   30
#define ID_VALUE_MAX 1024

void
imap_write_caps(const struct imap *p, struct buf *out)
{
	struct imap_caps_now now = {
	    .off = p->off,
	    .logged_in = p->state != IMAP_NOT_AUTHENTICATED,
	    .tls = p->options.tls,
	    .passwords = imap_may_log_in(p),
	    .message_max = p->options.message_max,
	};

	imap_caps_write(out, &now);
}

enum imap_event
imap_cmd_capability(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "CAPABILITY has no arguments");
	buf_add(&p->out, STR("* "));
	imap_write_caps(p, &p->out);
	buf_add(&p->out, STR("\r\n"));
	return imap_reply_done(p);
}

enum imap_event
imap_cmd_logout(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "LOGOUT has no arguments");
	imap_untagged(p, "BYE Until next time");
	imap_reply_done(p);
	imap_enter(p, IMAP_LOGGED_OUT);
	return IMAP_NONE;
}

/* ---- ID (RFC 2971) ---- */

struct id {
	struct buf key, value;
	struct buf name, version; /* of the client */
};

static bool
take_pair(struct imap_args *a, struct id *id)
{
	struct buf *into = NULL;
	bool nil;

	buf_clear(&id->key);
	buf_clear(&id->value);
	if (!imap_arg_string(a, &id->key) || !imap_arg_space(a) ||
	    !imap_arg_nstring(a, &id->value, &nil))
		return false;
	if (str_eq_nocase(buf_str(&id->key), STR("name")))
		into = &id->name;
	else if (str_eq_nocase(buf_str(&id->key), STR("version")))
		into = &id->version;
	if (into != NULL && into->len == 0)
		buf_add(into, buf_str(&id->value));
	return true;
}

static bool
take_pairs(struct imap_args *a, struct id *id)
{
	unsigned n = 0;

	if (imap_arg_word(a, STR("NIL")))
		return imap_arg_end(a);
	if (!imap_arg_char(a, '('))
		return false;
	while (!imap_arg_char(a, ')')) {
		if ((n > 0 && !imap_arg_space(a)) || n++ >= ID_PAIRS_MAX ||
		    !take_pair(a, id))
			return false;
	}
	return imap_arg_end(a);
}

/* It goes to logs and journeys: printable, and not long. */
static void
remember(struct imap *p, const struct id *id)
{
	buf_clear(&p->client);
	buf_add(&p->client, str_first(buf_str(&id->name), CLIENT_MAX / 2));
	if (id->version.len > 0) {
		buf_add_char(&p->client, ' ');
		buf_add(&p->client,
		    str_first(buf_str(&id->version), CLIENT_MAX / 4));
	}
	for (size_t i = 0; i < p->client.len; i++)
		if (p->client.data[i] < ' ' || p->client.data[i] > '~')
			p->client.data[i] = '?';
}

enum imap_event
imap_cmd_id(struct imap *p, struct imap_args *a)
{
	struct id id;
	bool good;

	buf_init(&id.key, ID_KEY_MAX);
	buf_init(&id.value, ID_VALUE_MAX);
	buf_init(&id.name, ID_VALUE_MAX);
	buf_init(&id.version, ID_VALUE_MAX);
	good = take_pairs(a, &id);
	if (good && id.name.len > 0) {
		remember(p, &id);
		p->off |= imap_caps_of_client(buf_str(&id.name));
	}
	buf_release(&id.key);
	buf_release(&id.value);
	buf_release(&id.name);
	buf_release(&id.version);
	if (!good)
		return imap_reply_syntax(
		    p, "ID has up to 30 short names with values");
	imap_untagged(
	    p, "ID (\"name\" \"Penny Post\" \"version\" \"" PP_VERSION "\")");
	return imap_reply_done(p);
}

/* ---- ENABLE (RFC 5161) ---- */

static const struct {
	struct str name;
	enum imap_enabled bit;
	enum imap_cap cap;
} enabling[] = {
    {{"CONDSTORE", 9},    IMAP_HAS_CONDSTORE, IMAP_CAP_CONDSTORE  },
    {{"QRESYNC", 7},      IMAP_HAS_QRESYNC,   IMAP_CAP_QRESYNC    },
    {{"UTF8=ACCEPT", 11}, IMAP_HAS_UTF8,      IMAP_CAP_UTF8_ACCEPT},
    {{"IMAP4rev2", 9},    IMAP_HAS_REV2,      IMAP_CAP_IMAP4REV2  },
    {{"UIDONLY", 7},      IMAP_HAS_UIDONLY,   IMAP_CAP_UIDONLY    },
};
#define N_ENABLING (sizeof(enabling) / sizeof(enabling[0]))

bool
imap_offers(const struct imap *p, enum imap_cap cap)
{
	return !(p->off >> cap & 1);
}

bool
imap_has(const struct imap *p, enum imap_enabled what)
{
	return p->enabled & what;
}

bool
imap_utf8(const struct imap *p)
{
	return p->enabled & (IMAP_HAS_UTF8 | IMAP_HAS_REV2);
}

void
imap_enable(struct imap *p, unsigned what)
{
	bool had = imap_has(p, IMAP_HAS_CONDSTORE);

	if (what & IMAP_HAS_QRESYNC) /* RFC 7162 s3.2.3 */
		what |= IMAP_HAS_CONDSTORE;
	p->enabled |= what;
	if (!had && imap_has(p, IMAP_HAS_CONDSTORE) && p->view != NULL) {
		struct buf code; /* RFC 7162 s3.1 */

		buf_init(&code, 100);
		buf_addf(&code, "HIGHESTMODSEQ %lld",
		    (long long)mirror_facts(view_mirror(p->view))->modseq);
		imap_untagged_code(p, IMAP_OK, code.data, "Highest");
		buf_release(&code);
	}
}

/* What each word of the command stands for. */
static bool
take_enabling(const struct imap *p, struct imap_args *a, unsigned *bits)
{
	struct str word;

	*bits = 0;
	do {
		if (!imap_arg_atom(a, &word))
			return false;
		/* RFC 5161 s3.1: others are ignored */
		for (size_t i = 0; i < N_ENABLING; i++)
			if (str_eq_nocase(word, enabling[i].name) &&
			    imap_offers(p, enabling[i].cap))
				*bits |= enabling[i].bit;
	} while (imap_arg_space(a));
	return imap_arg_end(a);
}

enum imap_event
imap_cmd_enable(struct imap *p, struct imap_args *a)
{
	unsigned bits, before = p->enabled;

	if (!take_enabling(p, a, &bits))
		return imap_reply_syntax(p, "ENABLE names capabilities");
	imap_enable(p, bits);
	buf_add(&p->out, STR("* ENABLED"));
	for (size_t i = 0; i < N_ENABLING; i++)
		if (p->enabled & ~before & enabling[i].bit)
			buf_addf(&p->out, " %.*s", STR_FMT(enabling[i].name));
	buf_add(&p->out, STR("\r\n"));
	return imap_reply_done(p);
}

/* ---- COMPRESS (RFC 4978) ---- */

enum imap_event
imap_cmd_compress(struct imap *p, struct imap_args *a)
{
	struct str word;

	if (!imap_arg_atom(a, &word) || !imap_arg_end(a))
		return imap_reply_syntax(p, "COMPRESS names a mechanism");
	if (!str_eq_nocase(word, STR("DEFLATE")))
		return imap_reply_syntax(p, "DEFLATE is the only mechanism");
	if (p->compressed)
		return imap_reply(p, IMAP_NO, IMAP_CODE_COMPRESSIONACTIVE,
		    "DEFLATE is active already");
	imap_reply(p, IMAP_OK, IMAP_CODE_NONE, "DEFLATE from here on");
	return IMAP_DEFLATE;
}

void
imap_compressed(struct imap *p, bool done)
{
	assert(p->waiting == IMAP_DEFLATE);
	p->waiting = IMAP_NONE;
	p->compressed = done;
	if (!done) /* the client was told otherwise */
		imap_enter(p, IMAP_LOGGED_OUT);
}
