/* SPDX-License-Identifier: MIT */
#include "maild/relay/smarthosts.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/secret.h"

#define SECRET_MAX (4 * KB)

struct entry {
	char *domain, *host, *login; /* what row points into */
	struct smarthost row;
	struct secret password;
};

struct table {
	struct entry *at;
	size_t n;
};

/* One reading: rows from mail.db, then secrets from auth.db. */
struct reading {
	struct store_job job;     /* first member */
	struct smarthosts *owner; /* NULL: freed meanwhile */
	struct table table;
};

struct smarthosts {
	struct store *mail, *passwords;
	const struct log *log;
	struct table table;
	struct reading *reading; /* under way, or NULL */
	bool known, again, failed;
};

static void
table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct entry *e = &t->at[i];

		free(e->domain);
		free(e->host);
		free(e->login);
		secret_release(&e->password);
	}
	free(t->at);
	*t = (struct table){0};
}

static void
reading_free(struct reading *r)
{
	table_release(&r->table);
	free(r);
}

static void
add(void *arg, const struct smarthost *s)
{
	struct table *t = arg;
	struct entry *e;

	t->at = mem_grow(t->at, t->n + 1, sizeof(*t->at));
	e = &t->at[t->n++];
	*e = (struct entry){
	    .domain = mem_dup(s->domain),
	    .host = mem_dup(s->host),
	    .login = mem_dup(s->login),
	    .row = *s,
	};
	secret_init(&e->password);
	e->row.domain = str_of(e->domain);
	e->row.host = str_of(e->host);
	e->row.login = str_of(e->login);
}

static int
run_rows(struct db *db, struct store_job *job, struct fail *f)
{
	struct reading *r = (struct reading *)job;

	return smarthost_list(db, add, &r->table, f);
}

static int
run_secrets(struct db *db, struct store_job *job, struct fail *f)
{
	struct reading *r = (struct reading *)job;
	int got = 0;

	for (size_t i = 0; i < r->table.n && got != -1; i++) {
		struct entry *e = &r->table.at[i];
		struct buf secret;

		buf_init(&secret, SECRET_MAX);
		got = smarthost_secret_get(db, e->row.domain, &secret, f);
		if (got == 1 && !secret.overrun)
			secret_set(&e->password, buf_str(&secret));
		secret_wipe(&secret);
	}
	return got == -1 ? -1 : 0;
}

/* The reading is over; true: another one is wanted. */
static bool
take_over(struct smarthosts *s, struct reading *r)
{
	if (r->job.rc == 0) {
		table_release(&s->table);
		s->table = r->table;
		r->table = (struct table){0};
		s->known = !s->again; /* changed meanwhile: once more */
	} else if (!s->failed) {
		log_error(s->log, "smarthosts: %s", r->job.fail.text);
	}
	s->failed = r->job.rc == -1;
	return s->again;
}

static void
on_done(struct store_job *job)
{
	struct reading *r = (struct reading *)job;
	struct smarthosts *s = r->owner;

	if (s == NULL) {
		reading_free(r);
	} else if (job->rc == 0 && job->run == run_rows) {
		*job = (struct store_job){
		    .run = run_secrets, .done = job->done};
		store_read(s->passwords, job);
	} else if (take_over(s, r)) {
		s->again = false;
		table_release(&r->table);
		*job = (struct store_job){.run = run_rows, .done = job->done};
		store_read(s->mail, job);
	} else {
		s->reading = NULL;
		reading_free(r);
	}
}

static void
begin(struct smarthosts *s)
{
	struct reading *r = MEM_NEW(struct reading);

	r->owner = s;
	r->job = (struct store_job){.run = run_rows, .done = on_done};
	s->reading = r;
	store_read(s->mail, &r->job);
}

struct smarthosts *
smarthosts_new(
    struct store *mail, struct store *passwords, const struct log *log)
{
	struct smarthosts *s = MEM_NEW(struct smarthosts);

	s->mail = mail;
	s->passwords = passwords;
	s->log = log;
	begin(s);
	return s;
}

void
smarthosts_reload(struct smarthosts *s)
{
	s->known = false; /* nothing goes by the old ones any more */
	if (s->reading != NULL)
		s->again = true;
	else
		begin(s);
}

bool
smarthosts_are_known(struct smarthosts *s)
{
	if (!s->known && s->failed && s->reading == NULL)
		begin(s);
	return s->known;
}

const struct smarthost *
smarthosts_find(
    const struct smarthosts *s, struct str domain, const char **password)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < s->table.n; i++) {
		const struct entry *e = &s->table.at[i];

		if (str_eq(e->row.domain, domain) ||
		    (found == NULL && str_eq(e->row.domain, STR("*"))))
			found = e;
		if (str_eq(e->row.domain, domain))
			break;
	}
	*password = found != NULL ? found->password.data : NULL;
	return found != NULL ? &found->row : NULL;
}

void
smarthosts_free(struct smarthosts *s)
{
	if (s == NULL)
		return;
	if (s->reading != NULL)
		s->reading->owner = NULL;
	table_release(&s->table);
	free(s);
}
