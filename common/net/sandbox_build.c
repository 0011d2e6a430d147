/* SPDX-License-Identifier: MIT */
/* What builds of tests need besides: sanitizers start a thread that traces the
 * others to look for leaks, and read /proc and programs to tell where they are.
 * No release has any of it. */
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "common/net/sandbox.h"
#include "common/net/sandbox_build.h"
#include "common/net/sandbox_calls.h"

#if SANDBOX_SANITIZED || defined(PP_COVERAGE_DIR)

/* The tracer is a thread in all but name. */
#define TRACER (CLONE_VM | CLONE_UNTRACED)

#define CALL(name, ...)                                                        \
	{                                                                      \
		SCMP_SYS(name), SANDBOX_ALWAYS,                                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define ANY                                                                    \
	{                                                                      \
		0, 0, 0                                                        \
	}
#define IS(which, v)                                                           \
	{                                                                      \
		which, 0xffffffff, v                                           \
	}

const struct sandbox_call sandbox_build_calls[] = {
    CALL(clone, {1, TRACER | CLONE_THREAD, TRACER}),
    CALL(ptrace, ANY),
    CALL(getdents, ANY),
    CALL(wait4, ANY),
    CALL(sched_setaffinity, ANY),
    CALL(mincore, ANY),
    CALL(pipe, ANY),
    CALL(fcntl, IS(2, F_SETLKW)),
    CALL(fcntl, IS(2, F_DUPFD)),
    CALL(prctl, IS(1, PR_SET_DUMPABLE)),
    CALL(prctl, IS(1, PR_SET_PDEATHSIG)),
    CALL(prctl, IS(1, PR_SET_PTRACER)),
    CALL(prctl, IS(1, PR_SET_VMA)),
};

const size_t sandbox_n_build_calls = sizeof(sandbox_build_calls) /
                                     sizeof(sandbox_build_calls[0]);

const struct sandbox_path sandbox_build_paths[] = {
    {"/proc",          SANDBOX_READ | SANDBOX_LIST,              false},
    {"/usr",           SANDBOX_READ,			     false},
    {"/lib",           SANDBOX_READ,			     false},
    {"/proc/self/exe", SANDBOX_READ,                             false},
#ifdef PP_COVERAGE_DIR
    {PP_COVERAGE_DIR,
     SANDBOX_READ | SANDBOX_LIST | SANDBOX_WRITE | SANDBOX_MAKE, false},
#endif
};

const size_t sandbox_n_build_paths = sizeof(sandbox_build_paths) /
                                     sizeof(sandbox_build_paths[0]);

#else

const struct sandbox_call sandbox_build_calls[1];
const size_t sandbox_n_build_calls = 0;
const struct sandbox_path sandbox_build_paths[1];
const size_t sandbox_n_build_paths = 0;

#endif
