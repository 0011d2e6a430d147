/* SPDX-License-Identifier: MIT */
#include "mailctl/actor_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/buf.h"

#define KEY_MOST (4 * KB)

struct met { /* address, sender, recipient */
	char *key;
	int64_t first_ms;
};

struct actor_met {
	struct met all[ACTOR_MET_MAX];
	size_t n, oldest;
};

const char *
actor_verb_word(enum actor_verb verb)
{
	static const char *const words[] = {
#define V(name, word) word,
	    ACTOR_VERBS(V)
#undef V
	};

	return words[verb];
}

void
actor_words_add(struct actor_words *w, struct str word)
{
	w->at = mem_grow(w->at, w->n + 1, sizeof(*w->at));
	w->at[w->n++] = mem_dup(word);
}

void
actor_words_release(struct actor_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->at[i]);
	free(w->at);
	*w = (struct actor_words){0};
}

void
actor_rules_release(struct actor_rules *r)
{
	for (size_t v = 0; v < ACTOR_VERBS_N; v++) {
		struct actor_script *s = &r->scripts[v];

		for (size_t i = 0; i < s->n; i++)
			free(s->replies[i].text);
		free(s->replies);
	}
	actor_words_release(&r->full);
	actor_words_release(&r->unknown);
	for (size_t i = 0; r->met != NULL && i < r->met->n; i++)
		free(r->met->all[i].key);
	free(r->met);
	free(r->host);
	free(r->address);
	*r = (struct actor_rules){0};
}

const struct actor_reply *
actor_rules_next(struct actor_rules *r, enum actor_verb verb)
{
	struct actor_script *s = &r->scripts[verb];
	size_t now = s->next;

	if (s->n == 0)
		return NULL;
	if (s->next + 1 < s->n)
		s->next++;
	return &s->replies[now];
}

size_t
actor_rules_size(const struct actor_rules *r)
{
	return r->size > 0 ? r->size : ACTOR_SIZE_DEFAULT;
}

/* A local part, or a whole address. */
static bool
names(const struct actor_words *w, struct str recipient)
{
	struct str local = recipient;
	size_t at;

	if (str_find_last(recipient, '@', &at))
		local = str_first(recipient, at);
	for (size_t i = 0; i < w->n; i++)
		if (str_eq_nocase(str_of(w->at[i]), local) ||
		    str_eq_nocase(str_of(w->at[i]), recipient))
			return true;
	return false;
}

/* When these three met first. */
static int64_t
first_met(struct actor_rules *r, const char *peer, const char *sender,
    struct str recipient, int64_t now_ms)
{
	struct actor_met *met = r->met;
	struct buf key;
	struct met *m;

	if (met == NULL)
		met = r->met = MEM_NEW(struct actor_met);
	buf_init(&key, KEY_MOST);
	buf_addf(&key, "%s %s %.*s", peer, sender, STR_FMT(recipient));
	for (size_t i = 0; i < met->n; i++)
		if (str_eq(str_of(met->all[i].key), buf_str(&key))) {
			buf_release(&key);
			return met->all[i].first_ms;
		}
	m = &met->all[met->n < ACTOR_MET_MAX ? met->n : met->oldest];
	if (met->n < ACTOR_MET_MAX)
		met->n++;
	else
		met->oldest = (met->oldest + 1) % ACTOR_MET_MAX;
	free(m->key);
	m->key = buf_take(&key);
	m->first_ms = now_ms;
	return now_ms;
}

/* As the usual programs say it: with how long it will take. */
static const char *
greylist(int64_t left_ms, char room[ACTOR_RCPT_ROOM])
{
	snprintf(room, ACTOR_RCPT_ROOM,
	    "450 4.7.1 greylisted, come back in %lld seconds\r\n",
	    (long long)(left_ms + 999) / 1000);
	return room;
}

const char *
actor_rules_rcpt(struct actor_rules *r, const char *peer, const char *sender,
    struct str recipient, int64_t now_ms, char room[ACTOR_RCPT_ROOM])
{
	int64_t due_ms;

	if (r->refuses)
		return "550 5.7.1 we take no mail\r\n";
	if (names(&r->unknown, recipient))
		return "550 5.1.1 there is nobody of this name\r\n";
	if (names(&r->full, recipient))
		return "452 4.2.2 the mailbox is full\r\n";
	if (r->greylist_ms == 0)
		return "250 2.1.5 ok\r\n";
	due_ms = first_met(r, peer, sender, recipient, now_ms) + r->greylist_ms;
	return now_ms < due_ms ? greylist(due_ms - now_ms, room)
	                       : "250 2.1.5 ok\r\n";
}
