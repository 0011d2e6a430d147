/* SPDX-License-Identifier: MIT */
#include "common/util/mem.h"
#include "popd/ops/box.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

int
imap_run_news(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_news_op *news = (struct imap_news_op *)op;
	struct mailbox_list list;
	int rc = 0;

	(void)c;
	if (mailbox_list(db, op->account, &list, &op->fail) == -1)
		return -1;
	imap_list_lines_free(news->lines);
	news->lines = MEM_NEW(struct imap_list_lines);
	news->lines->lines = mem_new(list.n, sizeof(*news->lines->lines));
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		struct mailbox_line *from = &list.lines[i];
		struct imap_list_line *to = &news->lines->lines[i];

		*to = (struct imap_list_line){.name = from->name,
		    .subscribed = from->subscribed,
		    .children = from->children};
		from->name = NULL;
		news->lines->n++;
		if (from->mailbox.id != 0)
			rc = box_figures(
			    db, &from->mailbox, 0, &to->box, &op->fail);
	}
	mailbox_list_release(&list);
	return rc;
}
