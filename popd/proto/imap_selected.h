/* SPDX-License-Identifier: MIT */
/*
 * imap_selected: what the files share that serve the selected mailbox.
 */
#ifndef POPD_PROTO_IMAP_SELECTED_H
#define POPD_PROTO_IMAP_SELECTED_H

#include "popd/proto/imap_selected_op.h"
#include "popd/proto/imap_state.h"

/* "* FLAGS (...)" and PERMANENTFLAGS. */
void imap_tell_flag_names(struct imap *p);
void imap_tell_keywords(struct imap *p); /* if there are new ones */

/* "* VANISHED 1:3", earlier: "* VANISHED (EARLIER) 1:3" (RFC 7162 s3.2.10). */
void imap_tell_vanished(
    struct imap *p, const struct seqset *uids, bool earlier);

/* What an op VANISHED found, as VANISHED (EARLIER): those in known (NULL: all)
 * that the client does not still count. */
void imap_tell_earlier(
    struct imap *p, const struct seqset *gone, const struct seqset *known);

/* The UIDs of this set that the view has a message for, ghosts left out; with
 * all of these flags. */
struct imap_uids imap_expand(
    const struct imap *p, const struct seqset *uids, uint64_t flags);

/* Does it name messages that are gone, but that the client still counts? */
bool imap_has_ghost(const struct imap *p, const struct seqset *uids);

/* What the client wants to hear of the selected mailbox now: all of it while
 * NOTIFY is not set.  fetch: and these items of new messages, "" for none. */
enum imap_notify_event {
	IMAP_NOTIFY_NEW = 1 << 0,
	IMAP_NOTIFY_EXPUNGE = 1 << 1,
	IMAP_NOTIFY_FLAGS = 1 << 2,
};
unsigned imap_notify_events(const struct imap *p);

/* EXISTS was told, of messages from this UID on: NOTIFY may want more said. */
void imap_notify_announced(struct imap *p, uint32_t from);
void imap_notify_left(struct imap *p); /* the mailbox is left */

#endif
