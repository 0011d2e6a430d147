/* SPDX-License-Identifier: MIT */
#include "maild/relay/slots.h"

#include <assert.h>

void
slots_init(struct slots *s, size_t most, uint64_t seed)
{
	assert(most > 0);
	*s = (struct slots){.most = most, .seed = seed};
}

/* FNV-1a, begun with the seed. */
struct slot
slots_for(const struct slots *s, struct str sender, bool tried)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ s->seed;

	for (size_t i = 0; i < sender.len; i++)
		hash = (hash ^ (unsigned char)sender.at[i]) *
		       UINT64_C(1099511628211);
	return (struct slot){
	    (uint32_t)((hash ^ (hash >> 32)) % SLOTS_SENDERS), tried};
}

bool
slots_may(const struct slots *s, struct slot slot)
{
	size_t half = s->most > 1 ? s->most / 2 : 1;

	return s->n < s->most && s->n_of[slot.sender] < half &&
	       (!slot.tried || s->n_tried < half);
}

void
slots_take(struct slots *s, struct slot slot)
{
	assert(slots_may(s, slot));
	s->n++;
	s->n_of[slot.sender]++;
	s->n_tried += slot.tried;
}

void
slots_give(struct slots *s, struct slot slot)
{
	assert(s->n > 0 && s->n_of[slot.sender] > 0);
	s->n--;
	s->n_of[slot.sender]--;
	s->n_tried -= slot.tried;
}
