/* SPDX-License-Identifier: MIT */
/*
 * throwaway: a certificate authority for tests, dev and demo, made in memory
 * in milliseconds (P-256), good for 30 days, never to be trusted by anyone.
 */
#ifndef NET_THROWAWAY_H
#define NET_THROWAWAY_H

#include <stddef.h>

#include "common/util/fail.h"

/* Write ca.pem, cert.pem (leaf, then CA) and key.pem (0600) into dir; the
 * leaf is for all n names (DNS names, or IP addresses as text). */
int throwaway_ca(
    const char *dir, const char *const *names, size_t n, struct fail *f);

/* An authority that issues more than one, good ones and bad ones. */
struct throwaway;

enum throwaway_kind {
	THROWAWAY_GOOD,
	THROWAWAY_EXPIRED,     /* yesterday */
	THROWAWAY_SELF_SIGNED, /* by nobody else */
};

/* Writes ca.pem into dir, which is borrowed.  NULL: *f. */
struct throwaway *throwaway_new(const char *dir, struct fail *f);

/* Write NAME.pem (leaf, then CA) and NAME.key into the directory. */
int throwaway_leaf(struct throwaway *t, const char *name,
    enum throwaway_kind kind, const char *const *names, size_t n,
    struct fail *f);
void throwaway_free(struct throwaway *t);

#endif
