/* SPDX-License-Identifier: MIT */
/*
 * maildrop: the INBOX of an account as one POP3 session sees it.
 *
 *	maildrop_open() --> locked, read --> served --> maildrop_save()
 *
 * A snapshot: what arrives later is not in it.  The lock is exclusive among
 * POP3 sessions (RFC 1939 s4); delivery and IMAP go on beside it.  40 octets
 * a message.
 *
 * Which messages the client fetched is gathered here (FETCHED hops, once per
 * session and message) and written together with the removals, or behind
 * the session's back when much has gathered or the session just ends.
 */
#ifndef POPD_MAILDROP_H
#define POPD_MAILDROP_H

#include "common/util/fail.h"
#include "popd/popd.h"
#include "popd/proto/pop3.h"

struct maildrop;

/* Called on the loop, never from within; f is NULL when it worked. */
typedef void maildrop_done(void *arg, const struct fail *f);

/* Lock and read.  login, as the journey names the reader, and peer are
 * copied.  NULL, and done is not called: another session has it. */
struct maildrop *maildrop_open(struct popd *popd, int64_t account,
    const char *login, const char *peer, maildrop_done *done, void *arg);

/* What the engine works on; valid once done() said so. */
struct pop3_maildrop *maildrop_pop3(struct maildrop *m);
const char *maildrop_login(const struct maildrop *m);
int64_t maildrop_body(const struct maildrop *m, size_t index);

/* All of this message went to the client. */
void maildrop_fetched(struct maildrop *m, size_t index);

/* Remove what is marked deleted: all of it or, after a failure, nothing. False,
 * and done is not called: nothing is marked. */
bool maildrop_save(struct maildrop *m, maildrop_done *done, void *arg);

/* Unlock.  Not between maildrop_open() or maildrop_save() and their done(). */
void maildrop_free(struct maildrop *m);

#endif
