/* SPDX-License-Identifier: MIT */
/*
 * web: a question of net/https.h to a server whose addresses DNS tells.
 *
 * It is a stranger who says which server that is: what is no address of the
 * Internet (loopback, private networks: network_is_public) is not connected to,
 * but with relay.local_addresses.  An address of the Internet may be this
 * machine's: there is TLS with a certificate for the name before anything else.
 */
#ifndef MAILD_RELAY_WEB_H
#define MAILD_RELAY_WEB_H

#include "common/net/https.h"
#include "maild/relay/relay.h"

struct web_question;

/* ask: but for its addresses; all of it is copied.  done: as of https_ask(),
 * never before this returned.  deps: borrowed until then. */
struct web_question *web_ask(const struct relay_deps *deps,
    const struct https_ask *ask, https_done *done, void *arg);
void web_cancel(struct web_question *q); /* NULL is fine */

#endif
