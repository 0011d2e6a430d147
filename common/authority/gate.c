/* SPDX-License-Identifier: MIT */
#include "common/authority/gate.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/util/mem.h"
#include "common/util/rand.h"

/* A bucket that is known by when it is full again. */
struct bucket {
	int64_t full_at;
};

/* What is known of an address or of a network.  Times are 0 for never. */
struct place {
	uint64_t key;
	int64_t good_until, bad_until, shut_until;
	int64_t throttled_at; /* the last time */
	unsigned throttled;   /* so often, each within GATE_SHUT_MS */
	struct bucket strangers;
	bool was_good; /* says in which list it is */
	UT_hash_handle hh;
};

/* uthash keeps the order of insertion: what is learnt of is moved to the end,
 * so that the first is the one to go.  The good ones are kept apart, so that
 * no number of others makes them go. */
struct places {
	struct place *good, *others;
};

struct gate {
	const struct log *log; /* borrowed */
	uint64_t salt;         /* nobody outside can choose keys that meet */
	struct places addresses, networks;
	int64_t siege_until;
	int64_t busy_at; /* the last time the authority said so */
	struct bucket bad, others;
};

struct gate *
gate_new(const struct log *log)
{
	struct gate *g = MEM_NEW(struct gate);

	g->log = log;
	rand_bytes(&g->salt, sizeof(g->salt));
	return g;
}

static void
drop(struct place **list, struct place *p)
{
	HASH_DEL(*list, p);
	free(p);
}

static void
drop_all(struct places *places)
{
	while (places->good != NULL)
		drop(&places->good, places->good);
	while (places->others != NULL)
		drop(&places->others, places->others);
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	drop_all(&g->addresses);
	drop_all(&g->networks);
	free(g);
}

/* Keys of IPv4 are below 2^32, those of IPv6 the upper half of an address. */
static uint64_t
network_key(uint64_t address_key)
{
	return address_key <= UINT32_MAX ? address_key >> 8 : address_key >> 16;
}

/* The finalizer of MurmurHash3, salted. */
static unsigned
hash(const struct gate *g, uint64_t key)
{
	key ^= g->salt;
	key = (key ^ key >> 33) * 0xff51afd7ed558ccdU;
	key = (key ^ key >> 33) * 0xc4ceb9fe1a85ec53U;
	return (unsigned)(key ^ key >> 33);
}

static struct place *
find(const struct gate *g, const struct places *places, uint64_t key)
{
	unsigned at = hash(g, key);
	struct place *p;

	HASH_FIND_BYHASHVALUE(hh, places->good, &key, sizeof(key), at, p);
	if (p == NULL)
		HASH_FIND_BYHASHVALUE(
		    hh, places->others, &key, sizeof(key), at, p);
	return p;
}

/* Take it out of its list, or make it. */
static struct place *
lift(const struct gate *g, struct places *places, uint64_t key)
{
	struct place *p = find(g, places, key);

	if (p == NULL) {
		p = MEM_NEW(struct place);
		p->key = key;
	} else if (p->was_good) {
		HASH_DEL(places->good, p);
	} else {
		HASH_DEL(places->others, p);
	}
	return p;
}

/* The newest of its list, which may be full. */
static void
put(const struct gate *g, struct place **list, struct place *p)
{
	if (HASH_COUNT(*list) >= GATE_KEYS)
		drop(list, *list);
	HASH_ADD_BYHASHVALUE(
	    hh, *list, key, sizeof(p->key), hash(g, p->key), p);
}

/* Somebody was let in from there. */
static void
set_good(
    const struct gate *g, struct places *places, uint64_t key, int64_t now_ms)
{
	struct place *p = lift(g, places, key);

	p->good_until = now_ms + GATE_GOOD_MS;
	p->was_good = true;
	put(g, &places->good, p);
}

/* The newest of its list from now on; once good, it is no other before it is
 * long enough ago. */
static struct place *
renew(const struct gate *g, struct places *places, uint64_t key, int64_t now_ms)
{
	struct place *p = lift(g, places, key);

	p->was_good = p->good_until > now_ms;
	put(g, p->was_good ? &places->good : &places->others, p);
	return p;
}

