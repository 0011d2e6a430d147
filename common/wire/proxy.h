/* SPDX-License-Identifier: MIT */
/*
 * proxy: the header by which a proxy says for whom it calls (PROXY protocol,
 * versions 1 and 2, as HAProxy defines it), pure.
 *
 * Only what the definition has is taken: one space between the words of
 * version 1, addresses and ports in their shortest decimal form, TLVs of
 * version 2 that end where the header ends, its checksum if there is one.  For
 * UNKNOWN, LOCAL and UNSPEC the addresses are read past; UDP and Unix sockets
 * are nobody's here.
 */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "common/util/str.h"

#define PROXY_V1_MAX 107
#define PROXY_V2_MAX (16 + 512) /* addresses and TLVs we read past */

enum proxy_result {
	PROXY_MORE,  /* not whole yet; nothing is taken */
	PROXY_READY, /* taken off the front of *in */
	PROXY_BAD,   /* end the connection; nothing is taken */
};

struct proxy_header {
	bool local; /* UNKNOWN or LOCAL: the proxy itself; no addresses */
	uint8_t source[16]; /* ip_len octets */
	size_t ip_len;      /* 4 or 16 */
	uint16_t port;
};

/* *in: everything that came since the connection began.  PROXY_BAD as soon as
 * no header can begin so. */
enum proxy_result proxy_take(struct str *in, struct proxy_header *out);

#endif
