/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/message_keyword.h"
#include "common/store/sql.h"

static const char sql_all[] =
    "SELECT bit, name FROM keyword WHERE mailbox = ?1";
static const char sql_add[] =
    "INSERT INTO keyword (mailbox, bit, name) VALUES (?1, ?2, ?3)";

int
message_keywords(struct db *db, int64_t mailbox, struct message_keywords *out,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_all, f, "i", mailbox);
	int got;

	*out = (struct message_keywords){{NULL}};
	while ((got = sql_step(st, f)) == 1) {
		int64_t bit = sql_int(st, 0);

		assert(bit >= MESSAGE_KEYWORD_FIRST &&
		       bit <= MESSAGE_KEYWORD_LAST);
		out->names[bit] = sql_dup(st, 1);
	}
	if (got == -1)
		message_keywords_release(out);
	return got;
}

void
message_keywords_release(struct message_keywords *k)
{
	for (size_t i = 0; i < 64; i++)
		free(k->names[i]);
	*k = (struct message_keywords){{NULL}};
}

/* The bit of a name, or the lowest free one; -1: there is none. */
static int
find(const struct message_keywords *k, struct str name, bool *is_new)
{
	int unused = -1;

	*is_new = false;
	for (int bit = MESSAGE_KEYWORD_FIRST; bit <= MESSAGE_KEYWORD_LAST;
	     bit++) {
		if (k->names[bit] == NULL && unused == -1)
			unused = bit;
		if (k->names[bit] != NULL &&
		    str_eq_nocase(str_of(k->names[bit]), name))
			return bit;
	}
	*is_new = unused != -1;
	return unused;
}

int
message_keyword_bit(struct db *db, int64_t mailbox, struct message_keywords *k,
    struct str name, int *bit, struct fail *f)
{
	bool is_new;

	assert(name.len > 0 && name.len <= MESSAGE_KEYWORD_MAX);
	*bit = find(k, name, &is_new);
	if (!is_new)
		return *bit != -1;
	k->names[*bit] = mem_dup(name);
	return sql_run(db, sql_add, f, "iit", mailbox, (int64_t)*bit, name) == 0
	           ? 1
	           : -1;
}

int
message_keyword_bits(struct db *db, int64_t mailbox, const struct str *names,
    size_t n, uint64_t *bits, struct fail *f)
{
	struct message_keywords k;
	int all = 1, got = 1;

	*bits = 0;
	if (n == 0)
		return 1;
	if (message_keywords(db, mailbox, &k, f) == -1)
		return -1;
	for (size_t i = 0; i < n && got != -1; i++) {
		int bit;

		got = message_keyword_bit(db, mailbox, &k, names[i], &bit, f);
		if (got == 1)
			*bits |= UINT64_C(1) << bit;
		else
			all = 0;
	}
	message_keywords_release(&k);
	return got == -1 ? -1 : all;
}
