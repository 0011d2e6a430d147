/* SPDX-License-Identifier: MIT */
/*
 * What somebody who may speak to us writes on the socket of ipc.h, in two
 * pieces: each whole line is a request, once, in order and as it was written,
 * and is answered by one line; what has no end is none.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
	struct loop *loop;
	struct log log;
	struct watch *watch;
	struct timer *timer;
	struct ipc_server *server;
	struct buf served, answered;
	struct str rest; /* not yet written */
	int fd;
};

static void
serve(void *arg, struct ipc_request *r, struct str line)
{
	struct talk *t = arg;

	buf_add(&t->served, line);
	buf_add_char(&t->served, '\n');
	ipc_reply(r, line);
}

/* The server has said something, or hung up. */
static void
on_answer(void *arg)
{
	struct talk *t = arg;
	char octets[4096];
	ssize_t n = read(t->fd, octets, sizeof(octets));

	if (n > 0) {
		buf_add(&t->answered, (struct str){octets, (size_t)n});
		return;
	}
	watch_free(t->watch);
	timer_free(t->timer);
	ipc_server_free(t->server);
	loop_stop(t->loop);
}

static void
on_timer(void *arg)
{
	struct talk *t = arg;
	ssize_t n = write(t->fd, t->rest.at, t->rest.len);

	assert(n == (ssize_t)t->rest.len);
	shutdown(t->fd, SHUT_WR);
}

/* The lines that are whole. */
static struct str
whole_lines(struct str s)
{
	size_t at;

	return str_find_last(s, '\n', &at) ? str_first(s, at + 1)
	                                   : str_first(s, 0);
}

static int
connect_to(const char *path)
{
	struct address a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	assert(fd != -1 && address_from_path(path, &a));
	rc = connect(fd, (struct sockaddr *)&a.sa, address_len(&a));
	assert(rc == 0);
	return fd;
}

static void
talk(struct str in, size_t first, const char *path)
{
	struct talk t = {.loop = loop_new(), .log = log_to_stderr("fuzz")};
	struct fail f;
	ssize_t n;

	t.log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	buf_init(&t.served, 1 * MB);
	buf_init(&t.answered, 1 * MB);
	t.server = ipc_server_new(t.loop, path, serve, &t, &t.log, &f);
	assert(t.server != NULL);
	t.fd = connect_to(path);
	n = write(t.fd, in.at, str_first(in, first).len);
	assert(n == (ssize_t)str_first(in, first).len);
	t.rest = str_after(in, first);
	t.watch = watch_new(t.loop, t.fd, on_answer, &t);
	t.timer = timer_new(t.loop, on_timer, &t);
	timer_set(t.timer, 0);
	loop_run(t.loop);
	assert(str_eq(buf_str(&t.served), whole_lines(in)));
	assert(str_eq(buf_str(&t.answered), whole_lines(in)));
	loop_free(t.loop);
	close(t.fd);
	close(t.log.fd);
	buf_release(&t.served);
	buf_release(&t.answered);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data + 1, size - 1};
	char folder[] = "/tmp/pennypost-fuzz-XXXXXX", path[64];

	/* what the socket's buffers hold: nobody waits here */
	if (size == 0 || size > 16 * KB)
		return 0;
	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/s", folder);
	talk(in, data[0], path);
	unlink(path);
	rmdir(folder);
	return 0;
}
