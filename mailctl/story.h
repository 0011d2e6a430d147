/* SPDX-License-Identifier: MIT */
/* story: one journey (as the command `journey' tells it) for people. */
#ifndef MAILCTL_STORY_H
#define MAILCTL_STORY_H

#include <jansson.h>
#include <stdio.h>

void story_print(const json_t *journey, FILE *out);

/* The same in pieces, for hops that come one by one: day is that of the last
 * hop printed, "" at first. */
#define STORY_DAY 11
void story_print_head(const json_t *journey, FILE *out);
void story_print_hops(const json_t *journey, char day[STORY_DAY], FILE *out);

#endif
