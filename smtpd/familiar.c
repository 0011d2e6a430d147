/* SPDX-License-Identifier: MIT */
#include "smtpd/familiar.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/rand.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PLACES 4096
#define SHARE  8 /* entries of one place */

struct entry {
	uint64_t key;
	int64_t until_ms; /* 0: empty */
};

struct familiar {
	uint64_t seed; /* so that nobody outside knows who shares a place */
	struct entry entries[PLACES][SHARE];
};

struct familiar *
familiar_new(void)
{
	struct familiar *m = MEM_NEW(struct familiar);

	m->seed = rand_u64();
	return m;
}

void
familiar_free(struct familiar *m)
{
	free(m);
}

static size_t
place(const struct familiar *m, uint64_t key)
{
	uint64_t mixed = (key ^ m->seed) * 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
	return (size_t)(mixed >> 32) % PLACES;
}

void
familiar_note(struct familiar *m, uint64_t key, int64_t now_ms)
{
	struct entry *row = m->entries[place(m, key)], *oldest = row;

	for (struct entry *e = row; e < row + SHARE; e++) {
		if (e->until_ms > 0 && e->key == key) {
			oldest = e;
			break;
		}
		if (e->until_ms < oldest->until_ms)
			oldest = e;
	}
	*oldest = (struct entry){key, now_ms + DAY_MS};
}

bool
familiar_knows(const struct familiar *m, uint64_t key, int64_t now_ms)
{
	const struct entry *row = m->entries[place(m, key)];

	for (const struct entry *e = row; e < row + SHARE; e++)
		if (e->key == key && e->until_ms > now_ms)
			return true;
	return false;
}
