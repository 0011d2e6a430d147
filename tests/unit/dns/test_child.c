/* SPDX-License-Identifier: MIT */
/* A child that somebody has broken into: it sends what it likes, without end,
 * and the daemon goes on. */
#include "common/dns/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/dns/child_wire.h"
#include "tests/test.h"

/* Answered by libunbound itself, without a name server. */
#define LOCAL_NAME "x.invalid"

/* Nobody listens there. */
static const struct resolver_options options = {.forward = "127.0.0.1:9"};

static pid_t
nursery(void)
{
	char file[64];
	int pid = 0;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/self/task/%d/children", getpid());
	f = fopen(file, "r");
	CHECK(f != NULL && fscanf(f, "%d", &pid) == 1);
	if (f != NULL)
		fclose(f);
	return pid;
}

/* Its end of the socket; -1: this kernel has no pidfds, or may not. */
static int
take_end(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;

	if (pidfd == -1)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO + 1, 0);
	close(pidfd);
	return fd;
}

static bool
is_readable(const struct dns_child *c, int timeout_ms)
{
	struct pollfd p = {.fd = dns_child_fd(c), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static int
read_all(struct dns_child *c)
{
	struct fail f = {0};
	int rc = 0;

	while (rc == 0 && is_readable(c, 0))
		rc = dns_child_read(c, &f);
	return rc;
}

static void
on_answer(void *arg, const struct dns_answer *a)
{
	int *answers = arg;

	CHECK(a->status == DNS_NXDOMAIN);
	(*answers)++;
}

static void
ask(struct dns_child *c)
{
	int answers = 0;
	struct dns_asked q = {on_answer, &answers, 0};
	struct fail f = {0};

	CHECK(dns_child_ask(c, LOCAL_NAME, DNS_A, &q, &f) == 0);
	while (answers == 0 && is_readable(c, 60000))
		CHECK(dns_child_read(c, &f) == 0);
	CHECK(answers == 1);
	if (answers == 0)
		dns_child_cancel(c, &q);
}

/* As much as the socket takes is not read in one go. */
static void
flood(struct dns_child *c, int end)
{
	struct fail f = {0};
	size_t n = 0;

	while (send(end, "noise", 5, MSG_DONTWAIT) == 5)
		n++;
	CHECK(errno == EAGAIN && n > 64);
	CHECK(dns_child_read(c, &f) == 0);
	CHECK(is_readable(c, 0));
	CHECK(read_all(c) == 0);
}

int
main(void)
{
	struct fail f = {0};
	struct dns_child *c = dns_child_new(&options, &f);
	int end;

	CHECK_STR(f.text, "");
	if (c == NULL)
		return TEST_EXIT();
	ask(c);
	end = take_end(nursery());
	if (end != -1) {
		flood(c, end);
		ask(c);
		/* nothing at all is not the end */
		CHECK(send(end, "", 0, 0) == 0);
		CHECK(is_readable(c, 60000) && read_all(c) == 0);
		ask(c);
		close(end);
	} else {
		fprintf(stderr, "no pidfd_getfd here: floods are not looked "
				"at\n");
	}
	CHECK(kill(nursery(), SIGKILL) == 0);
	CHECK(is_readable(c, 60000));
	while (dns_child_read(c, &f) == 0)
		is_readable(c, 60000);
	CHECK(strstr(f.text, "the resolver died") != NULL);
	dns_child_free(c);
	return TEST_EXIT();
}
