/* SPDX-License-Identifier: MIT */
#include "common/daemon/mailbox_notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/notify.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

struct heard {
	struct loop *loop;
	struct timer *late;
	struct buf text; /* a line for each datagram */
	size_t n, wanted;
};

static void
hear(void *arg, struct str text)
{
	struct heard *h = arg;

	buf_addf(&h->text, "%.*s\n", STR_FMT(text));
	if (++h->n == h->wanted)
		loop_stop(h->loop);
}

static void
give_up(void *arg)
{
	loop_stop(((struct heard *)arg)->loop);
}

int
main(void)
{
	char dir[] = "/tmp/notice-XXXXXX", path[64];
	const int64_t twice[] = {5, 7, 5};
	struct mailbox_notice m;
	struct notice_inbox *inbox;
	struct heard h = {.wanted = 3};
	struct buf want;
	struct fail f;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/popd.notice", dir);
	buf_init(&h.text, 100000);
	buf_init(&want, 100000);
	/* nobody listens: it is forgotten */
	mailbox_notice_init(&m, mem_dup(str_of(path)));
	mailbox_notice_add(&m, twice, 1);
	mailbox_notice_send(&m);
	CHECK(m.n == 0);

	h.loop = loop_new();
	inbox = notice_inbox_new(h.loop, path, hear, &h, &f);
	CHECK(inbox != NULL);
	mailbox_notice_send(&m); /* nothing to say */
	mailbox_notice_add(&m, twice, 3);
	mailbox_notice_send(&m);
	buf_addf(&want, "mailbox 5 7\n");
	/* more than one datagram holds, of the longest ids there are */
	for (int64_t i = 0; i < MAILBOX_NOTICE_MAX + 1; i++) {
		int64_t id = INT64_MAX - i;

		mailbox_notice_add(&m, &id, 1);
		buf_addf(&want, "%s %lld",
		    i == 0                    ? "mailbox"
		    : i == MAILBOX_NOTICE_MAX ? "\nmailbox"
					      : "",
		    (long long)id);
	}
	mailbox_notice_send(&m);
	buf_addf(&want, "\n");
	h.late = timer_new(h.loop, give_up, &h);
	timer_set(h.late, 60000);
	loop_run(h.loop);
	CHECK_STR(h.text.data != NULL ? h.text.data : "", want.data);

	timer_free(h.late);
	notice_inbox_free(inbox);
	loop_free(h.loop);
	mailbox_notice_release(&m);
	mailbox_notice_init(&m, NULL); /* nobody is ever told */
	mailbox_notice_add(&m, twice, 3);
	mailbox_notice_send(&m);
	mailbox_notice_release(&m);
	buf_release(&h.text);
	buf_release(&want);
	unlink(path);
	CHECK(rmdir(dir) == 0);
	return TEST_EXIT();
}
