/* SPDX-License-Identifier: MIT */
/*
 * passphrase: a password from the terminal without echo, or, when standard
 * input is no terminal, its first line.  Never from the command line, where
 * every user of the machine could read it.
 */
#ifndef MAILCTL_PASSPHRASE_H
#define MAILCTL_PASSPHRASE_H

#include <jansson.h>

#include "common/util/buf.h"
#include "common/util/fail.h"

#define PASSPHRASE_MAX 1000

/* Ask with `prompt', a second time too (terminal only) when it is to be set.
 * out is to be wiped with passphrase_release(). */
int passphrase_read(
    const char *prompt, bool twice, struct buf *out, struct fail *f);
void passphrase_release(struct buf *b);

/* Ask for one that is to be set, and put it into a request as "password".
 * CLI_OK, or the exit code (said already); the request is the caller's. */
int passphrase_into(json_t *request, const char *prompt);

#endif
