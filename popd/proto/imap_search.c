/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_search_op.h"
#include "popd/proto/imap_search_parse.h"
#include "popd/proto/imap_search_return.h"

/* Keys times messages that are judged here at once, by what the mirror knows:
 * a few milliseconds.  Larger ones go to the store's threads. */
#define JUDGED_HERE 1000000

/* What is asked, with what only the engine needs. */
struct search {
	struct imap_search_op op;
	struct search_return back;
};

static void
release_search(struct imap_op *op)
{
	struct imap_search_op *s = (struct imap_search_op *)op;

	for (size_t i = 0; i < s->n_hits; i++)
		free(s->hits[i].bodies);
	free(s->hits);
	free(s->said);
	search_program_release(&s->program);
	seqset_release(&s->uids);
	seqset_release(&s->found);
	sort_rows_release(&s->rows);
	thread_free(s->threads);
}

/* ---- the answer ---- */

static uint32_t *
expand(const struct seqset *set, size_t *n)
{
	uint32_t *uids = mem_new(seqset_count(set) + 1, sizeof(*uids));

	*n = 0;
	for (size_t i = 0; i < set->n; i++)
		for (uint64_t uid = set->ranges[i].low;
		     uid <= set->ranges[i].high; uid++)
			uids[(*n)++] = (uint32_t)uid;
	return uids;
}

static uint32_t
number(void *arg, uint32_t uid)
{
	return search_number(arg, uid);
}

static void
tell(struct imap *p, const struct search *s)
{
	const struct imap_search_op *op = &s->op;
	struct search_results found = {.uids = op->rows.uids,
	    .n = op->rows.n,
	    .sorted = op->order == SEARCH_SORTED,
	    .by_modseq = op->program.by_modseq};
	uint32_t *uids;

	if (op->order == SEARCH_THREADED) {
		buf_addf(&p->out, "* THREAD%s",
		    thread_is_empty(op->threads) ? "" : " ");
		thread_write(op->threads, number, p, &p->out);
		buf_add(&p->out, STR("\r\n"));
		return;
	}
	if (found.sorted) {
		search_tell(p, &s->back, &found);
		return;
	}
	uids = expand(&op->found, &found.n);
	found.uids = uids;
	search_tell(p, &s->back, &found);
	free(uids);
}

struct ghost {
	uint32_t uid;
};

static enum search_truth
judge_ghost(
    void *arg, const struct search_program *q, const struct search_key *k)
{
	return search_by_uid(q, k, ((const struct ghost *)arg)->uid);
}

/* Could it have found messages that are gone, but that the client still
 * counts?  Where it would take long to tell: yes. */
static bool
has_missed(const struct imap *p, const struct imap_search_op *op)
{
	struct ghost g = {.uid = view_ghost_from(p->view, 1)};
	size_t left = JUDGED_HERE / op->program.n;

	for (; g.uid != 0; g.uid = view_ghost_from(p->view, g.uid + 1))
		if (left-- == 0 || (!seqset_has(&op->found, g.uid) &&
				       search_judge(&op->program, judge_ghost,
					   &g) != SEARCH_NO))
			return true;
	return false;
}

static enum imap_event
finish(struct imap *p, const struct search *s)
{
	tell(p, s);
	if (s->op.unreadable)
		imap_untagged_code(
		    p, IMAP_NO, "SERVERBUG", "Some messages cannot be read");
	if (!p->uid && has_missed(p, &s->op)) /* RFC 5530 s3 */
		return imap_reply(p, IMAP_OK, IMAP_CODE_EXPUNGEISSUED,
		    "Some messages are gone");
	return imap_reply_done(p);
}

/* RFC 5182 s2.1: NO empties what is saved. */
static void
forget_saved(struct imap *p, const struct search *s)
{
	if (s->back.items & SEARCH_SAVE)
		seqset_clear(&p->saved);
}

static void
done_search(struct imap *p, struct imap_op *op)
{
	const struct search *s = (const struct search *)op;

	if (op->rc == -1) {
		forget_saved(p, s);
		imap_reply_failed(p, op);
		return;
	}
	finish(p, s);
}

