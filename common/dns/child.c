/* SPDX-License-Identifier: MIT */
#include "common/dns/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/dns/child_server.h"
#include "common/dns/child_wire.h"
#include "common/util/mem.h"

#define SLOTS     256 /* more than a resolver asks at once */
#define SLOT_BITS 8

/* Packets of a child that somebody has broken into and that never ends. */
#define READ_AT_ONCE 64

/* A question on its way.  The id that the child sees is the slot's number and,
 * above it, how often it was used: an answer that comes too late fits none. */
struct slot {
	struct dns_asked *asked; /* borrowed; NULL: free */
	uint32_t uses;
};

struct dns_child {
	int fd;
	pid_t pid; /* the nursery; 0: none */
	struct slot slots[SLOTS];
	size_t next; /* where to look for a free slot */
	char packet[CHILD_PACKET_MAX];
};

static void
settle(struct slot *s, const struct dns_answer *a)
{
	struct dns_asked *asked = s->asked;

	s->asked = NULL;
	asked->fn(asked->arg, a);
}

/* What the child had been asked is lost. */
static void
settle_all(struct dns_child *c, const char *why)
{
	const struct dns_answer none = {.status = DNS_TEMPFAIL, .why = why};

	for (size_t i = 0; i < SLOTS; i++)
		if (c->slots[i].asked != NULL)
			settle(&c->slots[i], &none);
}

static uint32_t
id_of(const struct dns_child *c, size_t slot)
{
	return c->slots[slot].uses << SLOT_BITS | (uint32_t)slot;
}

/* Its first word. */
static int
await_ready(struct dns_child *c, struct fail *f)
{
	struct dns_record records[CHILD_RECORDS_MAX];
	struct dns_answer a;
	uint32_t id;
	ssize_t n;

	do
		n = recv(c->fd, c->packet, sizeof(c->packet), 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0 || !child_answer_read(
			  (struct str){c->packet, (size_t)n}, &id, &a, records))
		return fail(f, FAIL_TEMP, "the resolver cannot be started");
	if (a.status != DNS_OK)
		return fail(f, a.ttl_s == FAIL_PERM ? FAIL_PERM : FAIL_TEMP,
		    "%s", a.why != NULL ? a.why : "the resolver died");
	return 0;
}

/* A daemon in its sandbox cannot fork.  Without name servers it would turn away
 * all mail, and wait for ever: its supervisor does better. */
static _Noreturn void
end_without(void)
{
	fprintf(stderr, "the resolver was killed, and cannot be started again "
			"from within the sandbox: ending\n");
	abort();
}

static int
start(struct dns_child *c, const struct resolver_options *o, struct fail *f)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return fail(f, FAIL_TEMP, "socket of the resolver: %s",
		    strerror(errno));
	c->pid = fork();
	if (c->pid == 0)
		child_server_run(ends[1], o);
	err = errno;
	close(ends[1]);
	c->fd = ends[0];
	if (c->pid == -1 && err == EPERM)
		end_without();
	if (c->pid == -1) {
		c->pid = 0;
		return fail(f, FAIL_TEMP, "the resolver cannot be started: %s",
		    strerror(err));
	}
	return await_ready(c, f);
}

struct dns_child *
dns_child_new(const struct resolver_options *o, struct fail *f)
{
	struct dns_child *c = MEM_NEW(struct dns_child);

	signal(SIGPIPE, SIG_IGN);
	c->fd = -1;
	if (start(c, o, f) == 0)
		return c;
	dns_child_free(c);
	return NULL;
}

void
dns_child_free(struct dns_child *c)
{
	if (c == NULL)
		return;
	if (c->fd != -1)
		close(c->fd);
	if (c->pid != 0)
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			;
	free(c);
}

int
dns_child_fd(const struct dns_child *c)
{
	return c->fd;
}

static void
take(struct dns_child *c, struct str packet)
{
	struct dns_record records[CHILD_RECORDS_MAX];
	struct dns_answer a;
	uint32_t id;
	size_t slot;

	if (!child_answer_read(packet, &id, &a, records))
		return; /* its question will have waited in vain */
	if (id == CHILD_NEWS) {
		if (a.status != DNS_OK)
			settle_all(
			    c, a.why != NULL ? a.why : "the resolver died");
		return;
	}
	slot = id % SLOTS;
	if (c->slots[slot].asked != NULL && id_of(c, slot) == id)
		settle(&c->slots[slot], &a);
}

/* Or was that an empty packet? */
static bool
is_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1;
}

int
dns_child_read(struct dns_child *c, struct fail *f)
{
	ssize_t n;

	for (size_t i = 0; i < READ_AT_ONCE; i++) {
		n = recv(c->fd, c->packet, sizeof(c->packet), MSG_DONTWAIT);
		if (n > 0)
			take(c, (struct str){c->packet, (size_t)n});
		else if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return 0;
		else if (n == -1 || is_closed(c->fd))
			return fail(f, FAIL_TEMP, "the resolver died: %s",
			    n == 0 ? "it is gone" : strerror(errno));
	}
	return 0; /* the rest when others had their turn */
}

int
dns_child_ask(struct dns_child *c, const char *name, enum dns_type type,
    struct dns_asked *q, struct fail *f)
{
	struct child_question question = {.type = (uint16_t)type};
	struct str bytes;
	size_t tried = 0;

	while (c->slots[c->next].asked != NULL && tried++ < SLOTS)
		c->next = (c->next + 1) % SLOTS;
	if (c->slots[c->next].asked != NULL)
		return fail(f, FAIL_TEMP, "the resolver has too much to do");
	/* 24 bits, and not 0: the whole is never CHILD_NEWS */
	c->slots[c->next].uses = (c->slots[c->next].uses + 1) & 0xffffff;
	c->slots[c->next].uses += c->slots[c->next].uses == 0;
	c->slots[c->next].asked = q;
	q->id = (int)c->next;
	question.id = id_of(c, c->next);
	c->next = (c->next + 1) % SLOTS;
	snprintf(question.name, sizeof(question.name), "%s", name);
	bytes = child_question_bytes(&question);
	/* no room in the socket: it is lost, as a packet may be, and its time
	 * runs out */
	if (send(c->fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		-1 ||
	    errno == EAGAIN)
		return 0;
	return fail(f, FAIL_TEMP, "the resolver died: %s", strerror(errno));
}

void
dns_child_cancel(struct dns_child *c, const struct dns_asked *q)
{
	struct slot *s = &c->slots[q->id];

	if (s->asked == q)
		s->asked = NULL;
}
