/* SPDX-License-Identifier: MIT */
/* internet_reply: what a server of the file answers, member by member. */
#ifndef MAILCTL_INTERNET_REPLY_H
#define MAILCTL_INTERNET_REPLY_H

#include <jansson.h>

#include "mailctl/actor_rules.h"

/* Read {"VERB": value}: one reply, or a list of them.  -1: why says what is
 * wrong, *at which element of the list is (SIZE_MAX: it is the verb). */
int internet_reply_read(const char *verb, const json_t *value,
    struct actor_rules *s, size_t *at, char *why, size_t room);

#endif