/* ---- what the mirror knows ---- */

static enum search_truth
judge_mirror(
    void *arg, const struct search_program *q, const struct search_key *k)
{
	const struct mirror_message *m = arg;

	switch (k->kind) {
	case SEARCH_FLAGS:
		return (m->flags & k->flags) != 0;
	case SEARCH_MODSEQ:
		return search_in_range(k, m->modseq);
	default:
		return search_by_uid(q, k, m->uid);
	}
}

/* The run that messages follow each other in, whatever UIDs are between. */
struct run {
	uint32_t low, high;
};

static void
end_run(struct run *r, struct seqset *to)
{
	if (r->low != 0)
		seqset_add(to, r->low, r->high);
	*r = (struct run){0, 0};
}

/* Sort out what needs no store: found, or not to be looked at. */
static void
choose(const struct imap *p, struct imap_search_op *op)
{
	const struct mirror_message *m;
	bool here = (uint64_t)op->program.n * view_count(p->view) <=
	            JUDGED_HERE;
	struct run run = {0, 0};

	for (size_t i = 0; (m = view_at(p->view, i)) != NULL; i++) {
		struct mirror_message seen = *m;
		enum search_truth t = here ? search_judge(&op->program,
						 judge_mirror, &seen)
		                           : SEARCH_OPEN;

		if (t == SEARCH_YES && op->order == SEARCH_UNSORTED)
			seqset_add(&op->found, m->uid, m->uid);
		if (t == SEARCH_NO ||
		    (t == SEARCH_YES && op->order == SEARCH_UNSORTED)) {
			end_run(&run, &op->uids);
			continue;
		}
		if (run.low == 0)
			run.low = m->uid;
		run.high = m->uid;
	}
	end_run(&run, &op->uids);
}

/* ---- the commands ---- */

static struct search *
new_search(struct imap *p, enum search_order order)
{
	struct search *s = imap_op_new(
	    p, IMAP_OP_SEARCH, sizeof(*s), done_search, release_search);

	s->op.mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	s->op.order = order;
	search_program_init(&s->op.program);
	sort_rows_init(&s->op.rows);
	return s;
}

static enum imap_event
begin(struct imap *p, struct search *s)
{
	enum imap_event ev;

	if (s->op.program.by_modseq) /* RFC 7162 s3.1 */
		imap_enable(p, IMAP_HAS_CONDSTORE);
	choose(p, &s->op);
	if (s->op.uids.n > 0)
		return imap_ask(p, &s->op.op);
	if (s->op.threads != NULL)
		thread_finish(s->op.threads);
	ev = finish(p, s);
	imap_op_free(&s->op.op);
	return ev;
}

static enum imap_event
refuse(struct imap *p, struct search *s, const struct search_error *e)
{
	if (e->status == IMAP_NO)
		forget_saved(p, s);
	imap_op_free(&s->op.op);
	if (e->status == IMAP_NO)
		return imap_reply(p, IMAP_NO, e->code, e->text);
	return imap_blame(p, e->code, e->text);
}

static enum imap_event
refuse_syntax(struct imap *p, struct search *s, const char *text)
{
	struct search_error e = {IMAP_BAD, IMAP_CODE_NONE, text};

	return refuse(p, s, &e);
}

enum imap_event
imap_cmd_search(struct imap *p, struct imap_args *a)
{
	struct search *s = new_search(p, SEARCH_UNSORTED);
	struct search_charset charset = {.name = ""};
	struct search_error e;
	const char *wrong;

	if (!search_take_return(p, a, &s->back, &wrong))
		return refuse_syntax(p, s, wrong);
	if (!s->back.extended && imap_has(p, IMAP_HAS_REV2)) {
		s->back.extended = true; /* RFC 9051 s6.4.4 */
		s->back.items = SEARCH_EVERY;
	}
	if (imap_arg_word(a, STR("CHARSET"))) {
		if (imap_has(p, IMAP_HAS_UTF8)) /* RFC 9755 s3 */
			return refuse_syntax(
			    p, s, "with UTF8=ACCEPT there is no other CHARSET");
		if (!imap_arg_space(a))
			return refuse_syntax(p, s, "a charset is expected");
		if (!search_take_charset(a, &charset, &e))
			return refuse(p, s, &e);
		if (!imap_arg_space(a))
			return refuse_syntax(p, s, "a search key is expected");
	}
	if (!search_take_keys(p, a, &charset, &s->op.program, &e))
		return refuse(p, s, &e);
	return begin(p, s);
}

