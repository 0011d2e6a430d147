/* SPDX-License-Identifier: MIT */
#include "mailctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/util/buf.h"
#include "common/util/clock.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "mailctl/table.h"

#define EVERY_MS  200
#define BAR       20
#define NAME_MOST 24 /* octets of what is shown of a name */

void
progress_start(struct progress *p, bool wanted, uint64_t total)
{
	*p = (struct progress){.shown = wanted && isatty(STDERR_FILENO) == 1,
	    .total = total,
	    .started_ms = clock_mono_ms(&clock_system)};
}

int64_t
progress_elapsed_ms(const struct progress *p)
{
	int64_t ms = clock_mono_ms(&clock_system) - p->started_ms;

	return ms > 0 ? ms : 1;
}

static void
add_bar(
    const struct progress *p, uint64_t octets, double speed, struct buf *line)
{
	uint64_t left = p->total > octets ? p->total - octets : 0;
	unsigned percent = (unsigned)((double)(p->total - left) * 100 /
				      (double)p->total);
	unsigned full = percent * BAR / 100;

	buf_addf(line, "[%.*s%*s] %3u %%", (int)full,
	    "====================", (int)(BAR - full), "", percent);
	if (speed > 0) {
		uint64_t s = (uint64_t)((double)left / speed);

		buf_addf(line, "  %" PRIu64 ":%02u:%02u left", s / 3600,
		    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	}
}

void
progress_tell(
    struct progress *p, const char *what, uint64_t messages, uint64_t octets)
{
	int64_t ms = progress_elapsed_ms(p);
	double speed;
	struct buf line;

	if (!p->shown || (p->dirty && ms - p->told_ms < EVERY_MS))
		return;
	p->told_ms = ms;
	p->dirty = true;
	speed = (double)(octets > p->skipped ? octets - p->skipped : 0) * 1000 /
	        (double)ms;
	buf_init(&line, 1 * KB);
	if (p->total > 0)
		add_bar(p, octets, speed, &line);
	if (messages != PROGRESS_UNCOUNTED)
		buf_addf(&line, "  %" PRIu64 " messages", messages);
	buf_addf(&line, "  %.1f MB/s  ", speed / 1e6);
	fputs("\r\033[K", stderr);
	fwrite(line.data, 1, line.len, stderr);
	table_print_text(stderr, utf8_first(str_of(what), NAME_MOST));
	fflush(stderr);
	buf_release(&line);
}

void
progress_clear(struct progress *p)
{
	if (p->dirty)
		fputs("\r\033[K", stderr);
	p->dirty = false;
}
