/* SPDX-License-Identifier: MIT */
#include "mailctl/import_name.h"

#include <string.h>

#include "common/mime/mutf7.h"
#include "common/store/mailbox.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

/* Endings of file names that mean something to who reads such trees. */
static const char *const endings[] = {
    ".sbd", ".msf", ".mbox", ".mbx", ".eml", ".directory"};

/* mark and two hexadecimal digits are an octet. */
static void
unescape(struct str s, char mark, struct buf *out)
{
	while (s.len > 0) {
		if (s.at[0] == mark && s.len >= 3 &&
		    enc_hex_decode((struct str){s.at + 1, 2}, out)) {
			s = str_after(s, 3);
			continue;
		}
		buf_add_char(out, s.at[0]);
		s = str_after(s, 1);
	}
}

static bool
is_forbidden(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f || c == '/' || c == '%' ||
	       c == '*';
}

/* As a level of a mailbox's name may be. */
static void
add_level(struct str s, struct buf *out)
{
	bool utf8 = utf8_valid(s);

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (is_forbidden((char)c)) {
			buf_add_char(out, '_');
		} else if (utf8 || c < 0x80) {
			buf_add_char(out, (char)c);
		} else {
			buf_add_char(out, (char)(0xc0 | c >> 6));
			buf_add_char(out, (char)(0x80 | (c & 0x3f)));
		}
	}
}

void
import_name_level(struct str file, struct buf *out)
{
	struct buf plain;

	buf_init(&plain, IMPORT_NAME_ROOM);
	unescape(file, '%', &plain);
	add_level(buf_str(&plain), out);
	buf_release(&plain);
}

void
import_name_maildir_level(struct str file, struct buf *out)
{
	struct buf plain, utf8;

	buf_init(&plain, IMPORT_NAME_ROOM);
	buf_init(&utf8, IMPORT_NAME_ROOM);
	unescape(file, '\\', &plain);
	add_level(mutf7_decode(buf_str(&plain), &utf8) ? buf_str(&utf8)
						       : buf_str(&plain),
	    out);
	buf_release(&utf8);
	buf_release(&plain);
}

void
import_name_maildir(struct str folder, struct buf *out)
{
	while (folder.len > 0) {
		import_name_maildir_level(str_cut(&folder, '.'), out);
		if (folder.len > 0)
			buf_add_char(out, '/');
	}
}

static void
escape(char c, char mark, struct buf *out)
{
	buf_add_char(out, mark);
	enc_hex((struct str){&c, 1}, out);
}

void
import_name_to_level(struct str level, struct buf *out)
{
	size_t dot = level.len; /* one that is written %2e */

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (str_ends_nocase(level, str_of(endings[i])))
			dot = level.len - strlen(endings[i]);
	for (size_t i = 0; i < level.len; i++) {
		char c = level.at[i];

		if (i == dot || (i == 0 && c == '.') || c == '%')
			escape(c, '%', out);
		else
			buf_add_char(out, c);
	}
}

void
import_name_to_maildir(struct str name, struct buf *out)
{
	struct buf level, wire;

	buf_init(&level, IMPORT_NAME_ROOM);
	buf_init(&wire, IMPORT_NAME_ROOM);
	while (name.len > 0) {
		struct str one = str_cut(&name, '/');

		buf_clear(&wire);
		mutf7_encode(one, &wire);
		buf_add_char(out, '.');
		for (size_t i = 0; i < wire.len; i++)
			if (wire.data[i] == '.' || wire.data[i] == '\\' ||
			    wire.data[i] == '/')
				escape(wire.data[i], '\\', out);
			else
				buf_add_char(out, wire.data[i]);
	}
	buf_release(&wire);
	buf_release(&level);
}

/* Thunderbird's, Outlook's, Apple's, Gmail's and Dovecot's names. */
static const struct {
	const char *name;
	unsigned use;
} uses[] = {
    {"Sent",	     MAILBOX_SENT   },
    {"Sent Items",       MAILBOX_SENT   },
    {"Sent Messages",    MAILBOX_SENT   },
    {"Sent Mail",        MAILBOX_SENT   },
    {"Drafts",           MAILBOX_DRAFTS },
    {"Draft",            MAILBOX_DRAFTS },
    {"Junk",	     MAILBOX_JUNK   },
    {"Junk E-mail",      MAILBOX_JUNK   },
    {"Junk Email",       MAILBOX_JUNK   },
    {"Spam",	     MAILBOX_JUNK   },
    {"Trash",            MAILBOX_TRASH  },
    {"Bin",	      MAILBOX_TRASH  },
    {"Deleted",          MAILBOX_TRASH  },
    {"Deleted Items",    MAILBOX_TRASH  },
    {"Deleted Messages", MAILBOX_TRASH  },
    {"Archive",          MAILBOX_ARCHIVE},
    {"Archives",         MAILBOX_ARCHIVE},
};

unsigned
import_name_use(struct str name)
{
	size_t at;

	if (str_starts_nocase(name, STR("INBOX/")))
		name = str_after(name, 6);
	else if (str_starts_nocase(name, STR("[Gmail]/")))
		name = str_after(name, 8);
	if (str_find(name, '/', &at))
		return 0;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_eq_nocase(name, str_of(uses[i].name)))
			return uses[i].use;
	return 0;
}
