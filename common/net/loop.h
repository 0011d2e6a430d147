/* SPDX-License-Identifier: MIT */
/*
 * loop: one thread that waits for everything (libuv, wrapped).
 *
 * Nothing above common/net sees uv.h.  All functions are called on the
 * loop's own thread, except where a comment says "any thread".
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct waker;
struct watch;

/* From here on the process ignores SIGPIPE. */
struct loop *loop_new(void);

/* Serve until loop_stop(); then close what is left and return. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Free the loop; every timer, waker, watch, conn and listener must be gone or
 * is closed here. */
void loop_free(struct loop *l);

/* Monotonic milliseconds, cached once per round. */
int64_t loop_now_ms(const struct loop *l);

/* Call fn when the signal arrives; the handler lives as long as the loop. */
void loop_on_signal(
    struct loop *l, int signo, void (*fn)(void *arg), void *arg);

/* A timer fires once per timer_set().  timer_free(NULL) is fine. */
struct timer *timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void timer_set(struct timer *t, int64_t delay_ms);
void timer_clear(struct timer *t);
void timer_free(struct timer *t);

/* waker_wake() may be called from any thread and, while no call of fn came
 * between, many times for one call of fn on the loop. */
struct waker *waker_new(struct loop *l, void (*fn)(void *arg), void *arg);
void waker_wake(struct waker *w);
void waker_free(struct waker *w);

/* Call fn whenever fd is readable.  The fd stays the caller's. */
struct watch *watch_new(
    struct loop *l, int fd, void (*fn)(void *arg), void *arg);
void watch_free(struct watch *w);

#endif
