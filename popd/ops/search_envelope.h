/* SPDX-License-Identifier: MIT */
/* search_envelope: pieces of an ENVELOPE as it is stored (RFC 9051 s7.5.2). */
#ifndef POPD_OPS_SEARCH_ENVELOPE_H
#define POPD_OPS_SEARCH_ENVELOPE_H

#include "common/util/buf.h"

enum envelope_field {
	ENVELOPE_DATE,
	ENVELOPE_SUBJECT,
	ENVELOPE_FROM,
	ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO,
	ENVELOPE_TO,
	ENVELOPE_CC,
};

/* Append the date or subject; nothing if it is NIL. */
void search_envelope_string(
    struct str envelope, enum envelope_field field, struct buf *out);

/* The first address: its display name (not decoded), addr-mailbox and addr-host
 * replace what is in these; empty where they are NIL. */
struct search_address {
	struct buf name, mailbox, host;
};
void search_address_init(struct search_address *a);
void search_address_release(struct search_address *a);
void search_envelope_address(
    struct str envelope, enum envelope_field field, struct search_address *out);

#endif
