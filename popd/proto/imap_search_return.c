/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_search_return.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"

static const struct option {
	struct str name;
	enum search_item item;
	enum imap_cap cap;
	bool rev2; /* IMAP4rev2 has it too */
} options[] = {
    {{"MIN", 3},     SEARCH_MIN,     IMAP_CAP_ESEARCH,   true },
    {{"MAX", 3},     SEARCH_MAX,     IMAP_CAP_ESEARCH,   true },
    {{"ALL", 3},     SEARCH_EVERY,   IMAP_CAP_ESEARCH,   true },
    {{"COUNT", 5},   SEARCH_COUNT,   IMAP_CAP_ESEARCH,   true },
    {{"SAVE", 4},    SEARCH_SAVE,    IMAP_CAP_SEARCHRES, true },
    {{"PARTIAL", 7}, SEARCH_PARTIAL, IMAP_CAP_PARTIAL,   false},
};

/* ---- options ---- */

/* RFC 9394 s3.1: 1:500, or -1:-500 from the end; 500:1 is the same. */
static bool
take_range(struct imap_args *a, struct search_return *out)
{
	struct str before = a->rest;
	uint32_t x, y;

	out->from_end = imap_arg_char(a, '-');
	if (!imap_arg_number(a, &x) || !imap_arg_char(a, ':') ||
	    imap_arg_char(a, '-') != out->from_end || !imap_arg_number(a, &y) ||
	    x == 0 || y == 0)
		return false;
	out->low = x < y ? x : y;
	out->high = x < y ? y : x;
	snprintf(out->range, sizeof(out->range), "%.*s",
	    (int)(before.len - a->rest.len), before.at);
	return true;
}

static bool
take_option(struct imap *p, struct imap_args *a, struct search_return *out)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct option *o = &options[i];

		if (!imap_arg_word(a, o->name))
			continue;
		if (!imap_offers(p, o->cap) &&
		    !(o->rev2 && imap_has(p, IMAP_HAS_REV2)))
			return false;
		if (o->item == SEARCH_PARTIAL &&
		    ((out->items & SEARCH_PARTIAL) || !imap_arg_space(a) ||
			!take_range(a, out)))
			return false;
		out->items |= o->item;
		return true;
	}
	return false;
}

bool
search_take_return(struct imap *p, struct imap_args *a,
    struct search_return *out, const char **wrong)
{
	*out = (struct search_return){.extended = false};
	*wrong = "this RETURN is not understood";
	if (!imap_arg_word(a, STR("RETURN")))
		return true;
	out->extended = true;
	if (!imap_arg_space(a) || !imap_arg_char(a, '('))
		return false;
	if (!imap_arg_char(a, ')')) {
		do {
			if (!take_option(p, a, out))
				return false;
		} while (imap_arg_space(a));
		if (!imap_arg_char(a, ')'))
			return false;
	}
	if (out->items == 0)
		out->items = SEARCH_EVERY;
	if ((out->items & SEARCH_EVERY) && (out->items & SEARCH_PARTIAL)) {
		*wrong = "ALL and PARTIAL exclude each other";
		return false; /* RFC 9394 s3.1 */
	}
	return imap_arg_space(a);
}

/* ---- the response ---- */

uint32_t
search_number(const struct imap *p, uint32_t uid)
{
	return p->uid ? uid : view_seq(p->view, uid);
}

/* Places in the results: from `from' up to `to'. */
struct piece {
	size_t from, to;
};

static struct piece
partial(const struct search_return *r, size_t n)
{
	size_t low = r->low - 1, high = r->high;

	if (low > n)
		low = n;
	if (high > n)
		high = n;
	if (r->from_end)
		return (struct piece){n - high, n - low};
	return (struct piece){low, high};
}

/* What the response speaks of, for `$' and MODSEQ: all, or just the first, the
 * last and those of PARTIAL (RFC 4731 s3.2, RFC 5182 s2.4, RFC 9394 s3.2). */
