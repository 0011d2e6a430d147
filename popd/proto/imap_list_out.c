/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "popd/proto/imap_list.h"

bool
imap_use_take(struct imap_args *a, unsigned *use)
{
	struct imap_args before = *a;
	struct str name;

	if (!imap_arg_char(a, '\\') || !imap_arg_atom(a, &name)) {
		*a = before;
		return false;
	}
	*use = imap_use_named(name);
	return true;
}

/* ---- LIST ---- */

/* May the client be told what this capability names?  IMAP4rev2 has them. */
static bool
tells(const struct imap *p, enum imap_cap cap)
{
	return imap_offers(p, cap) || imap_has(p, IMAP_HAS_REV2);
}

static void
add_attribute(struct buf *out, const char *name)
{
	buf_addf(out, "%s\\%s", out->len > 0 ? " " : "", name);
}

static void
add_attributes(const struct imap *p, unsigned style,
    const struct imap_list_line *line, struct buf *out)
{
	bool lsub = (style & IMAP_LIST_AS_LSUB) != 0;
	bool extended = (style & IMAP_LIST_EXTENDED) != 0;

	/* RFC 3501 s6.3.9: in LSUB it says that only names below are
	 * subscribed to, and nothing of the mailbox */
	if (lsub ? !line->subscribed : line->box.id == 0 && !extended)
		add_attribute(out, "Noselect");
	else if (!lsub && line->box.id == 0)
		add_attribute(out, "NonExistent");
	if ((style & IMAP_LIST_TELL_SUBSCRIBED) != 0 && line->subscribed)
		add_attribute(out, "Subscribed");
	if ((style & IMAP_LIST_UNKNOWN_CHILDREN) == 0 &&
	    tells(p, IMAP_CAP_CHILDREN))
		add_attribute(
		    out, line->children ? "HasChildren" : "HasNoChildren");
	if (!lsub && (line->box.special & IMAP_BOX_OF_OURS) != 0)
		add_attribute(out, "Noinferiors");
	if ((line->box.special & IMAP_USES) != 0 &&
	    tells(p, IMAP_CAP_SPECIAL_USE)) {
		/* in LSUB for Outlook 2013 */
		if (out->len > 0)
			buf_add_char(out, ' ');
		imap_uses_write(out, line->box.special);
	}
}

/* Extended data items, in their parentheses. */
static void
add_extended(struct imap *p, unsigned style, const struct imap_list_line *line,
    const char *old_name)
{
	bool childinfo = (style & IMAP_LIST_TELL_CHILDINFO) != 0 &&
	                 line->childinfo;

	if (!childinfo && old_name == NULL)
		return;
	buf_add(&p->out, STR(" ("));
	if (childinfo)
		buf_add(&p->out, STR("\"CHILDINFO\" (\"SUBSCRIBED\")"));
	if (old_name != NULL) {
		buf_addf(&p->out, "%s\"OLDNAME\" (", childinfo ? " " : "");
		imap_out_mailbox(&p->out, str_of(old_name), imap_utf8(p));
		buf_add_char(&p->out, ')');
	}
	buf_add_char(&p->out, ')');
}

void
imap_list_write(struct imap *p, unsigned style,
    const struct imap_list_line *line, const char *old_name)
{
	struct buf attributes;

	buf_init(&attributes, KB);
	add_attributes(p, style, line, &attributes);
	buf_addf(&p->out, "* %s (%.*s) \"/\" ",
	    (style & IMAP_LIST_AS_LSUB) != 0 ? "LSUB" : "LIST",
	    STR_FMT(buf_str(&attributes)));
	imap_out_mailbox(&p->out, str_of(line->name), imap_utf8(p));
	add_extended(p, style, line, old_name);
	buf_add(&p->out, STR("\r\n"));
	buf_release(&attributes);
}

/* ---- STATUS ---- */

static const struct {
	const char *name;
	enum imap_cap cap;
	bool rev2; /* has it too */
} items[] = {
#define S(NAME, text, cap, rev2) {text, IMAP_CAP_##cap, rev2},
    IMAP_STATUS_ITEMS(S)
#undef S
};
#define ITEMS (sizeof(items) / sizeof(*items))

/* A client that enabled IMAP4rev2 has what is not in it by extensions alone. */
static bool
is_known(const struct imap *p, size_t i)
{
	if (items[i].rev2)
		return imap_offers(p, items[i].cap) ||
		       imap_offers(p, IMAP_CAP_IMAP4REV2);
	return items[i].cap == IMAP_CAP_IMAP4REV1
	           ? !imap_has(p, IMAP_HAS_REV2)
	           : imap_offers(p, items[i].cap);
}

static bool
take_item(struct imap *p, struct imap_args *a, unsigned *set)
{
	for (size_t i = 0; i < ITEMS; i++) {
		if (!is_known(p, i) || !imap_arg_word(a, str_of(items[i].name)))
			continue;
		*set |= 1u << i;
		return true;
	}
	return false;
}

bool
imap_status_take(struct imap *p, struct imap_args *a, unsigned *set)
{
	if (!imap_arg_char(a, '('))
		return false;
	do {
		if (!take_item(p, a, set))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

void
imap_status_use(struct imap *p, unsigned set)
{
	if ((set & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		imap_enable(p, IMAP_HAS_CONDSTORE);
}

static uint64_t
figure(const struct imap *p, const struct imap_box *box, unsigned item)
{
	switch (item) {
	case IMAP_STATUS_MESSAGES:
		return box->messages;
	case IMAP_STATUS_RECENT:
		return box->recent;
	case IMAP_STATUS_UIDNEXT:
		return box->uid_next;
	case IMAP_STATUS_UIDVALIDITY:
		return box->uid_validity;
	case IMAP_STATUS_UNSEEN:
		return box->unseen;
	case IMAP_STATUS_DELETED:
		return box->deleted;
	case IMAP_STATUS_SIZE: /* RFC 8438 */
		return box->bytes;
	case IMAP_STATUS_HIGHESTMODSEQ: /* RFC 7162 s3.1.5 */
		return (uint64_t)box->modseq;
	case IMAP_STATUS_APPENDLIMIT: /* RFC 7889 s3.1 */
		return p->options.message_max;
	default: /* RFC 9208 s4.1.4 */
		return box->deleted_bytes;
	}
}

void
imap_status_write(
    struct imap *p, struct str name, unsigned set, const struct imap_box *box)
{
	const char *space = "";

	buf_add(&p->out, STR("* STATUS "));
	imap_out_mailbox(&p->out, name, imap_utf8(p));
	buf_add(&p->out, STR(" ("));
	for (size_t i = 0; i < ITEMS; i++) {
		unsigned item = 1u << i;

		if ((set & item) == 0)
			continue;
		buf_addf(&p->out, "%s%s ", space, items[i].name);
		space = " ";
		if (item == IMAP_STATUS_MAILBOXID) { /* RFC 8474 s4.3 */
			buf_add_char(&p->out, '(');
			imap_out_objectid(&p->out, 'F', (uint64_t)box->id);
			buf_add_char(&p->out, ')');
		} else {
			buf_addf(&p->out, "%" PRIu64, figure(p, box, item));
		}
	}
	buf_add(&p->out, STR(")\r\n"));
}
