/* SPDX-License-Identifier: MIT */
/*
 * familiar: which addresses brought good mail within the last day.  In memory,
 * bounded: of those that share a place the oldest is forgotten.
 */
#ifndef SMTPD_FAMILIAR_H
#define SMTPD_FAMILIAR_H

#include <stdbool.h>
#include <stdint.h>

struct familiar;

struct familiar *familiar_new(void);
void familiar_free(struct familiar *m);

/* key: address_limit_key().  now_ms only grows. */
void familiar_note(struct familiar *m, uint64_t key, int64_t now_ms);
bool familiar_knows(const struct familiar *m, uint64_t key, int64_t now_ms);

#endif
