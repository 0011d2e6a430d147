/* SPDX-License-Identifier: MIT */
/*
 * SEARCH, SORT and THREAD with any arguments, before a mailbox of which some is
 * found: no crash, no leak, one tagged response, and a tree that holds together
 * whatever it was made of.
 */
#include <assert.h>
#include <stdlib.h>

#include "popd/proto/imap.h"
#include "popd/proto/imap_search_op.h"
#include "popd/proto/imap_selected_op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MESSAGES 10

static struct mirror *
make_mirror(void)
{
	struct mirror_facts facts = {.mailbox = 1,
	    .account = 1,
	    .uid_validity = 7,
	    .uid_next = 2 * MESSAGES + 1,
	    .modseq = MESSAGES,
	    .recent_uid = MESSAGES};
	struct mirror_message *messages = mem_new(MESSAGES, sizeof(*messages));
	struct mirror *m;

	for (uint32_t i = 0; i < MESSAGES; i++)
		messages[i] = (struct mirror_message){
		    .uid = 2 * i + 1, .flags = i * 37 % 32, .modseq = i + 1};
	m = mirror_new(&facts, messages, MESSAGES);
	mirror_set_keyword(m, 8, STR("$Work"));
	return m;
}

/* Each key ends where its list does or before, and knows its texts and sets. */
static void
check_tree(const struct search_program *q)
{
	assert(q->n > 1 && q->keys[0].next == q->n);
	for (size_t i = 0; i < q->n; i++) {
		const struct search_key *k = &q->keys[i];

		assert(k->next > i && k->next <= q->n);
		if (k->kind == SEARCH_NOT)
			assert(
			    k->next > i + 1 && q->keys[i + 1].next == k->next);
		if (k->kind == SEARCH_OR)
			assert(q->keys[q->keys[i + 1].next].next == k->next);
		if (k->kind == SEARCH_UIDS)
			assert(k->set < q->n_sets);
		if (search_level_of(k->kind) == SEARCH_BY_TEXT)
			assert(k->needle.at + k->needle.len <= q->text.len &&
			       k->field.at + k->field.len <= q->text.len);
	}
}

static enum search_truth
guess(void *arg, const struct search_program *q, const struct search_key *k)
{
	const struct mirror_message *m = arg;
	enum search_truth t = search_by_uid(q, k, m->uid);

	return t != SEARCH_OPEN ? t : (m->uid + k->next) % 2 == 0;
}

static void
answer_search(struct imap_search_op *op)
{
	check_tree(&op->program);
	for (uint32_t uid = 1; uid < 2 * MESSAGES; uid += 2) {
		struct mirror_message m = {.uid = uid};
		struct thread_message t = {.uid = uid, .refs = STR("a\nb\n")};

		if (!seqset_has(&op->uids, uid) ||
		    search_judge(&op->program, guess, &m) == SEARCH_NO)
			continue;
		seqset_add(&op->found, uid, uid);
		if (op->order == SEARCH_SORTED)
			sort_add(&op->rows, &op->sort, uid)->number = -uid;
		if (op->order == SEARCH_THREADED)
			thread_add(op->threads, &t);
	}
	if (op->order == SEARCH_SORTED)
		sort_finish(&op->rows, &op->sort);
	if (op->order == SEARCH_THREADED)
		thread_finish(op->threads);
}

static void
answer(struct imap *p, struct mirror *mirror)
{
	struct imap_op *op = imap_op(p);

	if (op->kind == IMAP_OP_SELECT) {
		((struct imap_select_op *)op)->mailbox = 1;
		((struct imap_select_op *)op)->stored = mem_dup(STR("INBOX"));
		((struct imap_select_op *)op)->mirror = mirror;
	} else if (op->kind == IMAP_OP_SEARCH) {
		answer_search((struct imap_search_op *)op);
	} else if (op->kind != IMAP_OP_POLL) {
		op->rc = -1;
		fail(&op->fail, FAIL_PERM, "not here");
	}
	imap_done(p);
}

static void
say(struct imap *p, struct mirror *mirror, struct str in)
{
	enum imap_event ev;

	while ((ev = imap_step(p, 1795341600, &in)) != IMAP_NONE &&
	       ev != IMAP_CLOSE) {
		if (ev == IMAP_LOGIN)
			imap_logged_in(p, 1, "alice@d.test", "");
		else if (ev == IMAP_OP)
			answer(p, mirror);
		else if (ev == IMAP_DRAIN)
			buf_clear(imap_output(p));
		else
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const commands[] = {"SEARCH ", "UID SEARCH ",
	    "SORT ", "UID SORT ", "THREAD ", "UID THREAD ",
	    "SEARCH RETURN (SAVE ", "UID SORT RETURN ("};
	struct imap_options o = {.hostname = "mx",
	    .allow_plaintext = true,
	    .max_errors = 10,
	    .off = ""};
	struct mirror *mirror = make_mirror();
	struct imap *p = imap_new(&o);
	struct buf line;
	size_t at;

	if (len > 0) {
		buf_init(&line, len + 100);
		say(p, mirror, STR("l LOGIN a b\r\ns SELECT INBOX\r\n"));
		buf_clear(imap_output(p));
		buf_addf(&line, "x %s", commands[data[0] % 8]);
		buf_add(&line, (struct str){(const char *)data + 1, len - 1});
		buf_add(&line, STR("\r\ny NOOP\r\n"));
		say(p, mirror, buf_str(&line));
		assert(str_find_str(buf_str(imap_output(p)), STR("x "), &at) ||
		       imap_output(p)->len < 100);
		buf_release(&line);
	}
	imap_free(p);
	mirror_free(mirror);
	return 0;
}
