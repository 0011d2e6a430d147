/* SPDX-License-Identifier: MIT */
/*
 * net_test: what the tests of common/net share: a loop with a guard, two
 * ends of a connection, a folder for files, a thread that plays the peer.
 */
#ifndef TESTS_NET_TEST_H
#define TESTS_NET_TEST_H

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/conn.h"
#include "common/net/listen.h"
#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define GUARD_MS 120000 /* a test that waits longer has failed */

struct rig {
	struct loop *loop;
	struct timer *guard;
	struct waker *waker;
	pthread_t thread;
	void (*play)(void *arg);
	void *arg;
	const int *wait_for; /* or NULL: go on until it is not 0 */
};

static inline void
rig_too_long(void *arg)
{
	struct rig *r = arg;

	fprintf(stderr, "the test hangs\n");
	test_failures++;
	loop_stop(r->loop);
}

static inline void
rig_stop(void *arg)
{
	struct rig *r = arg;

	if (r->wait_for == NULL || *r->wait_for != 0)
		loop_stop(r->loop);
}

static inline void
rig_open(struct rig *r)
{
	*r = (struct rig){.loop = loop_new()};
	r->guard = timer_new(r->loop, rig_too_long, r);
	timer_set(r->guard, GUARD_MS);
	r->waker = waker_new(r->loop, rig_stop, r);
}

static inline void
rig_close(struct rig *r)
{
	timer_free(r->guard);
	waker_free(r->waker);
	loop_free(r->loop);
}

static inline void *
rig_thread(void *arg)
{
	struct rig *r = arg;

	r->play(r->arg);
	waker_wake(r->waker);
	return NULL;
}

/* Run the loop while play(arg) runs in a thread; stop when it is over. */
static inline void
rig_play(struct rig *r, void (*play)(void *arg), void *arg)
{
	r->play = play;
	r->arg = arg;
	pthread_create(&r->thread, NULL, rig_thread, r);
	loop_run(r->loop);
	pthread_join(r->thread, NULL);
}

/* Two connected TCP sockets over loopback. */
static inline void
tcp_pair(int fds[2])
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(door, (struct sockaddr *)&at, len) == 0);
	CHECK(listen(door, 1) == 0);
	getsockname(door, (struct sockaddr *)&at, &len);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(fds[0], (struct sockaddr *)&at, len) == 0);
	fds[1] = accept(door, NULL, NULL);
	CHECK(fds[1] >= 0);
	close(door);
}

static inline void
unix_pair(int fds[2])
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
}

/* A folder of our own; folder_close() removes it with its files. */
static inline void
folder_open(char path[64])
{
	snprintf(path, 64, "/tmp/pp-net-XXXXXX");
	CHECK(mkdtemp(path) != NULL);
}

static inline void
folder_close(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static inline const char *
in_folder(char out[128], const char *folder, const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
	return out;
}

/* The same every run: a failure can be repeated. */
static inline uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#endif
