/* SPDX-License-Identifier: MIT */
/*
 * smtpd: what the sessions of the daemon share.  One is made in main() and
 * passed down; everything here lives longer than any session.
 *
 *	main.c		start, sockets, signals, stop
 *	session.c	one connection: pump, time, begin and end
 *	session_serve.c	the engine's events and their answers
 *	guard.c		who may talk to us: rates, lists, delays
 *	sender.c	MAIL: is this address theirs?
 *	recipient.c	RCPT: where does it go?
 *	greylist.c	RCPT: is this a stranger who should come again?
 *	receive.c	DATA: from the first octet to the commit
 *	judge.c		what is to be thought of a message (SPF ... DMARC)
 *	sign.c		our name under it (DKIM, ARC)
 *
 * Sessions run on the loop; what may block goes to the store's threads and
 * to maild.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "common/conf/conf.h"
#include "common/daemon/mailbox_notice.h"
#include "common/net/crowd.h"
#include "common/net/ipc.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/store/hop.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/log.h"

/* Journeys of refused messages that are written at once, at most. */
#define SMTPD_REFUSALS_MAX 256

struct asker;
struct gate;
struct guard;
struct key_cache;
struct resolver;
struct route_cache;

struct service {
	const char *name; /* of the activated sockets, and in the log */
	bool submission;
	bool implicit_tls;
};

struct smtpd {
	const struct conf *conf;
	struct log log;
	const struct clock *clock;
	struct loop *loop;
	struct store *store;
	struct route_cache *routes;   /* of late */
	struct ipc_client *authority; /* maild's auth.sock */
	struct gate *gate;            /* before it is asked */
	struct tls *tls;
	struct trace_source traces;
	char *queue_notice; /* maild's datagram socket */
	bool queue_changed; /* maild is to be told, soon */
	struct mailbox_notice mailbox_notice;
	struct resolver *resolver;
	struct asker *asker; /* common/dns/asker.h */
	struct guard *guard;
	struct key_cache *keys; /* of signatures, for the judges */
	size_t refusals;        /* whose journeys are being written */

	struct crowd crowd; /* once it is stopping, sessions end after their
	                     * answer */
};

#endif