/* One more, at rate a second. */
static bool
take(struct bucket *b, int64_t rate, int64_t now_ms)
{
	int64_t each_ms = 1000 / rate;
	int64_t full_at = (b->full_at > now_ms ? b->full_at : now_ms) + each_ms;

	if (full_at > now_ms + GATE_BURST * 1000)
		return false;
	b->full_at = full_at;
	return true;
}

static bool
is_bad(const struct place *network, int64_t now_ms)
{
	return network != NULL && network->bad_until > now_ms &&
	       network->good_until <= now_ms;
}

/* A stranger in a siege.  The network is asked first, so that one of them does
 * not empty the bucket of all; it is not remembered for knocking only. */
static bool
take_stranger(struct gate *g, uint64_t key, int64_t now_ms)
{
	struct place *network = find(g, &g->networks, network_key(key));
	bool good = network != NULL && network->good_until > now_ms;
	bool bad = is_bad(network, now_ms);
	struct bucket fresh = {0};

	if (!take(network != NULL ? &network->strangers : &fresh,
		good ? GATE_GOOD_RATE : GATE_NETWORK_RATE, now_ms) ||
	    !take(bad ? &g->bad : &g->others, bad ? GATE_BAD_RATE : GATE_RATE,
		now_ms))
		return false;
	if (network == NULL)
		renew(g, &g->networks, network_key(key), now_ms)
		    ->strangers = fresh;
	return true;
}

/* Who is kept out is a sign of it, but for that alone it does not go on for
 * ever. */
static void
prolong_siege(struct gate *g, int64_t now_ms)
{
	int64_t most = g->busy_at + GATE_SIEGE_MOST_MS;

	g->siege_until = now_ms + GATE_SIEGE_MS;
	if (g->siege_until > most)
		g->siege_until = most;
}

bool
gate_admits(struct gate *g, const struct address *peer, int64_t now_ms)
{
	uint64_t key = address_limit_key(peer);
	const struct place *address = find(g, &g->addresses, key);

	if (address != NULL && address->good_until > now_ms)
		return true;
	if (address != NULL && address->shut_until > now_ms)
		return false;
	if (g->siege_until <= now_ms || take_stranger(g, key, now_ms))
		return true;
	prolong_siege(g, now_ms);
	return false;
}

/* Nobody was ever let in from there, and too many have failed. */
static void
note_throttled(
    struct gate *g, struct place *address, const char *ip, int64_t now_ms)
{
	if (address->throttled_at + GATE_SHUT_MS <= now_ms)
		address->throttled = 0;
	address->throttled_at = now_ms;
	if (++address->throttled < GATE_SHUT_AFTER)
		return;
	if (address->shut_until <= now_ms)
		log_warn(g->log, "auth shut rip=%s for_s=%d", ip,
		    GATE_SHUT_MS / 1000);
	/* the first after that is enough to shut it again */
	address->throttled = GATE_SHUT_AFTER - 1;
	address->throttled_at = now_ms + GATE_SHUT_MS;
	address->shut_until = now_ms + GATE_SHUT_MS;
}

static void
note_siege(struct gate *g, int64_t now_ms)
{
	if (g->siege_until <= now_ms)
		log_warn(g->log, "auth siege: more logins than can be checked, "
				 "strangers come in one by one");
	g->busy_at = now_ms;
	g->siege_until = now_ms + GATE_SIEGE_MS;
}

void
gate_learn(struct gate *g, const char *ip, const struct login_answer *a,
    int64_t now_ms)
{
	struct address peer;
	uint64_t key;

	if (strcmp(a->reason, "busy") == 0)
		note_siege(g, now_ms);
	if (!address_from_ip(str_of(ip), 0, &peer))
		return;
	key = address_limit_key(&peer);
	if (a->result == LOGIN_GOOD) {
		set_good(g, &g->addresses, key, now_ms);
		set_good(g, &g->networks, network_key(key), now_ms);
	} else if (a->result == LOGIN_WRONG || a->shut) {
		renew(g, &g->networks, network_key(key), now_ms)
		    ->bad_until = now_ms + GATE_BAD_MS;
		if (a->shut)
			note_throttled(g, renew(g, &g->addresses, key, now_ms),
			    ip, now_ms);
	}
}
