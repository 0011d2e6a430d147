/* SPDX-License-Identifier: MIT */
#include "common/policy/facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define SLOTS     512 /* power of two, over twice FACTS_MAX: short probes */
#define NAME_MAX  253 /* RFC 1035 s2.3.4, as text without the final dot */
#define LABEL_MAX 63

enum state {
	WANTED,
	OPEN,
	ANSWERED
};

struct question {
	struct str name; /* owned */
	enum fact_type type;
	enum state state;
	struct fact
	    fact; /* its records: one owned block, strings behind them */
};

struct facts {
	struct key_cache *keys;
	struct question *at[FACTS_MAX]; /* by id */
	size_t n;
	uint16_t slots[SLOTS]; /* id + 1; 0 is free */
	size_t next;           /* the first id that nobody was given yet */
	size_t open;
	size_t bytes; /* of all answers */
	bool given_up;
};

static const struct fact tempfail = {.status = FACT_TEMPFAIL};
static const struct fact impossible = {.status = FACT_IMPOSSIBLE};

struct facts *
facts_new(void)
{
	return MEM_NEW(struct facts);
}

void
facts_free(struct facts *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		free((char *)f->at[i]->name.at);
		free((struct str *)f->at[i]->fact.records);
		free(f->at[i]);
	}
	free(f);
}

void
facts_set_keys(struct facts *f, struct key_cache *keys)
{
	f->keys = keys;
}

struct key_cache *
facts_keys(const struct facts *f)
{
	return f->keys;
}

/* No name of the DNS can be asked that is not so (RFC 1035 s2.3.4). */
static bool
can_ask(struct str name)
{
	if (name.len == 0 || name.len > NAME_MAX)
		return false;
	for (size_t i = 0, label = 0; i <= name.len; i++) {
		if (i == name.len || name.at[i] == '.') {
			if (label == 0 || label > LABEL_MAX)
				return false;
			label = 0;
		} else if (name.at[i] == '\0') {
			return false;
		} else {
			label++;
		}
	}
	return true;
}

/* FNV-1a.  Whoever makes names collide makes at most FACTS_MAX do so. */
static size_t
hash(struct str name, enum fact_type type)
{
	uint32_t h = 2166136261U ^ (uint32_t)type;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (uint8_t)str_lower(name.at[i])) * 16777619U;
	return h;
}

static struct str
lower_copy(struct str name)
{
	char *copy = mem_dup(name);

	for (size_t i = 0; i < name.len; i++)
		copy[i] = str_lower(copy[i]);
	return (struct str){copy, name.len};
}

const struct fact *
facts_ask(struct facts *f, struct str name, enum fact_type type)
{
	size_t slot;

	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	if (!can_ask(name))
		return &impossible;
	slot = hash(name, type) % SLOTS;
	for (; f->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		const struct question *q = f->at[f->slots[slot] - 1];

		if (q->type == type && str_eq_nocase(q->name, name))
			return q->state == ANSWERED ? &q->fact : NULL;
	}
	if (f->given_up || f->n == FACTS_MAX)
		return &tempfail;
	struct question *q = MEM_NEW(struct question);
	q->name = lower_copy(name);
	q->type = type;
	f->at[f->n++] = q;
	f->slots[slot] = (uint16_t)f->n;
	return NULL;
}

bool
facts_wanted(struct facts *f, struct facts_question *out)
{
	if (f->given_up || f->next == f->n)
		return false;
	struct question *q = f->at[f->next];
	q->state = OPEN;
	f->open++;
	*out = (struct facts_question){
	    .id = f->next++, .name = q->name, .type = q->type};
	return true;
}

/* The records of an answer in one block: the array, then the octets. */
static const struct str *
copy_records(const struct fact *from, size_t bytes)
{
	struct str *records = mem_new(
	    1, from->n * sizeof(struct str) + bytes + 1);
	char *to = (char *)(records + from->n);

	for (size_t i = 0; i < from->n; i++) {
		struct str r = from->records[i];

		if (r.len > 0)
			memcpy(to, r.at, r.len);
		records[i] = (struct str){to, r.len};
		to += r.len;
	}
	return records;
}

void
facts_answer(struct facts *f, size_t id, const struct fact *answer)
{
	struct question *q;
	size_t bytes = 0;

	assert(id < f->next);
	q = f->at[id];
	if (q->state == ANSWERED) {
		assert(f->given_up); /* it comes too late */
		return;
	}
	q->state = ANSWERED;
	f->open--;
	q->fact = (struct fact){
	    .status = answer->status, .secure = answer->secure};
	if (answer->status != FACT_OK)
		return;
	if (answer->n == 0) {
		q->fact.status = FACT_NODATA;
		return;
	}
	if (answer->n > FACTS_RECORDS_MAX) {
		q->fact = tempfail;
		return;
	}
	for (size_t i = 0; i < answer->n; i++) {
		if (answer->records[i].len > FACTS_BYTES - f->bytes - bytes) {
			q->fact = tempfail;
			return;
		}
		bytes += answer->records[i].len;
	}
	f->bytes += bytes;
	q->fact.n = answer->n;
	q->fact.records = copy_records(answer, bytes);
}

size_t
facts_open(const struct facts *f)
{
	return f->open;
}

void
facts_give_up(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct question *q = f->at[i];

		if (q->state == ANSWERED)
			continue;
		q->state = ANSWERED;
		q->fact = tempfail;
	}
	f->next = f->n;
	f->open = 0;
	f->given_up = true;
}
