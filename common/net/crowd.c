/* SPDX-License-Identifier: MIT */
#include "common/net/crowd.h"

#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

void
crowd_init(struct crowd *c, const struct crowd_limits *limits,
    void (*empty)(void *arg), void *arg)
{
	*c = (struct crowd){.limits = *limits, .empty = empty, .arg = arg};
}

void
crowd_release(struct crowd *c)
{
	assert(c->n == 0);
	tally_release(&c->addresses);
	tally_release(&c->accounts);
}

bool
crowd_enter_unnamed(struct crowd *c, struct crowd_member *m)
{
	assert(m->manners != NULL && m->crowd == NULL);
	if (c->stopping || c->n >= c->limits.all)
		return false;
	m->crowd = c;
	m->unnamed = true;
	m->older = c->newest;
	if (m->older != NULL)
		m->older->newer = m;
	c->newest = m;
	c->n++;
	return true;
}

bool
crowd_name(struct crowd_member *m, const struct address *peer)
{
	uint64_t key = address_limit_key(peer);
	struct crowd *c = m->crowd;

	assert(m->unnamed);
	if (tally_count(&c->addresses, key) >= c->limits.of_address)
		return false;
	m->unnamed = false;
	m->address = key;
	tally_add(&c->addresses, key);
	return true;
}

static void
uncount(struct crowd_member *m)
{
	struct crowd *c = m->crowd;

	if (m->admitted)
		tally_drop(&c->accounts, m->account);
	else if (!m->unnamed)
		tally_drop(&c->addresses, m->address);
}

bool
crowd_admit(struct crowd_member *m, int64_t account)
{
	struct crowd *c = m->crowd;

	if (tally_count(&c->accounts, (uint64_t)account) >=
	    c->limits.of_account)
		return false;
	uncount(m);
	m->unnamed = false;
	m->admitted = true;
	m->account = (uint64_t)account;
	tally_add(&c->accounts, m->account);
	return true;
}

void
crowd_leave(struct crowd_member *m)
{
	struct crowd *c = m->crowd;

	assert(c != NULL && c->n > 0);
	if (m->newer != NULL)
		m->newer->older = m->older;
	else
		c->newest = m->older;
	if (m->older != NULL)
		m->older->newer = m->newer;
	uncount(m);
	m->crowd = NULL;
	c->n--;
	if (c->stopping && c->n == 0)
		c->empty(c->arg);
}

bool
crowd_enter(struct crowd *c, struct crowd_member *m, const struct address *peer)
{
	if (!crowd_enter_unnamed(c, m))
		return false;
	if (crowd_name(m, peer))
		return true;
	crowd_leave(m);
	return false;
}

void
crowd_stop(struct crowd *c)
{
	struct crowd_member *older;

	assert(!c->stopping);
	c->stopping = true;
	if (c->n == 0)
		c->empty(c->arg);
	for (struct crowd_member *m = c->newest; m != NULL; m = older) {
		older = m->older;
		m->manners->goodbye(m);
	}
}

void
crowd_abort(struct crowd *c)
{
	struct crowd_member *older;

	for (struct crowd_member *m = c->newest; m != NULL; m = older) {
		older = m->older;
		m->manners->abort(m);
	}
}

void
crowd_turn_away(int fd, struct str says)
{
	if (says.len > 0)
		send(fd, says.at, says.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}
