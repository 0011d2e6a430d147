/* SPDX-License-Identifier: MIT */
#include "maild/relay/smarthosts.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/secret.h"

#define SECRET_MAX      (4 * KB)
#define REFUSED_MS      (INT64_C(5) * 60 * 1000)
#define REFUSED_MOST_MS (INT64_C(60) * 60 * 1000)
#define TRIAL_MS        (INT64_C(60) * 1000) /* for who tries again */

struct entry {
	char *domain, *host, *login; /* what row points into */
	struct smarthost row;
	struct secret password;
	char *refusal; /* of the login, or NULL */
	int64_t refused_until_ms, wait_ms;
	bool trial; /* somebody tries it */
};

struct smarthost_door { /* while somebody is inside */
	char *host;
	uint16_t port;
	size_t sessions;
	struct smarthost_door *next;
};

struct table {
	struct entry *at;
	size_t n;
};

/* One reading: rows from mail.db, then secrets from auth.db. */
struct reading {
	struct store_job job;     /* first member */
	struct smarthosts *owner; /* NULL: nobody waits for it any more */
	struct table table;
};

struct smarthosts {
	struct store *mail, *passwords;
	const struct log *log;
	struct table table;
	struct smarthost_door *doors; /* list */
	struct reading *reading;      /* under way, or NULL */
	bool known, again, failed, stopping;
};

static void
table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct entry *e = &t->at[i];

		free(e->domain);
		free(e->host);
		free(e->login);
		free(e->refusal);
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
	struct reading *r;

	if (s->stopping)
		return;
	r = MEM_NEW(struct reading);
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

/* ---- logins ---- */

static struct entry *
find_row(const struct smarthosts *s, struct str row)
{
	for (size_t i = 0; i < s->table.n; i++)
		if (str_eq(s->table.at[i].row.domain, row))
			return &s->table.at[i];
	return NULL;
}

bool
smarthosts_may_log_in(
    struct smarthosts *s, struct str row, int64_t lapse_ms, const char **why)
{
	struct entry *e = find_row(s, row);

	*why = "";
	if (e == NULL || e->refusal == NULL)
		return true;
	*why = e->refusal;
	if (lapse_ms < e->refused_until_ms)
		return false;
	e->trial = true;
	e->refused_until_ms = lapse_ms + TRIAL_MS;
	return true;
}

void
smarthosts_login(struct smarthosts *s, struct str row, int64_t lapse_ms,
    const struct str *refusal)
{
	struct entry *e = find_row(s, row);

	if (e == NULL || (refusal == NULL && e->refusal == NULL))
		return;
	if (refusal != NULL && e->refusal != NULL && !e->trial)
		return; /* begun before it was known */
	free(e->refusal);
	e->refusal = NULL;
	e->trial = false;
	if (refusal == NULL) {
		e->wait_ms = 0;
		return;
	}
	e->refusal = mem_dup(*refusal);
	e->wait_ms = e->wait_ms == 0 ? REFUSED_MS : 2 * e->wait_ms;
	if (e->wait_ms > REFUSED_MOST_MS)
		e->wait_ms = REFUSED_MOST_MS;
	e->refused_until_ms = lapse_ms + e->wait_ms;
}

/* ---- sessions ---- */

static struct smarthost_door *
find_door(const struct smarthosts *s, const struct smarthost *row)
{
	struct smarthost_door *d = s->doors;

	while (d != NULL &&
	       (d->port != row->port || !str_eq(str_of(d->host), row->host)))
		d = d->next;
	return d;
}

struct smarthost_door *
smarthosts_enter(struct smarthosts *s, const struct smarthost *row)
{
	struct smarthost_door *d = find_door(s, row);

	if (d == NULL) {
		d = MEM_NEW(struct smarthost_door);
		d->host = mem_dup(row->host);
		d->port = row->port;
		d->next = s->doors;
		s->doors = d;
	}
	d->sessions++;
	return d;
}

void
smarthosts_leave(struct smarthosts *s, struct smarthost_door *d)
{
	struct smarthost_door **at = &s->doors;

	if (--d->sessions > 0)
		return;
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d->host);
	free(d);
}

size_t
smarthosts_inside(const struct smarthost_door *d)
{
	return d->sessions;
}

const struct smarthost_door *
smarthosts_door(const struct smarthosts *s, struct str domain)
{
	const struct smarthost *row;
	const char *password;

	if (str_starts(domain, STR("=")) || s->doors == NULL)
		return NULL; /* a person sent it elsewhere */
	row = smarthosts_find(s, domain, &password);
	return row != NULL ? find_door(s, row) : NULL;
}

/* A reading that is under way ends with the job it is in: its second one would
 * be for a store that may be closed by then. */
void
smarthosts_stop(struct smarthosts *s)
{
	if (s == NULL)
		return;
	s->stopping = true;
	if (s->reading != NULL)
		s->reading->owner = NULL;
	s->reading = NULL;
}

void
smarthosts_free(struct smarthosts *s)
{
	if (s == NULL)
		return;
	smarthosts_stop(s);
	table_release(&s->table);
	free(s);
}
