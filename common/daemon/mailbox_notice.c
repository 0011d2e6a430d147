/* SPDX-License-Identifier: MIT */
#include "common/daemon/mailbox_notice.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/net/notify.h"
#include "common/util/buf.h"

#define TEXT_MAX (16 + MAILBOX_NOTICE_MAX * 21) /* a space, 20 digits */

void
mailbox_notice_init(struct mailbox_notice *m, char *path)
{
	*m = (struct mailbox_notice){.path = path};
}

void
mailbox_notice_send(struct mailbox_notice *m)
{
	struct buf text;

	if (m->n > 0 && m->path != NULL) {
		buf_init(&text, TEXT_MAX);
		buf_add(&text, STR("mailbox"));
		for (size_t i = 0; i < m->n; i++)
			buf_addf(&text, " %" PRId64, m->ids[i]);
		notice_send(m->path, buf_str(&text));
		buf_release(&text);
	}
	m->n = 0;
}

void
mailbox_notice_release(struct mailbox_notice *m)
{
	mailbox_notice_send(m);
	free(m->path);
	*m = (struct mailbox_notice){0};
}

static void
add_one(struct mailbox_notice *m, int64_t mailbox)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->ids[i] == mailbox)
			return;
	if (m->n == MAILBOX_NOTICE_MAX)
		mailbox_notice_send(m);
	m->ids[m->n++] = mailbox;
}

void
mailbox_notice_add(struct mailbox_notice *m, const int64_t *mailboxes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_one(m, mailboxes[i]);
}
