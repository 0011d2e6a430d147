/* SPDX-License-Identifier: MIT */
/*
 * internet: the rest of the world, as a file describes it (mailctl(1) says
 * how): what DNS knows, and other people's mail servers.
 */
#ifndef MAILCTL_INTERNET_H
#define MAILCTL_INTERNET_H

#include "common/util/buf.h"
#include "common/util/fail.h"
#include "mailctl/actor_rules.h"

#define INTERNET_FILE_MAX    (4 * MB)
#define INTERNET_SERVERS_MAX 200

/* H(NAME, "word"): how DNS answers questions for a name. */
#define INTERNET_MOODS(H)                                                      \
	H(GOOD, "good")                                                        \
	H(SERVFAIL, "servfail")                                                \
	H(REFUSED, "refused")                                                  \
	H(NXDOMAIN, "nxdomain")                                                \
	H(NODATA, "nodata")                                                    \
	H(DROP, "drop") /* no answer */

enum internet_mood {
#define H(name, word) INTERNET_##name,
	INTERNET_MOODS(H)
#undef H
	INTERNET_MOODS_N
};

struct internet_record {
	char *name; /* lower case, no final dot */
	uint16_t type;
	struct buf rdata;
};

struct internet_habit {
	char *name;
	uint16_t type; /* 0: whatever is asked */
	enum internet_mood mood;
	int64_t delay_ms;
};

struct internet {
	struct internet_record *records;
	size_t n_records;
	struct internet_habit *habits;
	size_t n_habits;
	struct actor_rules *servers; /* without address: one is to be chosen */
	size_t n_servers;
};

/* NULL: *f says "FILE:LINE:COLUMN: " and what it should be. */
struct internet *internet_read(const char *path, struct fail *f);
struct internet *internet_parse(
    const char *path, struct str text, struct fail *f);
void internet_free(struct internet *i);

#endif
