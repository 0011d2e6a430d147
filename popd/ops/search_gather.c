/* SPDX-License-Identifier: MIT */
#include "popd/ops/search_gather.h"

#include "common/mime/encword.h"
#include "common/mime/text.h"
#include "common/util/mem.h"

#define TEXT_MAX_OCTETS (4 * MB) /* of one field */

void
search_gather_init(struct search_gather *g)
{
	buf_init(&g->text, TEXT_MAX_OCTETS);
	buf_init(&g->folded, TEXT_MAX_OCTETS);
	search_address_init(&g->address);
}

void
search_gather_release(struct search_gather *g)
{
	buf_release(&g->text);
	buf_release(&g->folded);
	search_address_release(&g->address);
}

/* RFC 5256 s2.2 */
static int64_t
sent(const struct message_row *row, const struct info *info)
{
	return info->has_sent ? info->sent_s : row->received_ms / 1000;
}

static bool
base_subject(struct search_gather *g, const struct info *info)
{
	struct buf raw;
	bool is_reply = false;

	buf_init(&raw, TEXT_MAX_OCTETS);
	buf_clear(&g->text);
	buf_clear(&g->folded);
	search_envelope_string(info->envelope, ENVELOPE_SUBJECT, &raw);
	encword_decode(buf_str(&raw), &g->text);
	text_base_subject(buf_str(&g->text), &g->folded, &is_reply);
	buf_release(&raw);
	return is_reply;
}

static void
fold_mailbox(
    struct search_gather *g, const struct info *info, enum envelope_field field)
{
	buf_clear(&g->folded);
	search_envelope_address(info->envelope, field, &g->address);
	text_fold(buf_str(&g->address.mailbox), &g->folded);
}

/* RFC 5957 s3 */
static void
fold_display(
    struct search_gather *g, const struct info *info, enum envelope_field field)
{
	struct search_address *a = &g->address;

	buf_clear(&g->text);
	buf_clear(&g->folded);
	search_envelope_address(info->envelope, field, a);
	encword_decode(buf_str(&a->name), &g->text);
	if (g->text.len == 0) {
		buf_add(&g->text, buf_str(&a->mailbox));
		if (a->mailbox.len > 0 && a->host.len > 0)
			buf_addf(&g->text, "@%.*s", STR_FMT(buf_str(&a->host)));
	}
	text_fold(buf_str(&g->text), &g->folded);
}

unsigned
search_gather_wants(const struct imap_search_op *op)
{
	static const unsigned wants[SORT_KEY_COUNT] = {
	    [SORT_BY_CC] = INFO_ENVELOPE,
	    [SORT_BY_DATE] = INFO_SENT,
	    [SORT_BY_FROM] = INFO_ENVELOPE,
	    [SORT_BY_SUBJECT] = INFO_ENVELOPE,
	    [SORT_BY_TO] = INFO_ENVELOPE,
	    [SORT_BY_DISPLAYFROM] = INFO_ENVELOPE,
	    [SORT_BY_DISPLAYTO] = INFO_ENVELOPE,
	};
	unsigned want = 0;

	if (op->order == SEARCH_THREADED)
		return INFO_SENT | INFO_ENVELOPE | INFO_REFS;
	for (size_t i = 0; i < op->sort.n; i++)
		want |= wants[op->sort.by[i].key];
	return want;
}

static struct sort_value
value(struct search_gather *g, struct sort_rows *rows, enum sort_key key,
    const struct message_row *row, const struct info *info)
{
	struct sort_value v = {.number = 0};

	switch (key) {
	case SORT_BY_ARRIVAL:
		v.number = row->received_ms / 1000;
		return v;
	case SORT_BY_DATE:
		v.number = sent(row, info);
		return v;
	case SORT_BY_SIZE:
		v.number = (int64_t)row->size;
		return v;
	case SORT_BY_CC:
		fold_mailbox(g, info, ENVELOPE_CC);
		break;
	case SORT_BY_FROM:
		fold_mailbox(g, info, ENVELOPE_FROM);
		break;
	case SORT_BY_TO:
		fold_mailbox(g, info, ENVELOPE_TO);
		break;
	case SORT_BY_DISPLAYFROM:
		fold_display(g, info, ENVELOPE_FROM);
		break;
	case SORT_BY_DISPLAYTO:
		fold_display(g, info, ENVELOPE_TO);
		break;
	default:
		base_subject(g, info);
		break;
	}
	return sort_string(rows, buf_str(&g->folded));
}

void
search_gather_add(struct search_gather *g, struct imap_search_op *op,
    const struct message_row *row, const struct info *info)
{
	struct sort_value *values;

	if (op->order == SEARCH_THREADED) {
		struct thread_message m = {.uid = row->uid,
		    .date_s = sent(row, info),
		    .refs = info->refs};

		m.is_reply = base_subject(g, info);
		m.subject = buf_str(&g->folded);
		thread_add(op->threads, &m);
	}
	if (op->order != SEARCH_SORTED)
		return;
	values = sort_add(&op->rows, &op->sort, row->uid);
	for (size_t i = 0; i < op->sort.n; i++)
		values[i] = value(g, &op->rows, op->sort.by[i].key, row, info);
}
