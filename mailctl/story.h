/* SPDX-License-Identifier: MIT */
/* story: one journey (as the command `journey' tells it) for people. */
#ifndef MAILCTL_STORY_H
#define MAILCTL_STORY_H

#include <jansson.h>
#include <stdio.h>

void story_print(const json_t *journey, FILE *out);

#endif
