/* SPDX-License-Identifier: MIT */
/* sandbox_build: what a build with sanitizers or coverage may do besides. */
#ifndef NET_SANDBOX_BUILD_H
#define NET_SANDBOX_BUILD_H

#include <stddef.h>

#include "common/net/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* ThreadSanitizer has a thread of its own from the beginning. */
#if defined(__SANITIZE_THREAD__)
#define SANDBOX_THREADS_BEFORE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANDBOX_THREADS_BEFORE 1
#endif
#endif
#ifndef SANDBOX_THREADS_BEFORE
#define SANDBOX_THREADS_BEFORE 0
#endif

extern const struct sandbox_path sandbox_build_paths[];
extern const size_t sandbox_n_build_paths;

#endif
