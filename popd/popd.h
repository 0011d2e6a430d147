/* SPDX-License-Identifier: MIT */
/*
 * popd: what the sessions of the daemon share.  One is made in main() and
 * passed down; everything here lives longer than any session.
 *
 * Sessions run on the loop.  What may block goes elsewhere: passwords to
 * maild (login.h), the store to its threads (maildrop.h, feed.h), reading
 * bodies to the workers (feed.h).
 */
#ifndef POPD_POPD_H
#define POPD_POPD_H

#include "common/conf/conf.h"
#include "common/net/ipc.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/worker.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/tally.h"

struct pop3_session;

struct popd {
	const struct conf *conf;
	struct log log;
	const struct clock *clock;
	struct loop *loop;
	struct store *store;
	struct workers *workers;
	struct ipc_client *authority; /* maild's auth.sock */
	struct tls *tls;

	struct tally maildrops; /* accounts whose maildrop is locked */
	struct tally peers;     /* connections by address_limit_key() */
	size_t connections;
	struct pop3_session *sessions; /* the newest; see pop3_session.c */
	bool stopping;                 /* sessions end after their answer */
};

#endif
