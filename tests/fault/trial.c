/* SPDX-License-Identifier: MIT */
#include "tests/fault/trial.h"

static bool
wrong(struct trial *t, const char *what, const char *more)
{
	snprintf(t->why, sizeof(t->why), "%s%s%.200s", what,
	    more[0] != '\0' ? ": " : "", more);
	return false;
}

static int
note(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite,
	    "INSERT INTO meta VALUES ('after', 1)"
	    " ON CONFLICT (key) DO UPDATE SET value = value + 1",
	    f);
}

/* What a crash at this moment would leave, opened again.   may_be_more: of
 * the step that failed. */
static bool
after_crash(struct trial *t, const struct world *w, bool may_be_more)
{
	struct world later;
	struct world_state live, now;
	struct fail f;
	char why[WORLD_WHY_MAX];
	bool fine;

	world_copy(w, &later);
	if (world_open_again(&later, t->act, &f) == -1) {
		wrong(t, "after a crash it does not open", f.text);
		world_remove(&later);
		return false;
	}
	if (w->x.db != NULL) {
		world_look((struct world *)w, t->act, &live);
		world_look(&later, t->act, &now);
		if (memcmp(&live, &now, sizeof(now)) != 0) {
			t->resurrected = true;
			if (!may_be_more) {
				world_remove(&later);
				return wrong(t, "it came back", "");
			}
		}
	}
	fine = world_judge(&later, t->act, t->history, w->said, true, why);
	if (!fine)
		wrong(t, "after a crash", why);
	world_remove(&later);
	return fine;
}

/* Nothing is taken while the disk is bad; a write proves that it is not. */
static bool
proves_itself(struct trial *t, struct world *w)
{
	struct fail f;

	if (t->break_all != NULL && t->unsound) {
		t->break_all(t->arg);
		t->rc = db_write(w->x.db, note, NULL, &f);
		t->end(t->arg);
		if (t->rc == 0)
			return wrong(t, "it took a write unproved", "");
		t->rc = -1;
	}
	if (db_write(w->x.db, note, NULL, &f) == -1)
		return wrong(t, "it takes no write any more", f.text);
	if (!txn_is_sound(w->x.db))
		return wrong(t, "it does not know that all is well", "");
	return true;
}

/* A message comes in, under a UID that was never given. */
static bool
works(struct trial *t, struct world *w)
{
	static const char next[] =
	    "SELECT coalesce((SELECT s.uid_next FROM mailbox m"
	    " JOIN mailbox_state s ON s.mailbox = m.id"
	    " JOIN account a ON a.id = m.account"
	    " WHERE a.login = 'carol@e.test' AND m.name = 'INBOX'), 0)";
	struct delivery_target carol = {
	    w->x.carol, STR("carol@e.test"), .original = STR("")};
	int64_t before = fixture_number(&w->x, next);
	struct fixture x = w->x;
	struct fail f;

	x.trace = 9000;
	if (t->act->empty)
		return true; /* nobody is there yet */
	if (fixture_deliver(&x, STR("Subject: later\r\n\r\n"), &carol, 1, &f) ==
	    -1)
		return wrong(t, "it takes no mail any more", f.text);
	if (fixture_number(&x, next) != before + 1 ||
	    fixture_number(&x, "SELECT count(*) FROM message WHERE trace = 9001"
			       " GROUP BY uid") != 1)
		return wrong(t, "the next message has another UID", "");
	if (db_check(x.db, fixture_say, NULL, &f) != 0)
		return wrong(t, "at last the store is not clean", "");
	return true;
}

static bool
judge(struct trial *t, struct world *w)
{
	char why[WORLD_WHY_MAX];
	struct fail f;

	if (w->x.db == NULL && world_open_again(w, t->act, &f) == -1)
		return wrong(t, "it does not open any more", f.text);
	t->unsound = !txn_is_sound(w->x.db);
	if (!world_judge(w, t->act, t->history, w->said, false, why))
		return wrong(t, "at once", why);
	if (!after_crash(t, w, true))
		return false;
	if (t->rc == -1 && t->resurrected && !t->unsound && !t->act->opens &&
	    !t->act->account)
		return wrong(t, "it does not know that a COMMIT failed", "");
	if (!proves_itself(t, w))
		return false;
	if (t->unsound &&
	    (!world_judge(w, t->act, t->history, w->said, false, t->why) ||
		!after_crash(t, w, false)))
		return false;
	return works(t, w);
}

bool
trial_run(struct trial *t)
{
	struct world w;
	bool fine;

	t->why[0] = '\0';
	t->rc = -1;
	t->fail = (struct fail){0};
	t->resurrected = t->unsound = false;
	world_copy(t->model, &w);
	if (!t->act->opens && world_open(&w, &t->fail) == -1) {
		wrong(t, "the model does not open", t->fail.text);
		world_remove(&w);
		return false;
	}
	t->begin(t->arg);
	t->rc = t->act->run(&w, &t->fail);
	t->end(t->arg);
	t->said = w.said;
	fine = judge(t, &w);
	if (fine && t->rc == 0 && !t->act->opens && w.said != t->history->steps)
		fine = wrong(t, "it went well and said too little", "");
	world_remove(&w);
	return fine;
}
