/* SPDX-License-Identifier: MIT */
#include "maild/relay/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define FAILURES_MOST 3
#define WAIT_FIRST_MS INT64_C(30000)
#define WAIT_MOST_MS  INT64_C(600000)
#define SLOTS         4096 /* a power of two */
#define KEY_MAX       18   /* an IPv6 address and a port */
#define WHY_MAX       200

enum state {
	CLOSED,
	OPEN,
	HALF
};

struct host {
	uint8_t key[KEY_MAX];
	size_t key_len;
	enum state state;
	unsigned failures; /* in a row */
	int64_t wait_ms;   /* of the last time it was OPEN */
	int64_t until_ms;  /* OPEN: nobody may; HALF: somebody tries */
	char why[WHY_MAX];
	int64_t clear_until_ms; /* until then TLS is not tried; 0: it is */
	char why_clear[WHY_MAX];
	struct host *chain;         /* of its slot */
	struct host *older, *newer; /* by when they failed last */
};

struct hosts {
	struct host *slots[SLOTS];
	struct host *oldest, *newest;
	size_t n;
};

static size_t
make_key(const struct address *a, uint8_t key[KEY_MAX])
{
	size_t n = address_ip_bytes(a, key);
	uint16_t port = address_port(a);

	key[n++] = (uint8_t)(port >> 8);
	key[n++] = (uint8_t)port;
	return n;
}

/* FNV-1a.  Who owns many addresses can make a chain long, never longer than
 * HOSTS_MAX. */
static size_t
slot_of(const uint8_t *key, size_t n)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ key[i]) * UINT64_C(1099511628211);
	return (size_t)(hash ^ (hash >> 32)) & (SLOTS - 1);
}

static struct host *
find(const struct hosts *h, const struct address *a)
{
	uint8_t key[KEY_MAX];
	size_t n = make_key(a, key);
	struct host *at = h->slots[slot_of(key, n)];

	while (at != NULL && (at->key_len != n || memcmp(at->key, key, n) != 0))
		at = at->chain;
	return at;
}

static void
unlink_age(struct hosts *h, struct host *x)
{
	if (x->older != NULL)
		x->older->newer = x->newer;
	else
		h->oldest = x->newer;
	if (x->newer != NULL)
		x->newer->older = x->older;
	else
		h->newest = x->older;
}

static void
link_newest(struct hosts *h, struct host *x)
{
	x->newer = NULL;
	x->older = h->newest;
	if (h->newest != NULL)
		h->newest->newer = x;
	else
		h->oldest = x;
	h->newest = x;
}

static void
forget(struct hosts *h, struct host *x)
{
	struct host **at = &h->slots[slot_of(x->key, x->key_len)];

	while (*at != x)
		at = &(*at)->chain;
	*at = x->chain;
	unlink_age(h, x);
	h->n--;
	free(x);
}

static struct host *
add(struct hosts *h, const struct address *a)
{
	struct host *x = MEM_NEW(struct host), **slot;

	if (h->n == HOSTS_MAX)
		forget(h, h->oldest);
	x->key_len = make_key(a, x->key);
	slot = &h->slots[slot_of(x->key, x->key_len)];
	x->chain = *slot;
	*slot = x;
	link_newest(h, x);
	h->n++;
	return x;
}

/* As one that failed just now. */
static struct host *
renew(struct hosts *h, const struct address *a)
{
	struct host *x = find(h, a);

	if (x == NULL)
		return add(h, a);
	unlink_age(h, x);
	link_newest(h, x);
	return x;
}

static void
open_for(struct host *x, int64_t wait_ms, int64_t mono_ms)
{
	x->state = OPEN;
	x->wait_ms = wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS;
	x->until_ms = mono_ms + x->wait_ms;
}

struct hosts *
hosts_new(void)
{
	return MEM_NEW(struct hosts);
}

void
hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	while (h->oldest != NULL)
		forget(h, h->oldest);
	free(h);
}

bool
hosts_may(struct hosts *h, const struct address *a, int64_t mono_ms)
{
	struct host *x = find(h, a);

	if (x == NULL || x->state == CLOSED)
		return true;
	if (mono_ms < x->until_ms)
		return false;
	x->state = HALF;
	x->until_ms = mono_ms + HOSTS_TRIAL_MS;
	return true;
}

void
hosts_failed(
    struct hosts *h, const struct address *a, int64_t mono_ms, const char *why)
{
	struct host *x = renew(h, a);

	snprintf(x->why, sizeof(x->why), "%s", why);
	switch (x->state) {
	case CLOSED:
		if (++x->failures >= FAILURES_MOST)
			open_for(x, WAIT_FIRST_MS, mono_ms);
		break;
	case HALF:
		open_for(x, 2 * x->wait_ms, mono_ms);
		break;
	case OPEN: /* begun before it was: tells nothing new */
		break;
	}
}

void
hosts_good(struct hosts *h, const struct address *a)
{
	struct host *x = find(h, a);

	if (x != NULL && x->clear_until_ms == 0) {
		forget(h, x);
	} else if (x != NULL) {
		x->state = CLOSED;
		x->failures = 0;
		x->why[0] = '\0';
	}
}

const char *
hosts_why(const struct hosts *h, const struct address *a)
{
	const struct host *x = find(h, a);

	return x != NULL ? x->why : "";
}

void
hosts_tls_broke(
    struct hosts *h, const struct address *a, int64_t mono_ms, const char *why)
{
	struct host *x = renew(h, a);

	x->clear_until_ms = mono_ms + HOSTS_CLEAR_MS;
	snprintf(x->why_clear, sizeof(x->why_clear), "%s", why);
}

const char *
hosts_why_clear(const struct hosts *h, const struct address *a, int64_t mono_ms)
{
	const struct host *x = find(h, a);

	return x != NULL && mono_ms < x->clear_until_ms ? x->why_clear : NULL;
}
