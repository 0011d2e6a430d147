/* SPDX-License-Identifier: MIT */
#include "tests/fault/faulty.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static const struct op {
	const char *name;
	unsigned can;
} ops[] = {
#define O(name, text, can) {text, can},
    FAULTY_OPS(O)
#undef O
};

static const struct mode {
	const char *name;
	unsigned whom;
	bool ever;
} modes[] = {
#define M(name, text, whom, ever) [FAULTY_##name] = {text, whom, ever},
    FAULTY_MODES(M)
#undef M
};

static const enum faulty_fate fates[] = {
    [FAULTY_ONCE] = FAULTY_ERROR,
    [FAULTY_EVER] = FAULTY_ERROR,
    [FAULTY_FULL_ONCE] = FAULTY_NO_ROOM,
    [FAULTY_FULL] = FAULTY_NO_ROOM,
    [FAULTY_SHORT] = FAULTY_HALF,
    [FAULTY_WRITES] = FAULTY_ERROR,
    [FAULTY_INTERRUPT] = FAULTY_INTERRUPTED,
    [FAULTY_PART] = FAULTY_LESS,
    [FAULTY_KILL] = FAULTY_ERROR,
};

static struct {
	atomic_bool armed;
	atomic_int seen, at, struck;
	enum faulty_mode mode;
	atomic_ulong met[FAULTY_OPS_N], now[FAULTY_OPS_N]; /* since armed */
} faulty;

static _Thread_local int depth;

void
faulty_arm(int n, enum faulty_mode mode)
{
	atomic_store(&faulty.armed, false);
	faulty.mode = mode;
	for (int op = 0; op < FAULTY_OPS_N; op++)
		atomic_store(&faulty.now[op], 0);
	atomic_store(&faulty.at, n);
	atomic_store(&faulty.seen, 0);
	atomic_store(&faulty.struck, -1);
	atomic_store(&faulty.armed, true);
}

int
faulty_heal(void)
{
	atomic_store(&faulty.armed, false);
	return atomic_load(&faulty.seen);
}

int
faulty_points(enum faulty_mode mode)
{
	unsigned long n = 0;

	for (int op = 0; op < FAULTY_OPS_N; op++)
		if ((ops[op].can & modes[mode].whom) != 0)
			n += atomic_load(&faulty.now[op]);
	return (int)n;
}

enum faulty_fate
faulty_meet(enum faulty_op op)
{
	const struct mode *mode = &modes[faulty.mode];
	int n, none = -1;

	if (!atomic_load(&faulty.armed))
		return FAULTY_FINE;
	atomic_fetch_add(&faulty.met[op], 1);
	atomic_fetch_add(&faulty.now[op], 1);
	if ((ops[op].can & mode->whom) == 0)
		return FAULTY_FINE;
	n = atomic_fetch_add(&faulty.seen, 1) + 1;
	if (n < atomic_load(&faulty.at) ||
	    (!mode->ever && n > atomic_load(&faulty.at)))
		return FAULTY_FINE;
	if (faulty.mode == FAULTY_KILL)
		kill(getpid(), SIGKILL);
	atomic_compare_exchange_strong(&faulty.struck, &none, (int)op);
	return fates[faulty.mode];
}

const char *
faulty_struck(void)
{
	int op = atomic_load(&faulty.struck);

	return op >= 0 ? ops[op].name : NULL;
}

const char *
faulty_op_name(enum faulty_op op)
{
	return ops[op].name;
}

const char *
faulty_mode_name(enum faulty_mode mode)
{
	return modes[mode].name;
}

unsigned long
faulty_met(enum faulty_op op)
{
	return atomic_load(&faulty.met[op]);
}

void
faulty_enter(void)
{
	depth++;
}

void
faulty_leave(void)
{
	depth--;
}

bool
faulty_is_inside(void)
{
	return depth > 0;
}
