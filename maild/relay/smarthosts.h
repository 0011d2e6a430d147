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

/* May we log in with this row (its own domain, or `*')?  False after a refusal,
 * for five minutes, and twice as long after each that follows, or until they
 * are read again; why says what it was.  True by then for one who tries. */
bool smarthosts_may_log_in(
    struct smarthosts *s, struct str row, int64_t lapse_ms, const char **why);

/* What became of it: refused with these words, or NULL: taken. */
void smarthosts_login(struct smarthosts *s, struct str row, int64_t lapse_ms,
    const struct str *refusal);

/* How many sessions there are with one server, whatever the row. */
struct smarthost_door;
struct smarthost_door *smarthosts_enter(
    struct smarthosts *s, const struct smarthost *row);
void smarthosts_leave(struct smarthosts *s, struct smarthost_door *d);
size_t smarthosts_inside(const struct smarthost_door *d);

/* The one that mail for this domain goes to; NULL: by its MX, or nobody is
 * inside.  Valid until the loop is returned to. */
const struct smarthost_door *smarthosts_door(
    const struct smarthosts *s, struct str domain);

/* Begin nothing more: before the stores are closed. */
void smarthosts_stop(struct smarthosts *s);

/* After both stores are closed. */
void smarthosts_free(struct smarthosts *s);

#endif
