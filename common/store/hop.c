/* SPDX-License-Identifier: MIT */
#include "common/store/hop.h"

#include <sodium.h>

#include "common/store/hop_put.h"
#include "common/store/sql.h"

#define EPOCH_MS   1577836800000LL /* 2020-01-01 */
#define LOW_BITS   21
#define TRACE_BITS 62
#define DETAIL_MAX 1000

/* In a statement of its own: as a part of the INSERT it would make SQLite keep
 * a table aside, which costs more than all the rest. */
static const char sql_next[] =
    "SELECT (SELECT coalesce(max(n), 0) + 1 FROM hop WHERE trace = ?1)"
    " FROM journey WHERE trace = ?1";

static const char sql_put[] =
    "INSERT INTO hop (trace, n, at, daemon, kind, recipient, peer, code,"
    " detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9)";

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

int64_t
hop_new_trace(struct trace_source *t)
{
	int64_t ms = clock_wall_ms(t->clock) - EPOCH_MS;
	int64_t trace;

	if (ms < 0)
		ms = 0;
	ms &= (INT64_C(1) << (TRACE_BITS - LOW_BITS)) - 1;
	trace = ms << LOW_BITS |
	        (int64_t)(randombytes_random() >> (32 - LOW_BITS));
	if (trace <= t->last)
		trace = t->last + 1;
	t->last = trace;
	return trace;
}

const char *
trace_text(int64_t trace, char out[TRACE_TEXT_MAX])
{
	uint64_t rest = (uint64_t)trace;

	for (int i = 12; i >= 0; i--) {
		out[i] = letters[rest & 31];
		rest >>= 5;
	}
	out[13] = '\0';
	return out;
}

/* The value of a letter as people type it: either case, o for 0, i and l
 * for 1. */
static int
letter_value(char c)
{
	const char *hit;

	c = str_lower(c);
	if (c == 'o')
		c = '0';
	if (c == 'i' || c == 'l')
		c = '1';
	hit = c != '\0' ? strchr(letters, c) : NULL;
	return hit != NULL ? (int)(hit - letters) : -1;
}

bool
trace_parse(struct str text, int64_t *trace)
{
	uint64_t value = 0;

	if (text.len != 13)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int letter = letter_value(text.at[i]);

		if (letter < 0 || (i == 0 && letter > 3))
			return false;
		value = value << 5 | (uint64_t)letter;
	}
	if (value == 0)
		return false;
	*trace = (int64_t)value;
	return true;
}

/* At most DETAIL_MAX octets, not cutting a UTF-8 character. */
static struct str
shorten(struct str s)
{
	size_t len = DETAIL_MAX;

	if (s.len <= DETAIL_MAX)
		return s;
	while (len > 0 && ((unsigned char)s.at[len] & 0xc0) == 0x80)
		len--;
	return str_first(s, len);
}

int
hop_put(struct db *db, const struct hop *h, int64_t n, struct fail *f)
{
	return sql_run(db, sql_put, f, "iiiiiooio", h->trace, n, h->at_ms,
	    (int64_t)h->daemon, (int64_t)h->kind, h->recipient,
	    shorten(h->peer), (int64_t)h->code, shorten(h->detail));
}

int
hop_write(struct db *db, const struct hop *h, struct fail *f)
{
	int64_t n;
	int got = sql_number(db, &n, sql_next, f, "i", h->trace);

	return got == 1 ? hop_put(db, h, n, f) : got;
}

const char *
hop_kind_word(enum hop_kind kind)
{
	switch (kind) {
#define H(name, number, word)                                                  \
	case HOP_##name:                                                       \
		return word;
		HOP_KINDS(H)
#undef H
	}
	return "unknown";
}

const char *
hop_daemon_word(enum hop_daemon daemon)
{
	static const char *const words[] = {
	    [HOP_SMTPD] = "smtpd",
	    [HOP_MAILD] = "maild",
	    [HOP_POPD] = "popd",
	    [HOP_MAILCTL] = "mailctl",
	};

	if (daemon < HOP_SMTPD || daemon > HOP_MAILCTL)
		return "unknown";
	return words[daemon];
}
