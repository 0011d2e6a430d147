/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "common/control/backup_board.h"
#include "common/control/backup_json.h"
#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/queue.h"
#include "common/store/search.h"

#define PROBLEMS_MOST 1000

static void
take_problem(void *arg, const char *sentence)
{
	if (json_array_size(arg) < PROBLEMS_MOST)
		json_array_append_new(arg, call_json_text(str_of(sentence)));
}

int
call_check(struct call *call, struct fail *f)
{
	json_t *problems = json_array();

	json_object_set_new(call->reply, "problems", problems);
	if (db_check(call->control->mail, take_problem, problems, f) == -1 ||
	    db_check(call->control->auth, take_problem, problems, f) == -1)
		return -1;
	return 0;
}

/* A file that cannot be emptied goes as a whole. */
int
call_search_rebuild(struct call *call, struct fail *f)
{
	const char *dir = db_dir(call->control->mail);
	struct db *search = db_open(dir, DB_SEARCH, DB_WRITER, f);
	int rc = search != NULL ? search_rebuild(search, f) : -1;

	db_close(search);
	return rc == 0 ? 0 : db_discard(dir, DB_SEARCH, f);
}

struct counts {
	size_t domains, accounts, waiting, held;
	uint64_t messages, bytes;
	int64_t next_due_ms;
};

static bool
count_domain(void *arg, struct str name)
{
	struct counts *c = arg;

	(void)name;
	c->domains++;
	return true;
}

static bool
count_account(void *arg, const struct account *a)
{
	struct counts *c = arg;

	c->accounts++;
	c->messages += a->messages;
	c->bytes += a->bytes;
	return true;
}

static int
count(struct db *db, void *arg, struct fail *f)
{
	struct counts *c = arg;
	if (domain_each(db, count_domain, c, f) == -1 ||
	    account_each(db, count_account, c, f) == -1 ||
	    queue_next_due(db, &c->next_due_ms, f) == -1)
		return -1;
	return queue_count(db, &c->waiting, &c->held, f);
}

/* From maild, or from the directory itself. */
static void
add_backups(struct call *call)
{
	const struct control *c = call->control;
	struct backup_state s = {0};

	if (c->backup_dir == NULL)
		return;
	if (c->backups != NULL)
		backup_board_read(c->backups, &s);
	else
		backup_drill_newest(c->backup_dir, &s.newest, &s.drill);
	json_object_set_new(call->reply, "backup",
	    backup_json_summary(&s.newest, &s.drill, call->now_ms));
	if (s.failed_ms != 0)
		json_object_set_new(json_object_get(call->reply, "backup"),
		    "failed", call_json_text(str_of(s.why.text)));
}

int
call_status(struct call *call, struct fail *f)
{
	int64_t started = call->control->started_ms;
	struct counts c = {0};

	if (db_read(call->control->mail, count, &c, f) == -1)
		return -1;
	if (started != 0)
		json_object_update_new(call->reply,
		    json_pack("{s:I, s:I}", "pid", (json_int_t)getpid(),
			"uptime_s",
			(json_int_t)((call->now_ms - started) / 1000)));
	json_object_update_new(call->reply,
	    json_pack("{s:s, s:b, s:o}", "version", PP_VERSION, "running",
		started != 0, "next_due",
		call_json_time(
		    c.next_due_ms != INT64_MAX ? c.next_due_ms : 0)));
	json_object_update_new(call->reply,
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "domains",
		(json_int_t)c.domains, "accounts", (json_int_t)c.accounts,
		"messages", (json_int_t)c.messages, "bytes",
		(json_int_t)c.bytes, "waiting", (json_int_t)c.waiting, "held",
		(json_int_t)c.held));
	add_backups(call);
	return 0;
}