/* The charset and keys of SORT and THREAD, where the charset must be given. */
static enum imap_event
go_on(struct imap *p, struct search *s, struct imap_args *a)
{
	struct search_charset charset;
	struct search_error e;

	if (!imap_arg_space(a))
		return refuse_syntax(p, s, "a charset is expected");
	if (!search_take_charset(a, &charset, &e))
		return refuse(p, s, &e);
	if (!imap_arg_space(a))
		return refuse_syntax(p, s, "a search key is expected");
	if (!search_take_keys(p, a, &charset, &s->op.program, &e))
		return refuse(p, s, &e);
	return begin(p, s);
}

static const struct {
	struct str name;
	enum imap_cap cap;
} sort_words[SORT_KEY_COUNT] = {
/* clang-format off */
#define S(NAME, cap)                                                           \
	[SORT_BY_##NAME] = {{#NAME, sizeof(#NAME) - 1}, IMAP_CAP_##cap},
    SORT_KEYS(S)
#undef S
    /* clang-format on */
};

static bool
take_criterion(struct imap *p, struct imap_args *a, struct sort_program *out)
{
	bool reverse = imap_arg_word(a, STR("REVERSE"));
	enum sort_key key = 0;

	if (reverse && !imap_arg_space(a))
		return false;
	while (key < SORT_KEY_COUNT && !imap_arg_word(a, sort_words[key].name))
		key++;
	if (key == SORT_KEY_COUNT || !imap_offers(p, sort_words[key].cap))
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (out->by[i].key == key)
			return true; /* those that differ there are in order */
	out->by[out->n].key = key;
	out->by[out->n++].reverse = reverse;
	return true;
}

static bool
take_criteria(struct imap *p, struct imap_args *a, struct sort_program *out)
{
	if (!imap_arg_char(a, '('))
		return false;
	do {
		if (!take_criterion(p, a, out))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

enum imap_event
imap_cmd_sort(struct imap *p, struct imap_args *a)
{
	struct search *s = new_search(p, SEARCH_SORTED);
	const char *wrong;

	if (!search_take_return(p, a, &s->back, &wrong))
		return refuse_syntax(p, s, wrong);
	if (s->back.extended && !imap_offers(p, IMAP_CAP_ESORT))
		return refuse_syntax(p, s, "SORT RETURN is not offered");
	if (!take_criteria(p, a, &s->op.sort))
		return refuse_syntax(p, s, "sort criteria are expected");
	return go_on(p, s, a);
}

static const struct {
	struct str name;
	enum thread_algorithm algorithm;
	enum imap_cap cap;
} algorithms[] = {
    {{"ORDEREDSUBJECT", 14}, THREAD_ORDEREDSUBJECT,
     IMAP_CAP_THREAD_ORDEREDSUBJECT					   },
    {{"REFERENCES", 10},     THREAD_REFERENCES,     IMAP_CAP_THREAD_REFERENCES},
};

enum imap_event
imap_cmd_thread(struct imap *p, struct imap_args *a)
{
	struct search *s = new_search(p, SEARCH_THREADED);

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (imap_offers(p, algorithms[i].cap) &&
		    imap_arg_word(a, algorithms[i].name))
			s->op.threads = thread_new(algorithms[i].algorithm);
	if (s->op.threads == NULL)
		return refuse_syntax(p, s, "there is no such algorithm");
	return go_on(p, s, a);
}
