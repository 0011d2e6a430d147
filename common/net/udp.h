/* SPDX-License-Identifier: MIT */
/* udp: a bound datagram socket, for the stub DNS server of demo and tests. */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/util/fail.h"

struct udp;

typedef void udp_packet(
    void *arg, struct udp *u, const struct address *from, struct str bytes);

/* Port 0 takes a free one; udp_local() tells which. */
struct udp *udp_new(struct loop *l, const struct address *at, udp_packet *fn,
    void *arg, struct fail *f);
struct address udp_local(const struct udp *u);
void udp_send(struct udp *u, const struct address *to, struct str bytes);
void udp_free(struct udp *u);

#endif
