/* SPDX-License-Identifier: MIT */
/*
 * imap_append: what APPEND and REPLACE have in common; only for imap_append.c
 * and imap_replace.c.
 */
#ifndef POPD_PROTO_IMAP_APPEND_H
#define POPD_PROTO_IMAP_APPEND_H

#include "popd/proto/imap_message_op.h"
#include "popd/proto/imap_state.h"

#define IMAP_APPEND_MESSAGES 100 /* in one command (RFC 3502) */

/* An op that is filled by imap_append_take(), to be asked or freed. */
struct imap_append_op *imap_append_new(struct imap *p, enum imap_op_kind kind,
    void (*done)(struct imap *p, struct imap_op *op));

/* Take mailbox and messages, of which at most `max'; then ask it, or reply and
 * free it. */
enum imap_event imap_append_ask(
    struct imap *p, struct imap_args *a, size_t max, struct imap_append_op *op);

/* REPLACE: the one message that it names, 0: there is none.  False: the
 * arguments do not begin with a number. */
bool imap_replace_take(
    const struct imap *p, struct imap_args *a, bool uid, uint32_t *replaced);

/* "APPENDUID 38505 3955:3957" */
void imap_append_code(const struct imap_append_op *op, struct buf *out);

#endif
