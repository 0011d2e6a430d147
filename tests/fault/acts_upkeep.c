/* SPDX-License-Identifier: MIT */
/* What the daemons do by themselves, and mailctl. */
#include "common/store/credential.h"
#include "common/store/purge.h"
#include "common/store/search.h"
#include "common/store/sql.h"
#include "tests/fault/acts_parts.h"

/* The index in batches of one body, and a sweep: mail.db is as it was. */
int
act_search(struct world *w, struct fail *f)
{
	struct db *search = db_open(w->x.dir, DB_SEARCH, DB_WRITER, f);
	bool more = true, over = false;
	int rc = search != NULL ? 0 : -1;

	while (rc == 0 && more)
		rc = search_index(w->x.db, search, 1, &more, f);
	while (rc == 0 && !over)
		rc = search_sweep(w->x.db, search, 1, &over, f);
	db_close(search);
	return rc;
}

/* ---- checkpoints ---- */

int
acts_checkpoint(struct world *w, struct fail *f)
{
	struct db *db = w->x.db;
	struct fail ignored;

	if (txn_lock(db, f) == -1)
		return -1;
	db->log_pages = db->copied_pages + 100000; /* due */
	/* who is told of a delivery does not hear of this */
	txn_checkpoint(db, true, &ignored);
	txn_unlock(db);
	return 0;
}

/* The log is copied and begun anew, and copied again. */
int
act_checkpoint(struct world *w, struct fail *f)
{
	for (uint64_t i = 0; i < 3; i++)
		if (acts_deliver(w, 20000, 40 + i, 1, f) == -1 ||
		    acts_checkpoint(w, f) == -1)
			return -1;
	return acts_deliver(w, 9000, 44, 1, f);
}

/* ---- bodies nobody holds ---- */

struct expunge {
	int64_t mailbox;
	uint32_t uid;
};

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	const struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	struct expunge *e = arg;
	size_t removed;
	int64_t modseq;

	return message_expunge(db, e->mailbox, &e->uid, 1, false, &who, NULL,
	    &removed, &modseq, f);
}

static int
sweep_bodies(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 100, arg, f);
}

static int
sweep_files(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

/* The highest body stays in any case. */
void
act_prepare_sweep(struct world *w)
{
	struct delivery_target t = {
	    w->x.alice, STR("alice@d.test"), .original = STR("")};
	struct fail f;

	ENSURE(fixture_deliver(
		   &w->x, STR("Subject: last\r\n\r\n"), &t, 1, &f) != -1);
	w->x.trace = 5001;
}

int
act_sweep(struct world *w, struct fail *f)
{
	static const char sql_bobs[] =
	    "SELECT mailbox FROM message WHERE trace = 1003 AND mailbox <> 1";
	struct expunge alices = {1, 3}, bobs = {.uid = 1};
	size_t n;

	/* the fault may meet this as well */
	if (sql_number(w->x.db, &bobs.mailbox, sql_bobs, f, "") != 1 ||
	    acts_step(w, expunge, &alices, f) == -1 ||
	    acts_step(w, expunge, &bobs, f) == -1 ||
	    acts_step(w, sweep_bodies, &n, f) == -1)
		return -1;
	return db_write(w->x.db, sweep_files, &n, f);
}

/* ---- an account goes ---- */

static int
begin_removal(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_remove_begin(db, STR("alice@d.test"), f);
}

static int
remove_some(struct db *db, void *arg, struct fail *f)
{
	return account_remove_some(db, STR("alice@d.test"), 2, NOW, arg, f);
}

static int
purge(struct db *db, void *arg, struct fail *f)
{
	return purge_journeys_before(db, NOW + 1, 100, arg, f);
}

int
act_removal(struct world *w, struct fail *f)
{
	bool over = false;
	size_t n;

	if (acts_step(w, begin_removal, NULL, f) == -1)
		return -1;
	while (!over)
		if (acts_step(w, remove_some, &over, f) == -1)
			return -1;
	if (acts_step(w, sweep_bodies, &n, f) == -1)
		return -1;
	return acts_step(w, purge, &n, f);
}

/* ---- auth.db ---- */

static const char verifier[] = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";

static int
set_password(struct db *db, void *arg, struct fail *f)
{
	const struct str *login = arg;

	return credential_set(db, *login, verifier, NOW, f);
}

static int
set_scram(struct db *db, void *arg, struct fail *f)
{
	const struct credential_scram keys = {.iterations = 4096};
	const struct str *login = arg;

	return credential_set_scram(db, *login, &keys, f);
}

void
act_prepare_credentials(struct world *w)
{
	struct str alice = STR("alice@d.test");
	struct fail f;
	struct db *auth = db_open(w->x.dir, DB_AUTH, DB_WRITER, &f);

	ENSURE(auth != NULL);
	MUST(db_write(auth, set_password, &alice, &why));
	db_close(auth);
}

int
act_credentials(struct world *w, struct fail *f)
{
	struct str bob = STR("bob@d.test");

	w->auth = db_open(w->x.dir, DB_AUTH, DB_WRITER, f);
	if (w->auth == NULL || db_write(w->auth, set_password, &bob, f) == -1)
		return -1;
	world_says(w);
	if (db_write(w->auth, set_scram, &bob, f) == -1)
		return -1;
	world_says(w);
	return 0;
}
