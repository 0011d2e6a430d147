/* SPDX-License-Identifier: MIT */
/*
 * imap_list: the responses LIST, LSUB and STATUS, for the commands and for
 * NOTIFY (RFC 9051 s7.3.1, s7.3.4).
 */
#ifndef POPD_PROTO_IMAP_LIST_H
#define POPD_PROTO_IMAP_LIST_H

#include "popd/proto/imap_box_op.h"
#include "popd/proto/imap_state.h"

/* How a LIST response looks. */
enum imap_list_style {
	IMAP_LIST_AS_LSUB = 1 << 0,
	IMAP_LIST_EXTENDED = 1 << 1,         /* the client knows \NonExistent */
	IMAP_LIST_TELL_SUBSCRIBED = 1 << 2,  /* \Subscribed where it is */
	IMAP_LIST_TELL_CHILDINFO = 1 << 3,   /* RECURSIVEMATCH */
	IMAP_LIST_UNKNOWN_CHILDREN = 1 << 4, /* say nothing of them */
};

/* `* LIST (...) "/" name' and its end; old_name NULL: without OLDNAME, which
 * only a client that knows extended LIST may be given (RFC 9051 s6.3.9.7). */
void imap_list_write(struct imap *p, unsigned style,
    const struct imap_list_line *line, const char *old_name);

/* "(MESSAGES UNSEEN ...)" into a set of enum imap_status_item: false if it does
 * not parse, or asks what is not offered. */
bool imap_status_take(struct imap *p, struct imap_args *a, unsigned *items);

/* They were asked: HIGHESTMODSEQ enables CONDSTORE (RFC 7162 s3.1). */
void imap_status_use(struct imap *p, unsigned items);

/* `* STATUS name (...)' of what is in items. */
void imap_status_write(struct imap *p, struct str name, unsigned items,
    const struct imap_box *box);

/* `\Sent' from the front: false if there is no attribute; *use is 0 if it is
 * none that is supported. */
bool imap_use_take(struct imap_args *a, unsigned *use);

/* A mailbox name, malloc'd: false if there is none, or one with a NUL. */
bool imap_name_take(struct imap_args *a, char **name);

#endif
