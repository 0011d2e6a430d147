/* SPDX-License-Identifier: MIT */
#include "common/net/loop.h"

#include <signal.h>

#include "tests/unit/net/net_test.h"

struct counts {
	struct rig rig;
	struct timer *timer;
	struct waker *waker;
	struct watch *watch;
	int fds[2];
	int fired, woken, seen, signals;
	int64_t began;
};

static void
on_timer(void *arg)
{
	struct counts *c = arg;

	c->fired++;
	CHECK(loop_now_ms(c->rig.loop) - c->began >= 20);
	if (c->fired < 3)
		timer_set(c->timer, 20);
	else
		loop_stop(c->rig.loop);
}

static void
never(void *arg)
{
	(void)arg;
	CHECK(!"called");
}

static void
test_timer(void)
{
	struct counts c = {0};
	struct timer *cleared;

	rig_open(&c.rig);
	c.timer = timer_new(c.rig.loop, on_timer, &c);
	cleared = timer_new(c.rig.loop, never, &c);
	timer_set(cleared, 1);
	timer_clear(cleared);
	timer_set(c.timer, 100000);
	timer_set(c.timer, 20); /* the later call counts */
	c.began = loop_now_ms(c.rig.loop);
	loop_run(c.rig.loop);
	CHECK(c.fired == 3);
	/* a loop may run again */
	c.fired = 2;
	timer_set(c.timer, 20);
	loop_run(c.rig.loop);
	CHECK(c.fired == 3);
	timer_free(cleared);
	timer_free(c.timer);
	timer_free(NULL);
	rig_close(&c.rig);
}

static void
on_wake(void *arg)
{
	struct counts *c = arg;

	c->woken++;
}

static void
wake_often(void *arg)
{
	struct counts *c = arg;

	for (int i = 0; i < 10000; i++)
		waker_wake(c->waker);
	usleep(50000);
}

static void
test_waker(void)
{
	struct counts c = {0};

	rig_open(&c.rig);
	c.waker = waker_new(c.rig.loop, on_wake, &c);
	rig_play(&c.rig, wake_often, &c);
	CHECK(c.woken >= 1 && c.woken <= 10000);
	waker_free(c.waker);
	rig_close(&c.rig);
}

static void
on_readable(void *arg)
{
	struct counts *c = arg;
	char byte;

	CHECK(read(c->fds[0], &byte, 1) == 1);
	c->seen++;
	if (byte == 'q') {
		watch_free(c->watch);
		loop_stop(c->rig.loop);
	}
}

static void
test_watch(void)
{
	struct counts c = {0};

	rig_open(&c.rig);
	CHECK(pipe(c.fds) == 0);
	c.watch = watch_new(c.rig.loop, c.fds[0], on_readable, &c);
	CHECK(write(c.fds[1], "abq", 3) == 3);
	loop_run(c.rig.loop);
	CHECK(c.seen == 3);
	rig_close(&c.rig);
	CHECK(write(c.fds[1], "x", 1) == 1); /* still ours */
	close(c.fds[0]);
	close(c.fds[1]);
}

static void
on_signal(void *arg)
{
	struct counts *c = arg;

	c->signals++;
	loop_stop(c->rig.loop);
}

static void
test_signal(void)
{
	struct counts c = {0};

	rig_open(&c.rig);
	loop_on_signal(c.rig.loop, SIGHUP, on_signal, &c);
	kill(getpid(), SIGHUP);
	loop_run(c.rig.loop);
	CHECK(c.signals == 1);
	rig_close(&c.rig);
}

/* A log that nobody reads any more must not end a server. */
static void
test_broken_pipe(void)
{
	struct loop *l = loop_new();
	int fds[2];

	CHECK(pipe(fds) == 0);
	close(fds[0]);
	CHECK(write(fds[1], "x", 1) == -1);
	close(fds[1]);
	loop_free(l);
}

/* What nobody closed is closed with the loop: the leak checker watches. */
static void
test_left(void)
{
	struct loop *l = loop_new();
	int fds[2];

	CHECK(pipe(fds) == 0);
	timer_set(timer_new(l, never, NULL), 100000);
	waker_new(l, never, NULL);
	watch_new(l, fds[0], never, NULL);
	loop_on_signal(l, SIGHUP, never, NULL);
	loop_stop(l);
	loop_run(l); /* stopped before it began: returns at once */
	loop_free(l);
	loop_free(NULL);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	test_timer();
	test_waker();
	test_watch();
	test_signal();
	test_broken_pipe();
	test_left();
	return TEST_EXIT();
}
