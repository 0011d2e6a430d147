/* SPDX-License-Identifier: MIT */
/*
 * auth: the credential authority, on auth.sock, for all protocols: "may this
 *user in with this?", and the signatures of those who may not see the keys.
 *
 *	fold name -> account -> throttle -> remembered? -> verifier -> argon2id
 *	                |                        |             |          |
 *	                |                        |       app password     |
 *	                +--- no such account goes the same long way ------+
 *
 *	{"op":"verify","user":"...","password":"...","rip":"192.0.2.1","proto":"smtp"}
 *	{"ok":true,"login":"bob@d.test","account":7}
 *	{"ok":false,"reason":"bad|throttled|busy|disabled|error","text":"..."}
 *	... "shut":true	throttled, and nobody was ever let in from there
 *
 * The password is the account's own, or an app password made for proto.
 * A name without domain means the only domain there is.  With test.accept_any
 * an account is made for a name of a local domain, and one that has no
 * password takes any.
 *
 * SCRAM (RFC 5802), its messages in base64; offered: -PLUS could be had; plus:
 * it was chosen; binding: octets of tls-exporter in base64 then, else empty:
 *
 *	{"op":"scram-first","message":"...","plus":false,"offered":true,
 *	    "rip":"192.0.2.1","proto":"smtp"}
 *	{"ok":true,"session":"...","message":"..."}
 *	{"op":"scram-final","session":"...","message":"...","binding":"",
 *	    "rip":"192.0.2.1","proto":"smtp"}
 *	{"ok":true,"login":"bob@d.test","account":7,"message":"..."}
 *	{"ok":false,"reason":"...|malformed|expired","text":"..."}
 *
 * Failures count as those of passwords do; unknown names, and accounts whose
 * keys are not made yet, get a salt all the same.  The keys are made with the
 * password, or when it was right.
 *
 *	{"op":"sign","domain":"d.test","selector":"r2026","digest":"<base64>"}
 *	{"ok":true,"signature":"<base64>"}   {"ok":false,"text":"..."}
 */
#ifndef MAILD_AUTH_AUTH_H
#define MAILD_AUTH_AUTH_H

#include "maild/maild.h"

struct auth;

/* Listens when it returns.  maild is borrowed. */
struct auth *auth_new(struct maild *m, struct fail *f);

/* Accounts, passwords or keys have changed: nothing remembered counts any
 * more. */
void auth_forget(struct auth *a);

/* Accounts may change from here on; until that is over, whoever is remembered
 * is asked for in the store all the same. */
void auth_change_begins(struct auth *a);
void auth_change_over(struct auth *a);

/* Questions not answered yet. */
size_t auth_pending(const struct auth *a);

/* Answer "error" to all that comes or is under way from now on. */
void auth_stop(struct auth *a);

/* Before the stores of maild are closed; nothing may be pending. */
void auth_free(struct auth *a);

#endif
