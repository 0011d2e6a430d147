/* SPDX-License-Identifier: MIT */
/*
 * maild: what its parts share.  One is made in main() and passed down;
 * everything here lives longer than the parts.
 *
 * The loop runs the relay (relay.h), the credential authority (auth.h), the
 * control socket (control.h), the keeper (keeper.h) and the indexer
 * (indexer.h); databases and hashing are on threads.
 */
#ifndef MAILD_MAILD_H
#define MAILD_MAILD_H

#include "common/conf/conf.h"
#include "common/daemon/mailbox_notice.h"
#include "common/dns/resolver.h"
#include "common/net/loop.h"
#include "common/net/notify.h"
#include "common/net/sandbox.h"
#include "common/net/tls.h"
#include "common/net/worker.h"
#include "common/store/hop.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/fail.h"
#include "common/util/log.h"
#include "maild/metrics.h"

struct maild {
	struct conf *conf;
	struct log log;
	const struct clock *clock;
	struct trace_source traces;
	struct loop *loop;
	struct resolver *resolver;
	struct tls *tls;
	struct workers *workers; /* read bodies */
	struct store *mail, *passwords;
	struct waker *reap; /* of both stores */
	struct notice_inbox *notices;
	struct mailbox_notice mailbox_notice; /* to popd, of bounces */
	struct timer *stop_timer;
	int owned; /* descriptor of owner_take() */
	struct sandbox_state sandbox;
	struct charset_tables *charsets; /* held open */
	int64_t started_ms, stop_by_ms;

	struct metrics metrics;
	struct metrics_door *metrics_door;
	struct smarthosts *smarthosts;
	struct own_signer *signer;
	struct relay *relay;
	struct relay_tls *relay_tls;
	struct auth *auth;
	struct control_server *control;
	struct keeper *keeper;
	struct backups *backups;
	struct indexer *indexer;
	struct pending *pending;
};

#endif
