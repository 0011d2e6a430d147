/* SPDX-License-Identifier: MIT */
/*
 * imap_host: the IMAP engine with a host in this process: a store of its own
 * in a temporary directory, ops by popd/ops, one mirror for each mailbox that
 * is looked at, a clock that stands still (2026-11-22 10:00:00 UTC).
 *
 * Accounts: alice@d.test, bob@d.test, carol@e.test, and quota@d.test, which
 * has room for 1 MiB; each one's password is pw-alice-Xyz123 and so on.
 * Logins as busy@d.test find the authority away, as off@d.test are forbidden.
 *
 * Anything of the host's own that goes wrong ends the program.
 */
#ifndef TESTS_CONV_IMAP_HOST_H
#define TESTS_CONV_IMAP_HOST_H

#include "common/store/db.h"
#include "common/util/clock.h"
#include "popd/proto/imap.h"

#define IMAP_HOST_NOW_S 1795341600

/* A store with the accounts in it, to be copied; removed by free. */
struct imap_host_store;
struct imap_host_store *imap_host_store_new(void);
void imap_host_store_free(struct imap_host_store *s);

struct imap_host_options {
	struct imap_options engine; /* its strings live as long as the host */
	size_t pieces;              /* octets of messages come in pieces of */
	const char *account_off;    /* capabilities not offered after login */
	bool progress; /* each time an op is run again, the client is told */
};

struct imap_host;
struct imap_host *imap_host_new(
    const struct imap_host_store *s, const struct imap_host_options *o);
void imap_host_free(struct imap_host *h);

/* Bytes of the client; all events are served. */
void imap_host_feed(struct imap_host *h, struct str bytes);
void imap_host_secured(struct imap_host *h);

/* All the engine has said and nobody has dropped. */
struct buf *imap_host_said(struct imap_host *h);
bool imap_host_closed(const struct imap_host *h);
void imap_host_close(struct imap_host *h);
struct imap *imap_host_engine(struct imap_host *h);

/* From the next op but `after' on, until told otherwise, the store fails.
 * Bodies are no ops. */
void imap_host_trouble(struct imap_host *h, bool on, size_t after);

/* Somebody else does something: the `do' lines of run_imap.c.  False: it is
 * not understood. */
bool imap_host_act(struct imap_host *h, struct str words);

/* For imap_host_act.c; changed: this has happened to a mailbox. */
struct db *imap_host_db(struct imap_host *h);
const char *imap_host_dir(const struct imap_host *h);
const struct clock *imap_host_clock(const struct imap_host *h);
int64_t imap_host_account(struct imap_host *h, struct str login);
void imap_host_changed(struct imap_host *h, const struct imap_news *news);

_Noreturn void imap_host_die(const char *what, const char *why);

#endif
