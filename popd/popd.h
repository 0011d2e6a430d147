/* SPDX-License-Identifier: MIT */
/*
 * popd: what the sessions of the daemon share.  One is made in main() and
 * passed down; everything here lives longer than any session.
 *
 *	main.c		start, sockets, signals, stop
 *	mailboxes.c	the mirrors of mailboxes, kept true
 *	imap_session.c	one IMAP connection: pump, time, begin and end
 *	imap_serve.c	the engine's events and their answers
 *	imap_job.c	its ops, as jobs of the store
 *	pop3_*.c	the same for POP3, with maildrop.c
 *	turns.c		who may search now
 *	feed.c		stored bodies, piece by piece
 *	*_ahead.c	what a client will ask for next, read before it does
 *	fetched.c	what was fetched, for the journeys
 *
 * Sessions run on the loop.  What may block goes elsewhere: passwords to
 * maild (login.h), the store to its threads, reading bodies to the workers.
 */
#ifndef POPD_POPD_H
#define POPD_POPD_H

#include "common/conf/conf.h"
#include "common/net/crowd.h"
#include "common/net/ipc.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/worker.h"
#include "common/store/hop.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/tally.h"
#include "popd/fetched.h"
#include "popd/mailboxes.h"
#include "popd/turns.h"

struct gate;

struct popd {
	const struct conf *conf;
	struct log log;
	const struct clock *clock;
	struct loop *loop;
	struct store *store;
	struct workers *workers;
	struct ipc_client *authority; /* maild's auth.sock */
	struct gate *gate;            /* before it is asked */
	struct mailboxes *mailboxes;
	struct fetched *fetched;
	struct header_cache *headers;
	struct turns searches;
	struct trace_source traces; /* the store's writer thread's */
	size_t kept_feeds; /* of sessions that may go on in a message */
	struct tls *pop3_tls, *imap_tls; /* they differ in ALPN */

	struct tally maildrops; /* accounts whose maildrop is locked */
	struct crowd crowd;     /* of both protocols; once it is stopping,
	                         * sessions end after their answer */
};

#endif
