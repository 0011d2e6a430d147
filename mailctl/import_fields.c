/* SPDX-License-Identifier: MIT */
#include "mailctl/import_fields.h"

#include <string.h>

#include "common/mime/date.h"
#include "common/mime/fields.h"
#include "common/store/message.h"
#include "common/util/mem.h"

#define KEYWORDS_ROOM (8 * KB)
#define VALUE_MAX     (8 * KB)
#define MARKED_MAX    16 /* fields of a block */

void
import_fields_init(struct import_fields *f)
{
	*f = (struct import_fields){0};
	buf_init(&f->keywords, KEYWORDS_ROOM);
}

void
import_fields_release(struct import_fields *f)
{
	buf_release(&f->keywords);
}

static bool
may_be_in_atom(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

void
import_fields_keyword(struct buf *keywords, struct str name)
{
	if (name.len == 0 || name.len > MESSAGE_KEYWORD_MAX ||
	    keywords->limit - keywords->len < name.len + 1)
		return;
	if (keywords->len > 0)
		buf_add_char(keywords, ' ');
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(
		    keywords, may_be_in_atom(name.at[i]) ? name.at[i] : '_');
}

static void
read_keywords(struct import_fields *f, struct str value)
{
	while (value.len > 0)
		import_fields_keyword(&f->keywords, str_cut(&value, ' '));
}

static void
read_letters(struct import_fields *f, struct str value)
{
	static const struct {
		char letter;
		unsigned flag;
	} letters[] = {
	    {'R', MESSAGE_SEEN    },
	    {'A', MESSAGE_ANSWERED},
	    {'F', MESSAGE_FLAGGED },
	    {'D', MESSAGE_DELETED },
	    {'T', MESSAGE_DRAFT   },
	};
	size_t at;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (str_find(value, letters[i].letter, &at))
			f->flags |= letters[i].flag;
}

static bool
read_hex(struct str value, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	if (value.len == 0 || value.len > 8)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		const char *d = memchr(digits, str_lower(value.at[i]), 16);

		if (d == NULL)
			return false;
		*out = *out << 4 | (uint32_t)(d - digits);
	}
	return true;
}

/* nsMsgMessageFlags */
static void
read_mozilla(struct import_fields *f, struct str value)
{
	uint32_t bits;

	if (!read_hex(value, &bits))
		return;
	f->flags |= (bits & 0x0001 ? MESSAGE_SEEN : 0) |
	            (bits & 0x0002 ? MESSAGE_ANSWERED : 0) |
	            (bits & 0x0004 ? MESSAGE_FLAGGED : 0);
	/* deleted, and in the file only until the folder is compacted */
	f->nobodys |= (bits & 0x0008) != 0;
	if (bits & 0x1000)
		import_fields_keyword(&f->keywords, STR("$Forwarded"));
}

static void
read_mozilla2(struct import_fields *f, struct str value)
{
	char name[] = "$Label0";
	uint32_t bits;

	if (!read_hex(value, &bits))
		return;
	name[6] = (char)('0' + (bits >> 25 & 7));
	if (name[6] >= '1' && name[6] <= '5')
		import_fields_keyword(&f->keywords, str_of(name));
	if (bits & 0x00200000)
		f->flags |= MESSAGE_DELETED;
}

static void
read_delivered(struct import_fields *f, struct str value)
{
	if (!f->has_delivered)
		f->has_delivered = date_parse(value, &f->delivered_s);
}

static void
read_received(struct import_fields *f, struct str value)
{
	size_t at;

	if (!f->has_received && str_find_last(value, ';', &at))
		f->has_received = date_parse(
		    str_after(value, at + 1), &f->received_s);
}

static void
read_date(struct import_fields *f, struct str value)
{
	if (!f->has_date)
		f->has_date = date_parse(value, &f->date_s);
}

/* The first message of a mailbox of UW's c-client is its own data. */
static void
read_subject(struct import_fields *f, struct str value)
{
	static const char own[] =
	    "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";

	f->nobodys |= str_eq(value, str_of(own));
}

enum where {
	IN_MBOX = 1 << 0, /* the field is the mbox's own: ours, if marked */
	IN_MAIL = 1 << 1,
};

static const struct {
	const char *name;
	unsigned where;
	void (*read)(struct import_fields *f, struct str value);
} readers[] = {
    {"Status",            IN_MBOX, read_letters  },
    {"X-Status",          IN_MBOX, read_letters  },
    {"X-Keywords",        IN_MBOX, read_keywords },
    {"X-Mozilla-Status",  IN_MBOX, read_mozilla  },
    {"X-Mozilla-Status2", IN_MBOX, read_mozilla2 },
    {"X-Mozilla-Keys",    IN_MBOX, read_keywords },
    {"Delivery-date",     IN_MAIL, read_delivered},
    {"Received",          IN_MAIL, read_received },
    {"Date",	      IN_MAIL, read_date     },
    {"Subject",           IN_MBOX, read_subject  },
};

static void
read_fields(struct import_fields *f, struct str head, unsigned where)
{
	struct fields_line line;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	while (fields_next(&head, &line))
		for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]);
		     i++) {
			if (!(readers[i].where & where) ||
			    !str_eq_nocase(line.name, str_of(readers[i].name)))
				continue;
			buf_clear(&value);
			fields_unfold(line.value, &value);
			if (!value.overrun)
				readers[i].read(f, str_trim(buf_str(&value)));
		}
	buf_release(&value);
}

/* The mark, if head begins with one: how many lines its block has. */
static bool
take_mark(struct import_fields *f, struct str head, size_t *lines)
{
	struct str line = str_cut(&head, '\r');
	struct str count, date;
	uint64_t ms;
	bool before_epoch;

	if (!str_take_nocase(&line, STR(IMPORT_MARK ": mbox ")))
		return false;
	count = str_cut(&line, ' ');
	date = str_cut(&line, ' ');
	before_epoch = str_take(&date, '-');
	if (!str_to_size(count, MARKED_MAX, lines) || *lines == 0 ||
	    !str_to_u64(date, INT64_MAX, &ms) ||
	    (line.len > 0 && !str_eq(line, STR("cut"))))
		return false;
	f->has_marked = f->marked = true;
	f->marked_ms = before_epoch ? -(int64_t)ms : (int64_t)ms;
	f->cut = line.len > 0;
	return true;
}

void
import_fields_read(struct import_fields *f, struct str *head)
{
	struct str block = *head;
	size_t lines, end;

	if (!f->marks || !take_mark(f, *head, &lines)) {
		read_fields(f, *head, f->states ? IN_MBOX | IN_MAIL : IN_MAIL);
		return;
	}
	for (size_t i = 0; i < lines && str_find(*head, '\n', &end); i++)
		*head = str_after(*head, end + 1);
	block.len -= head->len;
	read_fields(f, block, IN_MBOX);
}
