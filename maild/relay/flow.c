/* SPDX-License-Identifier: MIT */
#include "maild/relay/flow.h"

#include <assert.h>

#define ONE UINT64_C(1000)

static uint64_t
bound(const struct flow *f, uint64_t window)
{
	if (window < ONE)
		return ONE;
	return window < f->most * ONE ? window : f->most * ONE;
}

void
flow_init(struct flow *f, size_t most)
{
	assert(most > 0);
	*f = (struct flow){.most = most, .until_ms = INT64_MIN};
	f->window = bound(f, FLOW_FIRST * ONE);
}

void
flow_news(struct flow *f, enum pace_news news, size_t now, int64_t mono_ms)
{
	if (mono_ms < f->until_ms)
		return; /* several connections hear the same at once */
	if (news == PACE_GOOD) {
		f->window = bound(f, f->window + ONE * ONE / f->window);
		return;
	}
	if (now > 0 && now * ONE < f->window)
		f->window = now * ONE;
	f->window = bound(f, f->window / 2);
	f->until_ms = mono_ms + FLOW_HOLD_MS;
}

size_t
flow_window(const struct flow *f)
{
	return (size_t)(f->window / ONE);
}
