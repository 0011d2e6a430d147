/* SPDX-License-Identifier: MIT */
/* show: pieces of the answers of common/control, for people. */
#ifndef MAILCTL_SHOW_H
#define MAILCTL_SHOW_H

#include <jansson.h>

#include "mailctl/cli.h"

#define SHOW_SIZE_MAX 32

/* A member's text ("" if it has none) and number (0); borrowed. */
const char *show_text(const json_t *object, const char *name);
json_int_t show_number(const json_t *object, const char *name);

/* "812", "12.3K", "1.5G". */
const char *show_size(json_int_t octets, char out[SHOW_SIZE_MAX]);

/* "2026-11-22 10:00:00", "-" for null, of a member that is a time. */
const char *show_time(
    const json_t *object, const char *name, char out[SHOW_SIZE_MAX]);

/* Ask, then print "MEMBER WORDS"; the exit code. */
int show_done(
    struct cli *cli, json_t *request, const char *member, const char *words);

#endif
