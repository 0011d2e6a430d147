/* SPDX-License-Identifier: MIT */
/*
 * letter: the bodies of messages that smtp_load brings.
 *
 * Two parts with the boundary "=_load": a text of mostly common words, up to 8
 * KiB, whose first line begins with a dot, and what is left of the size as an
 * attachment in base64: like mail, and hard to squeeze.
 */
#ifndef BENCH_LETTER_H
#define BENCH_LETTER_H

#include <stdint.h>

/* One of so many octets, and its final dot: as it goes over the wire.  The same
 * seed gives the same octets.  The caller frees it. */
char *letter_compose(uint64_t size, uint64_t seed);

#endif
