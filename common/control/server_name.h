/* SPDX-License-Identifier: MIT */
/* server_name: another server, as a person writes it. */
#ifndef CONTROL_SERVER_NAME_H
#define CONTROL_SERVER_NAME_H

#include <stdint.h>

#include "common/util/buf.h"

/* HOST, HOST:PORT: HOST is a name or an address, of IPv6 in brackets.  host
 * gets it as the wire has it, folded: "mx.example.org",
 * "[192.0.2.1]", "[2001:db8::1]"; *port is 0 if none is said.  false: it is no
 * server, host may hold some of it. */
bool server_name_read(struct str text, struct buf *host, uint16_t *port);

#endif
