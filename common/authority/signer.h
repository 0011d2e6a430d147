/* SPDX-License-Identifier: MIT */
/*
 * signer: having a digest signed by who holds the keys, over auth.sock: a
 * daemon that talks to strangers never sees a secret.
 *
 *	{"op":"sign","domain":"d.test","selector":"r2026","digest":"<base64>"}
 *	{"ok":true,"signature":"<base64>"}   {"ok":false,"text":"..."}
 */
#ifndef AUTHORITY_SIGNER_H
#define AUTHORITY_SIGNER_H

#include "common/net/ipc.h"

#define SIGNER_DIGEST_LEN 32

/* On the loop, perhaps from within.  ok false: text says why. */
typedef void signer_signed(
    void *arg, bool ok, struct str signature, const char *text);

void signer_ask(struct ipc_client *authority, struct str domain,
    struct str selector, const uint8_t digest[SIGNER_DIGEST_LEN],
    signer_signed *fn, void *arg);

#endif
