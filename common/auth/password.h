/* SPDX-License-Identifier: MIT */
/* password: argon2id verifiers as text (RFC 9106, libsodium). */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "common/util/secret.h"

#define PASSWORD_VERIFIER_MAX 128

/* Hash: t=2, m=19 MiB, about 15 ms.  out is NUL-terminated. */
void password_hash(struct str password, char out[PASSWORD_VERIFIER_MAX]);

/* The form of a password that is hashed: composed, with plain spaces (RFC 8265
 * s4.2.2), so that it is the same octets wherever it was typed. */
void password_prepare(struct str password, struct secret *out);

/* Does the password fit?  A NULL verifier (no such user) takes as long and
 * is false. */
bool password_verify(struct str password, const char *verifier);

#endif
