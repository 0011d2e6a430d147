/* SPDX-License-Identifier: MIT */
/* Mail that comes in. */
#include "common/store/group.h"
#include "tests/fault/acts_parts.h"

int
acts_step(struct world *w, db_work *work, void *arg, struct fail *f)
{
	if (db_write(w->x.db, work, arg, f) == -1)
		return -1;
	world_says(w);
	return 0;
}

static size_t
targets_of(struct world *w, struct delivery_target targets[4])
{
	targets[0] = (struct delivery_target){
	    w->x.alice, STR("alice@d.test"), .original = STR("")};
	targets[1] = (struct delivery_target){
	    w->x.bob, STR("bob@d.test"), .original = STR("")};
	targets[2] = (struct delivery_target){
	    w->x.carol, STR("carol@e.test"), .original = STR("")};
	targets[3] = (struct delivery_target){
	    0, STR("new@remote.test"), .original = STR("")};
	return 4;
}

static struct stage *
noise_stage(struct world *w, size_t size, uint64_t seed)
{
	struct stage *s = stage_new(w->x.dir);
	char *bytes = world_octets(size, seed);

	stage_add(s, (struct str){bytes, size});
	free(bytes);
	return s;
}

static int
seal_and_deliver(struct world *w, struct stage *s, size_t n, struct fail *f)
{
	struct delivery_target targets[4];
	struct delivery d;
	int rc;

	targets_of(w, targets);
	rc = stage_seal(s, STR(""), f);
	d = fixture_delivery(w->x.trace, s, targets, n);
	if (rc == 0)
		rc = acts_step(w, fixture_deliver_work, &d, f);
	stage_free(s);
	w->x.trace += rc == 0;
	return rc;
}

int
acts_deliver(
    struct world *w, size_t size, uint64_t seed, size_t n, struct fail *f)
{
	return seal_and_deliver(w, noise_stage(w, size, seed), n, f);
}

int
acts_deliver_text(struct world *w, size_t n, struct fail *f)
{
	struct stage *s = stage_new(w->x.dir);
	char line[80];

	stage_add(s, STR("From: a@remote.test\r\nSubject: text\r\n\r\n"));
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "Line %d of message %lld.\r\n", i,
		    (long long)w->x.trace);
		stage_add(s, str_of(line));
	}
	return seal_and_deliver(w, s, n, f);
}

int
act_deliver(struct world *w, struct fail *f)
{
	return acts_deliver(w, 9000, 1, 1, f);
}

int
act_deliver_many(struct world *w, struct fail *f)
{
	return acts_deliver(w, 40000, 2, 4, f);
}

/* More than a stage keeps in memory, more than a row takes. */
int
act_deliver_large(struct world *w, struct fail *f)
{
	return acts_deliver(w, 300000, 4, 2, f);
}

/* The same octets as one that is there. */
int
act_deliver_equal(struct world *w, struct fail *f)
{
	return acts_deliver(w, 150000, 3, 4, f);
}

/* ---- several with one COMMIT, of which one finds its mailbox full ---- */

struct group_job {
	struct store_job job; /* first: cast back */
	struct delivery d;
	struct delivery_target target;
	struct stage *stage;
};

static int
run_group_job(struct db *db, struct store_job *job, struct fail *f)
{
	return delivery_run(db, &((struct group_job *)job)->d, NULL, NULL, f);
}

static int
grant_little(struct db *db, void *arg, struct fail *f)
{
	struct account bob;

	(void)arg;
	if (account_find(db, STR("bob@d.test"), &bob, f) != 1)
		return -1;
	return account_set_quota(db, STR("bob@d.test"), bob.bytes + 5000, f);
}

void
act_prepare_group(struct world *w)
{
	MUST(db_write(w->x.db, grant_little, NULL, &why));
}

static int
commit_group(struct world *w, struct group_job *jobs, size_t n, struct fail *f)
{
	struct store_job *group[4];
	struct fail ignored;

	for (size_t i = 0; i < n; i++)
		group[i] = &jobs[i].job;
	if (txn_lock(w->x.db, f) == -1)
		return -1;
	group_commit(w->x.db, group, n);
	txn_checkpoint(w->x.db, true, &ignored);
	txn_unlock(w->x.db);
	return 0;
}

/* Bob's has room for the second and not for the fourth. */
int
act_group(struct world *w, struct fail *f)
{
	static const size_t whose[] = {0, 1, 2, 1};
	struct delivery_target targets[4];
	struct group_job jobs[4] = {0};
	int rc = 0;

	targets_of(w, targets);
	for (size_t i = 0; i < 4; i++) {
		struct group_job *j = &jobs[i];

		j->target = targets[whose[i]];
		j->stage = noise_stage(w, 3000, 10 + i);
		if (rc == 0)
			rc = stage_seal(j->stage, STR(""), f);
		j->d = fixture_delivery(
		    w->x.trace + (int64_t)i, j->stage, &j->target, 1);
		j->job = (struct store_job){.run = run_group_job};
	}
	if (rc == 0)
		rc = commit_group(w, jobs, 4, f);
	for (size_t i = 0; i < 4; i++) {
		bool done = rc == 0 && jobs[i].job.rc == 0;

		w->marked |= (uint64_t)done << i;
		stage_free(jobs[i].stage);
	}
	for (size_t i = 0; i < 3 && rc == 0; i++)
		if (jobs[i].job.rc == -1) {
			*f = jobs[i].job.fail;
			rc = -1;
		}
	if (rc == 0 &&
	    (jobs[3].job.rc == 0 || jobs[3].job.fail.kind == FAIL_QUOTA))
		world_says(w);
	return rc;
}

/* A fault in one savepoint takes that one alone: what counts is each. */
bool
act_group_holds(struct world *w, bool crashed)
{
	for (int i = 0; i < 4; i++) {
		char sql[100];
		int64_t n;

		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM message WHERE trace = %d", 5000 + i);
		n = fixture_number(&w->x, sql);
		if ((w->marked >> i & 1) != 0 ? n != 1
					      : n != 0 && !(crashed && n == 1))
			return false;
	}
	return fixture_number(&w->x,
		   "SELECT u.bytes <= a.quota_bytes FROM account a"
		   " JOIN account_use u ON u.account = a.id"
		   " WHERE a.login = 'bob@d.test'") == 1;
}

/* ---- IMAP APPEND ---- */

struct append {
	struct message_new new[2];
};

static int
append(struct db *db, void *arg, struct fail *f)
{
	struct append *a = arg;
	struct str keyword = STR("$Forwarded");
	uint64_t bits;
	uint32_t uids[2];
	int64_t modseq;

	if (message_keyword_bits(db, 1, &keyword, 1, &bits, f) == -1)
		return -1;
	a->new[1].flags = bits | MESSAGE_FLAGGED;
	return message_append(db, 1, a->new, 2, NOW, uids, &modseq, f);
}

/* RFC 3502: two messages in one command, the second a large one. */
int
act_append(struct world *w, struct fail *f)
{
	struct append a = {
	    .new = {{.stage = noise_stage(w, 5000, 20),
			.flags = MESSAGE_SEEN,
			.trace = 5000},
		    {.stage = noise_stage(w, 90000, 21), .trace = 5001}}
        };
	int rc = stage_seal(a.new[0].stage, STR(""), f);

	if (rc == 0)
		rc = stage_seal(a.new[1].stage, STR(""), f);
	if (rc == 0)
		rc = acts_step(w, append, &a, f);
	stage_free(a.new[0].stage);
	stage_free(a.new[1].stage);
	return rc;
}
