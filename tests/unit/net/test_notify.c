/* SPDX-License-Identifier: MIT */
#include "common/net/notify.h"

#include <sys/un.h>

#include "common/net/udp.h"
#include "tests/unit/net/net_test.h"

struct test {
	struct rig rig;
	char folder[64], path[128];
	struct buf got;
	int count, want;
};

static void
on_notice(void *arg, struct str text)
{
	struct test *t = arg;

	buf_add(&t->got, text);
	buf_add_char(&t->got, '|');
	if (++t->count == t->want)
		loop_stop(t->rig.loop);
}

static void
send_many(void *arg)
{
	struct test *t = arg;

	for (int i = 0; i < 100; i++)
		while (!notice_send(t->path, STR("queue")))
			usleep(100); /* the inbox is full: it never blocks */
}

static void
test_notices(void)
{
	static const int not_yet = 0;
	struct test t = {.want = 2};
	struct notice_inbox *inbox, *second;
	struct fail f;
	char large[2049];

	rig_open(&t.rig);
	folder_open(t.folder);
	in_folder(t.path, t.folder, "maild.notice");
	buf_init(&t.got, 64 * KB);
	CHECK(!notice_send(t.path, STR("queue"))); /* nobody there */
	inbox = notice_inbox_new(t.rig.loop, t.path, on_notice, &t, &f);
	CHECK(inbox != NULL);
	memset(large, 'x', sizeof(large));
	CHECK(notice_send(t.path, STR("queue")));
	CHECK(!notice_send(t.path, (struct str){large, sizeof(large)}));
	CHECK(notice_send(t.path, STR("mailbox 7")));
	loop_run(t.rig.loop);
	CHECK(str_eq(buf_str(&t.got), STR("queue|mailbox 7|")));

	/* the last notice ends the loop, not the end of who sent it */
	t.count = 0;
	t.want = 100;
	t.rig.wait_for = &not_yet;
	rig_play(&t.rig, send_many, &t);
	CHECK(t.count == 100);

	/* a new one takes the path over; the old one leaves it there */
	second = notice_inbox_new(t.rig.loop, t.path, on_notice, &t, &f);
	CHECK(second != NULL);
	notice_inbox_free(inbox);
	CHECK(access(t.path, F_OK) == 0);
	notice_inbox_free(second);
	CHECK(access(t.path, F_OK) == -1);
	CHECK(notice_inbox_new(
		  t.rig.loop, "/nonexistent/x", on_notice, &t, &f) == NULL);
	buf_release(&t.got);
	folder_close(t.folder);
	rig_close(&t.rig);
}

static int
supervisor(const char *name, size_t len)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, name, len);
	CHECK(bind(fd, (struct sockaddr *)&un,
		  (socklen_t)(sizeof(sa_family_t) + len)) == 0);
	return fd;
}

static void
hears_ready(int fd)
{
	char got[20] = "";

	notify_supervisor("READY=1");
	CHECK(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) == 7);
	CHECK_STR(got, "READY=1");
	close(fd);
}

static void
test_supervisor(void)
{
	char folder[64], path[128], name[64];
	int len;

	unsetenv("NOTIFY_SOCKET");
	notify_supervisor("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_supervisor("READY=1");
	folder_open(folder);
	setenv("NOTIFY_SOCKET", in_folder(path, folder, "n"), 1);
	hears_ready(supervisor(path, strlen(path) + 1));
	len = snprintf(name, sizeof(name), "@pp-net-%d", (int)getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	hears_ready(supervisor(name, (size_t)len));
	folder_close(folder);
}

/* ---- udp ---- */

static void
echo(void *arg, struct udp *u, const struct address *from, struct str bytes)
{
	(void)arg;
	udp_send(u, from, bytes);
}

static void
ask_udp(void *arg)
{
	struct address *at = arg;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char got[10] = "";

	for (int i = 0; i < 10; i++) {
		CHECK(sendto(fd, "abc", 3, 0, (struct sockaddr *)&at->sa,
			  address_len(at)) == 3);
		CHECK(recv(fd, got, sizeof(got), 0) == 3);
		CHECK_STR(got, "abc");
	}
	close(fd);
}

static void
test_udp(void)
{
	struct rig r;
	struct address at;
	struct fail f;
	struct udp *u;

	rig_open(&r);
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	u = udp_new(r.loop, &at, echo, NULL, &f);
	CHECK(u != NULL);
	at = udp_local(u);
	CHECK(address_port(&at) != 0);
	CHECK(udp_new(r.loop, &at, echo, NULL, &f) == NULL);
	rig_play(&r, ask_udp, &at);
	udp_free(u);
	udp_free(NULL);
	rig_close(&r);
}

int
main(void)
{
	test_notices();
	test_supervisor();
	test_udp();
	return TEST_EXIT();
}
