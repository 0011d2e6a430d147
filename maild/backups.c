/* SPDX-License-Identifier: MIT */
#include "maild/backups.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/util/mem.h"
#include "maild/backup_letter.h"

#define LOOK_MS  (60 * 1000) /* the clock may be moved */
#define AGAIN_MS (60 * 60 * 1000)
#define TELL_MS  (INT64_C(24) * 60 * 60 * 1000)
#define NEVER    INT64_MAX

enum task {
	LOOK, /* what there is */
	MAKE,
	TRY,
};

struct backups {
	struct worker_job job;  /* one task */
	struct maild *maild;    /* borrowed */
	struct workers *worker; /* one thread */
	struct timer *timer;
	struct backup_board *board;
	bool busy, looked;
	bool whole;            /* the next one shares nothing */
	int64_t make_again_ms; /* after a failure; 0: on schedule */
	int64_t try_again_ms;
	int64_t told_ms; /* postmaster was; 0: not of this */

	atomic_bool stopping;
	pthread_mutex_t mutex;
	struct db *checked; /* by the drill, now; or NULL */

	/* of the task, in the hands of the thread while it runs */
	enum task task;
	int64_t now_ms;
	int rc;
	struct fail fail;
	struct backup_made made;
	struct backup_info newest;
	struct drill_report drill;
};

/* ---- on the thread ---- */

static void
tell(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct backups *b = arg;

	backup_board_progress(b->board, what, done, total);
}

static bool
is_stopping(void *arg)
{
	return atomic_load(&((struct backups *)arg)->stopping);
}

static void
note_checked(void *arg, struct db *db)
{
	struct backups *b = arg;

	pthread_mutex_lock(&b->mutex);
	b->checked = db;
	if (db != NULL && atomic_load(&b->stopping))
		db_interrupt(db);
	pthread_mutex_unlock(&b->mutex);
}

static int
make(struct backups *b, struct fail *f)
{
	const struct conf *conf = b->maild->conf;
	const struct backup_options o = {
	    .store = conf->server_store,
	    .dir = conf->backup_dir,
	    .keep = (size_t)conf->backup_keep,
	    .whole = b->whole,
	    .gentle = true,
	    .now_ms = b->now_ms,
	    .watch = {.tell = tell, .stop = is_stopping, .arg = b},
	};

	return backup_make(&o, &b->made, f);
}

static int
try(struct backups *b, struct fail *f)
{
	const char *dir = b->maild->conf->backup_dir;
	const struct drill_options o = {
	    .dir = dir,
	    .gentle = true,
	    .now_ms = b->now_ms,
	    .watch = {.tell = tell, .stop = is_stopping, .arg = b},
	    .checks = note_checked,
	    .arg = b,
	};

	if (backup_drill(&o, &b->drill, f) == -1)
		return -1;
	return backup_drill_keep(dir, &b->drill, f);
}

static void
run(struct worker_job *job)
{
	struct backups *b = (struct backups *)job;

	b->rc = b->task == MAKE  ? make(b, &b->fail)
	        : b->task == TRY ? try(b, &b->fail)
	                         : 0;
	if (b->task != TRY)
		backup_drill_newest(
		    b->maild->conf->backup_dir, &b->newest, &b->drill);
}

/* ---- on the loop ---- */

static int64_t
again_ms(const struct backups *b)
{
	int64_t every = b->maild->conf->backup_every;

	return every < AGAIN_MS ? every : AGAIN_MS;
}

/* When the next snapshot is to be made, by the wall clock; one from the future
 * (it ran back) says nothing. */
static int64_t
make_due_ms(const struct backups *b, int64_t now_ms)
{
	int64_t every = b->maild->conf->backup_every;

	if (b->make_again_ms != 0)
		return b->make_again_ms;
	if (b->newest.name[0] == '\0' || b->newest.made_ms > now_ms + every)
		return now_ms;
	return b->newest.made_ms + every;
}

static int64_t
try_due_ms(const struct backups *b, int64_t now_ms)
{
	int64_t every = b->maild->conf->backup_drill;

	if (every == 0 || b->newest.name[0] == '\0')
		return NEVER;
	if (b->try_again_ms != 0)
		return b->try_again_ms;
	if (b->drill.at_ms == 0 || b->drill.at_ms > now_ms + every)
		return now_ms;
	/* one that is not good: whatever was made since */
	if (!b->drill.good &&
	    !str_eq(str_of(b->drill.snapshot), str_of(b->newest.name)))
		return now_ms;
	return b->drill.at_ms + every;
}

static void
begin(struct backups *b, enum task task, int64_t now_ms)
{
	static const enum backup_work works[] = {
	    [LOOK] = BACKUP_IDLE,
	    [MAKE] = BACKUP_MAKES,
	    [TRY] = BACKUP_TRIES,
	};

	b->task = task;
	b->now_ms = now_ms;
	b->fail = (struct fail){0};
	b->busy = workers_submit(b->worker, &b->job);
	if (b->busy)
		backup_board_work(b->board, works[task]);
}

static void
look(void *arg)
{
	struct backups *b = arg;
	int64_t now_ms = clock_wall_ms(b->maild->clock), make_ms, try_ms;
	bool whole = false;

	if (b->busy || atomic_load(&b->stopping))
		return;
	if (!b->looked) {
		begin(b, LOOK, now_ms);
		return;
	}
	make_ms = make_due_ms(b, now_ms);
	try_ms = try_due_ms(b, now_ms);
	if (backup_board_take(b->board, &whole) || make_ms <= now_ms) {
		b->whole |= whole;
		begin(b, MAKE, now_ms);
	} else if (try_ms <= now_ms) {
		begin(b, TRY, now_ms);
	} else {
		int64_t wait_ms = (make_ms < try_ms ? make_ms : try_ms) -
		                  now_ms;

		timer_set(b->timer, wait_ms < LOOK_MS ? wait_ms : LOOK_MS);
	}
}

