/* SPDX-License-Identifier: MIT */
/*
 * smarthosts: the routes of store/smarthost.h with their secrets, in memory, as
 * sessions need them: without waiting.  Loaded at start and when told.
 */
#ifndef MAILD_RELAY_SMARTHOSTS_H
#define MAILD_RELAY_SMARTHOSTS_H

#include "common/store/smarthost.h"
#include "common/store/store.h"
#include "common/util/log.h"

struct smarthosts;

/* passwords: auth.db.  All borrowed. */
struct smarthosts *smarthosts_new(
    struct store *mail, struct store *passwords, const struct log *log);

/* Read them again: `mailctl smarthost' has changed something. */
void smarthosts_reload(struct smarthosts *s);

/* Are they known yet?  Nothing is relayed before: it could go the wrong way.
 * If they could not be read, this tries again. */
bool smarthosts_are_known(struct smarthosts *s);

/* Of this domain, or of `*', or NULL: by its MX.  Valid until the loop is
 * returned to.  password may be NULL. */
const struct smarthost *smarthosts_find(
    const struct smarthosts *s, struct str domain, const char **password);

/* After both stores are closed. */
void smarthosts_free(struct smarthosts *s);

#endif
