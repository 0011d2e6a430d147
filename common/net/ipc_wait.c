/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/ipc.h"
#include "common/util/clock.h"

#define PIECE (16 * KB)

/* Until fd is ready for events or the time is over. */
static int
wait_for(int fd, short events, int64_t until_ms, struct fail *f)
{
	for (;;) {
		int64_t left = until_ms - clock_mono_ms(&clock_system);
		struct pollfd p = {fd, events, 0};
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0 && left <= 0)
			return fail(f, FAIL_TEMP, "no answer in time");
		if (n == -1 && errno != EINTR)
			return fail(f, FAIL_TEMP, "poll: %s", strerror(errno));
	}
}

static int
say(int fd, struct str text, int64_t until_ms, struct fail *f)
{
	while (text.len > 0) {
		ssize_t n = send(fd, text.at, text.len, MSG_NOSIGNAL);

		if (n >= 0)
			text = str_after(text, (size_t)n);
		else if (errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, until_ms, f) == -1)
				return -1;
		} else if (errno != EINTR)
			return fail(f, FAIL_TEMP, "the other side closed: %s",
			    strerror(errno));
	}
	return 0;
}

/* A whole line into reply, without its newline. */
static int
hear(int fd, struct buf *reply, int64_t until_ms, struct fail *f)
{
	for (;;) {
		char piece[PIECE];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		size_t at;

		if (n > 0) {
			struct str got = {piece, (size_t)n};
			bool whole = str_find(got, '\n', &at);

			buf_add(reply, whole ? str_first(got, at) : got);
			if (reply->overrun || reply->len > IPC_MAX)
				return fail(
				    f, FAIL_TEMP, "the answer is too long");
			if (whole)
				return 0;
		} else if (n == 0) {
			return fail(f, FAIL_TEMP, "the other side closed");
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLIN, until_ms, f) == -1)
				return -1;
		} else if (errno != EINTR) {
			return fail(f, FAIL_TEMP, "the other side closed: %s",
			    strerror(errno));
		}
	}
}

int
ipc_ask_wait(const char *path, struct str line, int64_t timeout_ms,
    struct buf *reply, struct fail *f)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + timeout_ms;
	struct address server;
	int rc = -1;
	int fd;

	assert(line.len <= IPC_MAX);
	assert(line.len == 0 || memchr(line.at, '\n', line.len) == NULL);
	if (!address_from_path(path, &server))
		return fail(f, FAIL_PERM,
		    "%s: too long for the path of a Unix socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return fail(f, FAIL_TEMP, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&server.sa,
		address_len(&server)) == -1) {
		fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (say(fd, line, until_ms, f) == 0 &&
	    say(fd, STR("\n"), until_ms, f) == 0)
		rc = hear(fd, reply, until_ms, f);
out:
	close(fd);
	return rc;
}
