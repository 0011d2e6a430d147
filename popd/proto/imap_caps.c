/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_caps.h"

#include <assert.h>
#include <inttypes.h>

#define BIT(cap) ((imap_caps)1 << (cap))

enum when {
	BEFORE = 1 << 0,
	AFTER = 1 << 1,
	ALWAYS = BEFORE | AFTER,
	PLAIN = 1 << 2,
};

static const struct {
	const char *text;
	unsigned when;
} caps[] = {
#define C(NAME, text, when) {text, when},
    IMAP_CAPS(C)
#undef C
};

static_assert(IMAP_CAP_COUNT <= 64, "imap_caps has a bit for each");

static bool
find(struct str name, imap_caps *out)
{
	for (unsigned i = 0; i < IMAP_CAP_COUNT; i++)
		if (str_eq_nocase(name, str_of(caps[i].text))) {
			*out |= BIT(i);
			return true;
		}
	return false;
}

bool
imap_caps_parse(struct str list, imap_caps *out, struct str *unknown)
{
	bool good = true;

	*out = 0;
	while (list.len > 0) {
		struct str name = str_cut(&list, ' ');

		if (name.len == 0 || find(name, out))
			continue;
		if (good)
			*unknown = name;
		good = false;
	}
	return good;
}

/* Names of ID that contain this, and what breaks there. */
static const struct {
	struct str part;
	imap_caps off;
} clients[] = {
  /* enables UIDONLY, then asks for sequence numbers */
    {{"microsoft", 9},        BIT(IMAP_CAP_UIDONLY) },
    {{"outlook", 7},          BIT(IMAP_CAP_UIDONLY) },
 /* stall when what was deflated is not flushed as they expect */
    {{"iphone", 6},           BIT(IMAP_CAP_COMPRESS)},
    {{"ipad", 4},             BIT(IMAP_CAP_COMPRESS)},
    {{"mac os x mail", 13},   BIT(IMAP_CAP_COMPRESS)},
    {{"com.apple.email", 15}, BIT(IMAP_CAP_COMPRESS)},
};

static bool
contains_nocase(struct str s, struct str part)
{
	for (; s.len >= part.len; s = str_after(s, 1))
		if (str_starts_nocase(s, part))
			return true;
	return false;
}

imap_caps
imap_caps_of_client(struct str name)
{
	imap_caps off = 0;

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (contains_nocase(name, clients[i].part))
			off |= clients[i].off;
	return off;
}

void
imap_caps_write(struct buf *out, const struct imap_caps_now *now)
{
	unsigned when = now->logged_in ? AFTER : BEFORE;

	if (!now->logged_in && now->passwords)
		when |= PLAIN;
	buf_add(out, STR("CAPABILITY"));
	for (unsigned i = 0; i < IMAP_CAP_COUNT; i++) {
		struct str text = str_of(caps[i].text);
		bool off = now->off & BIT(i);

		/* RFC 7888 s5: one of the two forms is always there */
		if (i == IMAP_CAP_LITERAL_PLUS && off)
			text = STR("LITERAL-");
		else if (off || !(caps[i].when & when))
			continue;
		buf_addf(out, " %.*s", STR_FMT(text));
		if (i == IMAP_CAP_APPENDLIMIT)
			buf_addf(out, "=%" PRIu64, now->message_max);
	}
	if (!now->logged_in && !now->tls)
		buf_add(out, STR(" STARTTLS"));
	if (!now->logged_in && !now->passwords)
		buf_add(out, STR(" LOGINDISABLED"));
}
