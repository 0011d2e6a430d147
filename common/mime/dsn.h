/* SPDX-License-Identifier: MIT */
/*
 * dsn: the message that tells a sender what became of his mail: a report in
 * three parts (RFC 6522), for people, for programs (RFC 3464), and the message
 * it is about or its header; pure.
 *
 * Whatever remote servers said and whatever the original header holds, the
 * result is well formed: words of others are cut, and octets that are not
 * printable ASCII are written as \xNN.  All of it is 7-bit but the To field
 * of a sender whose address is not ASCII (then it needs SMTPUTF8), and a
 * message that is returned whole.
 *
 * The caller sends it from <>, and writes none about mail from <> (RFC 5321
 * s6.1).
 */
#ifndef MIME_DSN_H
#define MIME_DSN_H

#include "common/util/buf.h"

/* Room the report of n recipients never exceeds. */
#define DSN_ROOM(n) ((size_t)192 * 1024 + (n)*16 * 1024)

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,   /* we go on trying */
	DSN_DELIVERED, /* into a mailbox here */
	DSN_RELAYED,   /* to a server that will not tell more */
	DSN_EXPANDED,  /* to all whom a list of ours stands for */
};

/* What senders ask for (RFC 3461 s4.1, s4.3); the numbers are on disk. */
enum dsn_notify {
	DSN_NOTIFY_NEVER = 1,
	DSN_NOTIFY_SUCCESS = 2,
	DSN_NOTIFY_FAILURE = 4,
	DSN_NOTIFY_DELAY = 8,
};
enum dsn_ret {
	DSN_RET_UNSAID = 0,
	DSN_RET_FULL = 1,
	DSN_RET_HDRS = 2,
};

/* Is somebody who said this (0: nothing) to be told?  RFC 3461 s4.1: of failure
 * and delay also who said nothing. */
bool dsn_wanted(unsigned notify, enum dsn_notify what);

struct dsn_recipient {
	enum dsn_action action;
	struct str final;    /* the address that was tried */
	struct str original; /* as the sender wrote it; may be empty */
	struct str orcpt;  /* ORCPT as given, "rfc822;a+2Bb@d"; may be empty */
	struct str status; /* "5.1.1"; not such a code: X.0.0 is written */
	struct str sentence;   /* for people, ASCII or UTF-8: what happened */
	struct str advice;     /* likewise: what to do; may be empty */
	struct str remote_mta; /* name of the server that spoke; may be empty */
	struct str diagnostic; /* its reply, "550 5.1.1 ..."; may be empty */
	int64_t tried_s;       /* the last attempt; 0: none */
	int64_t until_s; /* DSN_DELAYED: when we shall give up; 0: unsaid */
};

struct dsn {
	struct str host; /* ours: the reporting MTA */
	struct str to;   /* the original message's sender */
	struct str
	    envelope_id;  /* ENVID of MAIL (RFC 3461 s4.4); may be empty */
	struct str trace; /* the journey's id, for people; may be empty */
	struct str block; /* the original message's header block */
	bool whole;     /* the message is returned, not its header: then ... */
	bool eight_bit; /* ... it has 8-bit octets ... */
	bool utf8;      /* ... its header too (RFC 6532) */
	int64_t arrived_s; /* when we took the message */
	int64_t now_s;
	uint64_t random; /* for Message-ID and boundary: nobody can guess it */
	const struct dsn_recipient *recipients; /* all of one action */
	size_t n;                               /* at least 1 */
	size_t others; /* who share their fate, and are only counted */
};

/* Append the whole report to out, which has DSN_ROOM(n) left. */
void dsn_compose(const struct dsn *d, struct buf *out);

/* If the message is returned: what goes before it, and behind it. */
void dsn_begin(const struct dsn *d, struct buf *out);
void dsn_end(const struct dsn *d, struct buf *out);

#endif
