/* SPDX-License-Identifier: MIT */
/*
 * relay_self: which hosts are ourselves: mail relayed there would come back
 * (RFC 5321 s5.1).
 */
#ifndef MAILD_RELAY_RELAY_SELF_H
#define MAILD_RELAY_RELAY_SELF_H

#include "common/conf/conf.h"
#include "common/net/address.h"

struct relay_self;

/* conf is borrowed. */
struct relay_self *relay_self_new(const struct conf *conf);
void relay_self_free(struct relay_self *s);

/* Look again which addresses this machine has. */
void relay_self_refresh(struct relay_self *s);

/* Is this our name, or "localhost"?  Names are A-labels. */
bool relay_self_is_name(const struct relay_self *s, struct str name);

/* Would a connection there reach us?  One of the addresses we listen on for
 * mail, with its port; and unless relay.local_addresses is on, each address
 * of this machine, each loopback and each unspecified address. */
bool relay_self_is_address(const struct relay_self *s, const struct address *a);

#endif