static void
tell_postmaster(struct backups *b, bool drill, const char *why, int64_t again)
{
	const struct backup_letter letter = {
	    .drill = drill,
	    .why = why,
	    .newest = &b->newest,
	    .again_ms = again,
	};

	if (b->told_ms != 0 && b->now_ms < b->told_ms + TELL_MS &&
	    b->now_ms >= b->told_ms)
		return;
	b->told_ms = b->now_ms;
	backup_letter_send(b->maild, &letter);
}

static void
made(struct backups *b)
{
	const struct log *log = &b->maild->log;
	const struct backup_made *m = &b->made;

	if (b->rc == 0) {
		log_info(log,
		    "backup: made %s: %llu files, %llu octets, of them %llu "
		    "copied; removed %zu old",
		    m->name, (unsigned long long)m->files,
		    (unsigned long long)m->octets,
		    (unsigned long long)m->copied_octets, m->removed);
		b->whole = false;
		b->make_again_ms = b->told_ms = 0;
		backup_board_made(b->board, m, NULL, b->now_ms);
		return;
	}
	log_error(log, "backup: failed: %s", b->fail.text);
	b->make_again_ms = b->now_ms + again_ms(b);
	backup_board_made(b->board, NULL, &b->fail, b->now_ms);
	if (!atomic_load(&b->stopping))
		tell_postmaster(b, false, b->fail.text, b->make_again_ms);
}

static void
tried(struct backups *b)
{
	const struct log *log = &b->maild->log;
	const struct drill_report *r = &b->drill;

	b->try_again_ms = 0;
	if (b->rc == 0 && r->good) {
		log_info(log, "backup: drill: %s can be restored, and is whole",
		    r->snapshot);
		b->told_ms = b->make_again_ms != 0 ? b->told_ms : 0;
		backup_board_tried(b->board, r, NULL, b->now_ms);
		return;
	}
	if (b->rc == 0) {
		/* what it shares with those before may be what is damaged */
		fail(&b->fail, FAIL_PERM, "%s", r->text);
		b->whole = true;
		b->make_again_ms = b->now_ms + again_ms(b);
	} else {
		b->try_again_ms = b->now_ms + again_ms(b);
	}
	log_error(log, "backup: drill: failed: %s", b->fail.text);
	backup_board_tried(
	    b->board, b->rc == 0 ? r : NULL, &b->fail, b->now_ms);
	if (!atomic_load(&b->stopping))
		tell_postmaster(b, true, b->fail.text, b->now_ms + again_ms(b));
}

static void
done(struct worker_job *job)
{
	struct backups *b = (struct backups *)job;

	b->busy = false;
	b->looked = true;
	if (b->task != TRY)
		backup_board_look(b->board, &b->newest, &b->drill);
	if (b->task == MAKE)
		made(b);
	else if (b->task == TRY)
		tried(b);
	backup_board_work(b->board, BACKUP_IDLE);
	if (!atomic_load(&b->stopping))
		timer_set(b->timer, 0);
}

void
backups_make_dir(const struct conf *conf)
{
	/* what is wrong with it the first backup says */
	if (conf->backup_dir[0] != '\0')
		mkdir(conf->backup_dir, 0700);
}

struct backups *
backups_new(struct maild *m)
{
	struct backups *b = MEM_NEW(struct backups);

	b->maild = m;
	pthread_mutex_init(&b->mutex, NULL);
	if (m->conf->backup_dir[0] == '\0')
		return b;
	b->job.run = run;
	b->job.done = done;
	b->board = backup_board_new();
	/* deliveries come first */
	b->worker = workers_new_behind(m->loop, 1, 1);
	b->timer = timer_new(m->loop, look, b);
	look(b);
	return b;
}

struct backup_board *
backups_board(const struct backups *b)
{
	return b->board;
}

void
backups_kick(struct backups *b)
{
	if (b->board != NULL)
		look(b);
}

static void
gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	buf_addf(out,
	    "# HELP pennypost_%s %s\n# TYPE pennypost_%s gauge\n"
	    "pennypost_%s %lld\n",
	    name, help, name, name, (long long)value);
}

void
backups_print(const struct backups *b, struct buf *out)
{
	struct backup_state s;
	int64_t now_ms = clock_wall_ms(b->maild->clock);

	if (b->board == NULL)
		return;
	backup_board_read(b->board, &s);
	if (s.newest.name[0] != '\0')
		gauge(out, "backup_age_seconds", "Age of the newest backup.",
		    (now_ms - s.newest.made_ms) / 1000);
	if (s.drill.at_ms != 0) {
		gauge(out, "backup_drill_age_seconds",
		    "Since a backup was last restored to see whether it is "
		    "good.",
		    (now_ms - s.drill.at_ms) / 1000);
		gauge(out, "backup_drill_good", "It was.", s.drill.good);
	}
	gauge(out, "backup_failed", "The last backup or drill failed.",
	    s.failed_ms != 0);
}

void
backups_stop(struct backups *b)
{
	if (b == NULL)
		return;
	atomic_store(&b->stopping, true);
	if (b->timer != NULL)
		timer_clear(b->timer);
	pthread_mutex_lock(&b->mutex);
	if (b->checked != NULL)
		db_interrupt(b->checked);
	pthread_mutex_unlock(&b->mutex);
}

void
backups_free(struct backups *b)
{
	if (b == NULL)
		return;
	backups_stop(b);
	if (b->worker != NULL)
		workers_free(b->worker);
	timer_free(b->timer);
	backup_board_free(b->board);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}
