/* SPDX-License-Identifier: MIT */
/*
 * auth: the credential authority: answers "may this user in with this
 * password?" on auth.sock, for all protocols.
 *
 *	fold name -> account -> throttle -> remembered? -> verifier -> argon2id
 *	                |                        |                        |
 *	                +--- no such account goes the same long way ------+
 *
 *	{"op":"verify","user":"...","password":"...","rip":"192.0.2.1","proto":"smtp"}
 *	{"ok":true,"login":"bob@d.test","account":7}
 *	{"ok":false,"reason":"bad|throttled|busy|disabled|error","text":"..."}
 *
 * A name without domain means the only domain there is.  With test.accept_any
 * an account is made for a name of a local domain, and one that has no
 * password takes any.
 */
#ifndef MAILD_AUTH_H
#define MAILD_AUTH_H

#include "maild/maild.h"

struct auth;

/* Listens when it returns.  maild is borrowed. */
struct auth *auth_new(struct maild *m, struct fail *f);

/* Accounts or passwords have changed: nothing remembered counts any more. */
void auth_forget(struct auth *a);

/* Questions not answered yet. */
size_t auth_pending(const struct auth *a);

/* Answer "error" to all that comes or is under way from now on. */
void auth_stop(struct auth *a);

/* Before the stores of maild are closed; nothing may be pending. */
void auth_free(struct auth *a);

#endif