static size_t
spoken_of(const struct search_return *r, size_t n, struct piece out[3])
{
	size_t pieces = 0;

	if ((r->items & (SEARCH_EVERY | SEARCH_COUNT)) ||
	    !(r->items & (SEARCH_MIN | SEARCH_MAX | SEARCH_PARTIAL))) {
		out[0] = (struct piece){0, n};
		return 1;
	}
	if ((r->items & SEARCH_MIN) && n > 0)
		out[pieces++] = (struct piece){0, 1};
	if ((r->items & SEARCH_MAX) && n > 0)
		out[pieces++] = (struct piece){n - 1, n};
	if (r->items & SEARCH_PARTIAL)
		out[pieces++] = partial(r, n);
	return pieces;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
save(struct imap *p, const struct search_results *found,
    const struct piece *pieces, size_t n_pieces)
{
	uint32_t *uids = mem_new(2 * found->n + 1, sizeof(*uids));
	size_t n = 0;

	seqset_clear(&p->saved);
	for (size_t i = 0; i < n_pieces; i++)
		for (size_t k = pieces[i].from; k < pieces[i].to; k++)
			uids[n++] = found->uids[k];
	qsort(uids, n, sizeof(*uids), by_number);
	for (size_t i = 0; i < n; i++)
		seqset_add(&p->saved, uids[i], uids[i]);
	free(uids);
}

/* 0: it speaks of no message. */
static int64_t
highest_modseq(const struct imap *p, const struct search_results *found,
    const struct piece *pieces, size_t n_pieces)
{
	int64_t highest = 0;

	for (size_t i = 0; i < n_pieces; i++)
		for (size_t k = pieces[i].from; k < pieces[i].to; k++) {
			const struct mirror_message *m = view_message(
			    p->view, found->uids[k]);

			if (m != NULL && m->modseq > highest)
				highest = m->modseq;
		}
	return highest;
}

/* As a set in this order: rising runs as ranges (RFC 5267 s3.2). */
static void
write_runs(struct imap *p, const struct search_results *found, struct piece at)
{
	uint32_t next = at.from < at.to ? search_number(p, found->uids[at.from])
	                                : 0;

	for (size_t i = at.from; i < at.to;) {
		uint32_t low = next, high = low;

		for (i++; i < at.to; i++) {
			next = search_number(p, found->uids[i]);
			if (next != high + 1)
				break;
			high = next;
		}
		if (low < high)
			buf_addf(&p->out, "%" PRIu32 ":%" PRIu32, low, high);
		else
			buf_addf(&p->out, "%" PRIu32, low);
		if (i < at.to)
			buf_add_char(&p->out, ',');
	}
}

static void
tell_partial(struct imap *p, const struct search_return *r,
    const struct search_results *found)
{
	struct piece at = partial(r, found->n);

	buf_addf(&p->out, " PARTIAL (%s ", r->range);
	if (at.from == at.to)
		buf_add(&p->out, STR("NIL"));
	else
		write_runs(p, found, at);
	buf_add_char(&p->out, ')');
}

/* RFC 9051 s7.3.4 */
static void
tell_extended(struct imap *p, const struct search_return *r,
    const struct search_results *found, int64_t modseq)
{
	size_t n = found->n;

	buf_addf(
	    &p->out, "* ESEARCH (TAG \"%s\")%s", p->tag, p->uid ? " UID" : "");
	if ((r->items & SEARCH_MIN) && n > 0)
		buf_addf(
		    &p->out, " MIN %" PRIu32, search_number(p, found->uids[0]));
	if ((r->items & SEARCH_MAX) && n > 0)
		buf_addf(&p->out, " MAX %" PRIu32,
		    search_number(p, found->uids[n - 1]));
	if (r->items & SEARCH_COUNT)
		buf_addf(&p->out, " COUNT %zu", n);
	if ((r->items & SEARCH_EVERY) && n > 0) {
		buf_add(&p->out, STR(" ALL "));
		write_runs(p, found, (struct piece){0, n});
	}
	if (r->items & SEARCH_PARTIAL)
		tell_partial(p, r, found);
	if (modseq > 0) /* RFC 7162 s3.1.10 */
		buf_addf(&p->out, " MODSEQ %" PRId64, modseq);
	buf_add(&p->out, STR("\r\n"));
}

/* RFC 3501 s7.2.5, RFC 5256 s4 */
static void
tell_plain(struct imap *p, const struct search_results *found, int64_t modseq)
{
	buf_add(&p->out, found->sorted ? STR("* SORT") : STR("* SEARCH"));
	for (size_t i = 0; i < found->n; i++)
		buf_addf(
		    &p->out, " %" PRIu32, search_number(p, found->uids[i]));
	if (modseq > 0) /* RFC 7162 s3.1.6 */
		buf_addf(&p->out, " (MODSEQ %" PRId64 ")", modseq);
	buf_add(&p->out, STR("\r\n"));
}

void
search_tell(struct imap *p, const struct search_return *r,
    const struct search_results *found)
{
	struct piece pieces[3];
	size_t n_pieces = spoken_of(r, found->n, pieces);
	int64_t modseq = found->by_modseq
	                     ? highest_modseq(p, found, pieces, n_pieces)
	                     : 0;

	if (!r->extended)
		tell_plain(p, found, modseq);
	else if (r->items != SEARCH_SAVE) /* RFC 5182 s2 */
		tell_extended(p, r, found, modseq);
	if (r->items & SEARCH_SAVE)
		save(p, found, pieces, n_pieces);
}
