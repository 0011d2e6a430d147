/* SPDX-License-Identifier: MIT */
/*
 * login: asking the credential authority whether somebody may in, over its
 * socket (ipc.h).  Whoever asks never sees a verifier.
 */
#ifndef AUTHORITY_LOGIN_H
#define AUTHORITY_LOGIN_H

#include "common/net/ipc.h"
#include "common/util/log.h"

enum login_result {
	LOGIN_GOOD,
	LOGIN_WRONG,    /* name or password */
	LOGIN_DISABLED, /* the account may not log in */
	LOGIN_LATER,    /* throttled, busy, or the authority is away */
};

struct login_answer { /* valid during the call */
	enum login_result result;
	const char *reason; /* one word for the log */
	int64_t account;    /* LOGIN_GOOD */
	const char *login;  /* LOGIN_GOOD: the account's folded address */
	bool shut; /* LOGIN_LATER: throttled, and nobody has ever got in from
	            * there: all others from there would be, too */
};

typedef void login_answered(void *arg, const struct login_answer *answer);

/* Ask; fn is called once, on the loop, perhaps from within.  rip: the peer's
 * address; proto: "smtp", "pop3", "imap". */
void login_ask(struct ipc_client *authority, struct str user,
    struct str password, const char *rip, const char *proto, login_answered *fn,
    void *arg);

/* ---- SCRAM (RFC 5802): the authority speaks it, we carry its messages ---- */

#define LOGIN_SCRAM_MAX                                                        \
	4096 /* octets of a message; a longer one is malformed */

struct login_scram {                /* valid during the call */
	struct login_answer answer; /* LOGIN_GOOD: message is for the client; if
	                             * it was the last, it is in.  LOGIN_LATER:
	                             * also when it took over a minute */
	bool malformed;             /* LOGIN_WRONG, and the message was none */
	struct str message;         /* LOGIN_GOOD */
	const char *session;        /* LOGIN_GOOD of the first: for the last */
};

typedef void login_scram_answered(void *arg, const struct login_scram *s);

/* The client's first message.  plus: it chose SCRAM-SHA-256-PLUS; offered: it
 * was told of that.  As login_ask() otherwise. */
struct login_scram_first {
	struct str message;
	bool plus, offered;
	const char *rip, *proto;
};
void login_scram_first(struct ipc_client *authority,
    const struct login_scram_first *first, login_scram_answered *fn, void *arg);

/* Its last.  binding: octets of tls-exporter if it chose -PLUS, else empty. */
struct login_scram_final {
	const char *session;
	struct str message, binding;
	const char *rip, *proto;
};
void login_scram_final(struct ipc_client *authority,
    const struct login_scram_final *final, login_scram_answered *fn, void *arg);

/* One line for each login that was not good.  What the peer is to blame for,
 * reason "bad", "disabled" or "throttled", for fail2ban:
 *
 *	auth fail proto=smtp rip=192.0.2.1 reason=bad user="bob@d.test"
 *
 * with the user last, as tried, quotes and backslashes in it as \xNN like
 * all that is not printable; and our own troubles ("away", "busy", "error"),
 * for which nobody is to be banned:
 *
 *	auth unavailable proto=smtp rip=192.0.2.1 reason=away */
void login_log_failure(const struct log *log, const char *proto,
    const char *rip, const char *reason, struct str user);

#endif
