/* SPDX-License-Identifier: MIT */
/* What maild tells of the backups it makes, and orders to make one. */
#include <stdlib.h>

#include "common/control/backup_board.h"
#include "common/control/backup_json.h"
#include "common/control/call.h"

int
call_backup_start(struct call *call, struct fail *f)
{
	const struct control *c = call->control;

	if (c->backups == NULL || c->backup_dir == NULL)
		return fail(f, FAIL_PERM,
		    "no directory for backups is set: see backup.dir");
	json_object_set_new(call->reply, "order",
	    json_integer((json_int_t)backup_board_order(
		c->backups, call->args[0].number != 0)));
	return 0;
}

static const char *
work_name(const struct backup_state *s, uint64_t order)
{
	if (order != 0 && s->ended >= order)
		return "done";
	return s->work == BACKUP_MAKES   ? "backup"
	       : s->work == BACKUP_TRIES ? "drill"
	                                 : "idle";
}

int
call_backup_look(struct call *call, struct fail *f)
{
	const struct control *c = call->control;
	uint64_t order = (uint64_t)call->args[0].number;
	struct backup_state s;

	if (c->backups == NULL)
		return fail(f, FAIL_PERM, "maild does not run");
	backup_board_read(c->backups, &s);
	if (order != 0 && s.ended >= order && s.failed) {
		*f = s.why;
		return -1;
	}
	json_object_update_new(
	    call->reply, json_pack("{s:s, s:s, s:I, s:I}", "state",
			     work_name(&s, order), "what", s.what, "done",
			     (json_int_t)s.done, "total", (json_int_t)s.total));
	if (order != 0 && s.ended >= order)
		json_object_set_new(
		    call->reply, "backup", backup_json_made(&s.made));
	return 0;
}
