/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/control/figures.h"
#include "common/util/mem.h"

struct reading {
	int64_t now_ms;
	struct buf text;
};

static int
read_figures(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	return figures_add(db, r->now_ms, &r->text, f);
}

int
call_metrics(struct call *call, struct fail *f)
{
	const struct control *c = call->control;
	struct reading r = {.now_ms = call->now_ms};
	int rc;

	buf_init(&r.text, FIGURES_ROOM);
	rc = db_read(c->mail, read_figures, &r, f);
	if (rc == 0) {
		struct buf all;

		buf_init(&all, 4 * FIGURES_ROOM);
		if (c->counters != NULL)
			buf_add(&all, str_of(c->counters));
		buf_add(&all, buf_str(&r.text));
		json_object_set_new(
		    call->reply, "text", call_json_text(buf_str(&all)));
		buf_release(&all);
	}
	buf_release(&r.text);
	return rc;
}
