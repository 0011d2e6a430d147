/* SPDX-License-Identifier: MIT */
/* smarthost: servers that take mail for a domain in place of its MX. */
#ifndef STORE_SMARTHOST_H
#define STORE_SMARTHOST_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

enum smarthost_tls {              /* the numbers are on disk */
	SMARTHOST_TLS_MAY = 0,    /* if it is offered; never with a login */
	SMARTHOST_TLS_VERIFY = 1, /* STARTTLS, and it is who it should be */
	SMARTHOST_TLS_INSIDE = 2, /* from the start (465), verified */
};

struct smarthost {
	struct str domain; /* folded, or "*" */
	struct str host;   /* A-label, or "[192.0.2.1]" */
	uint16_t port;
	enum smarthost_tls tls;
	struct str login; /* empty: none */
};

/* In a write transaction of mail.db; one that is there is replaced. */
int smarthost_put(
    struct db *mail, const struct smarthost *s, int64_t now_ms, struct fail *f);

/* 1 it was there, 0, -1. */
int smarthost_remove(struct db *mail, struct str domain, struct fail *f);

/* Each, by domain; valid during the call. */
int smarthost_list(struct db *mail,
    void (*fn)(void *arg, const struct smarthost *s), void *arg,
    struct fail *f);

/* In auth.db, likewise.  An empty secret removes it.  get: into out, 1 or 0. */
int smarthost_secret_put(
    struct db *auth, struct str domain, struct str secret, struct fail *f);
int smarthost_secret_get(
    struct db *auth, struct str domain, struct buf *out, struct fail *f);

#endif
