/* SPDX-License-Identifier: MIT */
/*
 * imap_op: something the engine wants done to the store: a question with room
 * for its answer, self-contained, so that it can be carried out on another
 * thread.
 *
 *	a command's file makes one --IMAP_OP--> host --> popd/ops runs it in a
 *	transaction --> host --imap_done()--> op->done() of the command's file
 *
 * Each kind has a structure of its own that begins with struct imap_op; it is
 * declared in the header its comment names, and implemented by imap_run_NAME()
 * in popd/ops/.  The op owns all it points to.
 */
#ifndef POPD_PROTO_IMAP_OP_H
#define POPD_PROTO_IMAP_OP_H

#include "common/util/fail.h"
#include "popd/proto/mirror.h"

/* O(NAME, name, READ | WRITE) */
#define IMAP_OPS(O)                                                            \
	/* imap_box_op.h */                                                    \
	O(LIST, list, READ)     /* mailboxes, with STATUS items */             \
	O(STATUS, status, READ) /* of one, by name */                          \
	O(CREATE, create, WRITE)                                               \
	O(DELETE, delete, WRITE)                                               \
	O(RENAME, rename, WRITE)                                               \
	O(SUBSCRIBE, subscribe, WRITE)                                         \
	O(GETQUOTA, getquota, READ)                                            \
	O(GETMETADATA, getmetadata, READ)                                      \
	O(SETMETADATA, setmetadata, WRITE)                                     \
	/* imap_selected_op.h */                                               \
	O(SELECT, select, READ) /* the host adds the mirror */                 \
	O(POLL, poll, READ)     /* the host refreshes the mirror */            \
	O(STORE, store, WRITE)                                                 \
	O(EXPUNGE, expunge, WRITE)                                             \
	O(COPY, copy, WRITE) /* and MOVE */                                    \
	O(VANISHED, vanished, READ)                                            \
	O(NEWS, news, READ) /* for NOTIFY: mailboxes by id */                  \
	/* imap_message_op.h */                                                \
	O(FETCH, fetch, READ)                                                  \
	O(APPENDABLE, appendable, READ) /* may a message be put there? */      \
	O(APPEND, append, WRITE)        /* the host adds the stages */         \
	O(REPLACE, replace, WRITE)                                             \
	/* imap_search_op.h */                                                 \
	O(SEARCH, search, READ) /* and SORT, THREAD */

enum imap_op_kind {
#define O(NAME, name, mode) IMAP_OP_##NAME,
	IMAP_OPS(O)
#undef O
	IMAP_OP_KINDS
};

/* Response codes: RFC 9051 s7.1, RFC 5530, and those of the extensions that
 * take no argument. */
/* clang-format off */
#define IMAP_CODES(C)                                                          \
	C(NONE, "")                                                            \
	C(ALERT, "ALERT")                                                      \
	C(ALREADYEXISTS, "ALREADYEXISTS")                                      \
	C(AUTHENTICATIONFAILED, "AUTHENTICATIONFAILED")                        \
	C(AUTHORIZATIONFAILED, "AUTHORIZATIONFAILED")                          \
	C(CANNOT, "CANNOT")                                                    \
	C(CLIENTBUG, "CLIENTBUG")                                              \
	C(CLOSED, "CLOSED")                                                    \
	C(COMPRESSIONACTIVE, "COMPRESSIONACTIVE")                              \
	C(EXPUNGEISSUED, "EXPUNGEISSUED")                                      \
	C(HASCHILDREN, "HASCHILDREN")                                          \
	C(INUSE, "INUSE")                                                      \
	C(LIMIT, "LIMIT")                                                      \
	C(NONEXISTENT, "NONEXISTENT")                                          \
	C(NOTSAVED, "NOTSAVED")                                                \
	C(NOUPDATE, "NOUPDATE")                                                \
	C(OVERQUOTA, "OVERQUOTA")                                              \
	C(PARSE, "PARSE")                                                      \
	C(PRIVACYREQUIRED, "PRIVACYREQUIRED")                                  \
	C(READ_ONLY, "READ-ONLY")                                              \
	C(READ_WRITE, "READ-WRITE")                                            \
	C(SERVERBUG, "SERVERBUG")                                              \
	C(TOOBIG, "TOOBIG")                                                    \
	C(TRYCREATE, "TRYCREATE")                                              \
	C(UIDREQUIRED, "UIDREQUIRED")                                          \
	C(UNAVAILABLE, "UNAVAILABLE")                                          \
	C(UNKNOWN_CTE, "UNKNOWN-CTE")                                          \
	C(USEATTR, "USEATTR")                                                  \
	C(NOTIFICATIONOVERFLOW, "NOTIFICATIONOVERFLOW")                        \
	C(BADCHARSET, "BADCHARSET (UTF-8)")                                    \
	C(NOPERM, "NOPERM")                                                    \
	C(NOPRIVATE, "METADATA NOPRIVATE")                                     \
	C(TOOMANY, "METADATA TOOMANY")
/* clang-format on */

enum imap_code {
#define C(NAME, text) IMAP_CODE_##NAME,
	IMAP_CODES(C)
#undef C
};

/* What other sessions of the account may want to hear of (NOTIFY). */
enum imap_news_kind {
	IMAP_NEWS_MESSAGES = 1 << 0, /* new, expunged, or flags */
	IMAP_NEWS_NAME = 1 << 1,     /* made, deleted or renamed */
	IMAP_NEWS_SUBSCRIPTION = 1 << 2,
	IMAP_NEWS_METADATA = 1 << 3, /* mailbox 0: of the account */
};
struct imap_news {
	unsigned kinds;
	int64_t mailbox;
	char *name, *old_name; /* NULL where they say nothing new.  Deleted:
	                        * old_name alone.  METADATA: old_name has the
	                        * entries as a response has them */
};

struct imap;

struct imap_op {
	enum imap_op_kind kind;
	int64_t account;

	/* the answer */
	int rc; /* 0, or -1 with fail */
	struct fail fail;
	enum imap_code code;         /* when -1: NONE lets fail.kind decide */
	bool again;                  /* READ: not over yet, run it again */
	unsigned done_permille;      /* then: how far it is, for INPROGRESS */
	struct mirror_delta *deltas; /* WRITE: all it did to mailboxes; the op
	                              * owns them and their arrays */
	size_t n_deltas;
	int64_t gone;           /* WRITE: this mailbox was deleted, or 0 */
	struct imap_news *news; /* WRITE: besides IMAP_NEWS_MESSAGES */
	size_t n_news;

	/* of the file that made it */
	void (*done)(struct imap *p, struct imap_op *op); /* frees nothing */
	void (*release)(struct imap_op *op); /* what its own structure owns */
};

/* size octets, zeroed, of a structure that begins with struct imap_op. */
void *imap_op_new(struct imap *p, enum imap_op_kind kind, size_t size,
    void (*done)(struct imap *p, struct imap_op *op),
    void (*release)(struct imap_op *op));
void imap_op_free(struct imap_op *op); /* NULL is fine */

/* For popd/ops: room for one more delta or piece of news. */
struct mirror_delta *imap_op_delta(struct imap_op *op, int64_t mailbox);
struct imap_news *imap_op_news(
    struct imap_op *op, unsigned kinds, int64_t mailbox);

#endif
