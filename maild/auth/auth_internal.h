/* SPDX-License-Identifier: MIT */
/*
 * auth_internal: what the files of the authority share.
 *
 *	auth.c		its socket: which question goes to whom
 *	auth_check.c	a login that is being checked: account, throttle, answer
 *	auth_password.c	"verify": a password
 *	auth_scram.c	"scram-first", "scram-final": an exchange
 *	auth_sign.c	"sign": a digest
 */
#ifndef MAILD_AUTH_AUTH_INTERNAL_H
#define MAILD_AUTH_AUTH_INTERNAL_H

#include <jansson.h>

#include "common/auth/generated.h"
#include "common/auth/scram.h"
#include "common/auth/throttle.h"
#include "common/auth/verified.h"
#include "common/net/address.h"
#include "common/net/ipc.h"
#include "common/store/account.h"
#include "common/store/app_password.h"
#include "common/store/credential.h"
#include "common/util/secret.h"
#include "maild/auth/auth.h"

struct exchanges; /* of SCRAM, between two messages */
struct key_ring;  /* keys that sign */
struct check;

struct auth {
	struct maild *maild; /* borrowed */
	struct ipc_server *server;
	struct workers *hashers;   /* for who was let in from there before */
	struct workers *strangers; /* for the others */
	struct throttle *throttle;
	struct verified *verified;
	struct exchanges *exchanges;
	struct key_ring *keys;
	uint8_t
	    app_key[GENERATED_KEY_LEN]; /* what app passwords are hashed by */
	uint8_t nobody[SCRAM_KEY_LEN];  /* makes salts for unknown names */
	size_t pending;
	size_t changes;        /* of accounts, under way perhaps */
	struct check *waiting; /* for others of their address to be checked */
	size_t n_waiting;
	bool stopping;
};

/* Serve a question: answer it now or later.  False: it makes no sense, and was
 * not answered.  question is valid during the call. */
typedef bool auth_op(
    struct auth *a, struct ipc_request *request, const json_t *question);
auth_op auth_verify, auth_scram_first, auth_scram_final, auth_sign;

/* A member that is text, valid as long as the question. */
bool auth_take_text(const json_t *question, const char *name, struct str *out);

/* The reply is used up. */
void auth_reply(struct ipc_request *request, json_t *reply);

int64_t auth_now_ms(const struct auth *a);

/* ---- auth_check.c ---- */

/* R(NAME, "word", "what a person is told") */
#define AUTH_REASONS(R)                                                        \
	R(BAD, "bad", "wrong name or password")                                \
	R(THROTTLED, "throttled", "too many failed logins: try again later")   \
	R(BUSY, "busy", "too many logins at once: try again")                  \
	R(DISABLED, "disabled", "this account may not log in")                 \
	R(MALFORMED, "malformed", "the message makes no sense")                \
	R(EXPIRED, "expired", "the login took too long: try again")            \
	R(ERROR, "error", "the login could not be checked: try again later")

enum auth_reason {
#define R(name, word, text) REASON_##name,
	AUTH_REASONS(R)
#undef R
};

/* One question about a login, from its line to its answer.  The thread of a
 * job touches nothing but this. */
struct check {
	struct store_job job; /* account, then what proves it */
	struct worker_job hashing;
	struct auth *auth; /* borrowed */
	struct ipc_request *request;
	void (*prove)(struct check *c);   /* called when the account is known */
	void (*release)(struct check *c); /* of what is around it; or NULL */
	struct buf user; /* folded; as given when that is no address */
	char from[ADDRESS_TEXT_MAX], proto[16];
	uint64_t key; /* of the peer's address */
	uint64_t round;
	struct check *next_waiting;
	uint64_t guess;
	bool begun; /* the throttle counts the guess until it is over */
	bool make;  /* the account, if there is none */
	bool has_account, right;
	struct account account;
	struct buf message; /* for the client, with a good answer */
};

/* Fill in a zeroed one, which may be the first member of what is malloc'd: user
 * as it was given; from: the peer's address as text.  False: that is none. */
bool check_init(struct check *c, struct auth *a, struct ipc_request *request,
    struct str user, struct str from, struct str proto);

/* Look for the account, then call prove(). */
void check_account(struct check *c);

/* May this be tried from there?  False: c was refused and is gone. */
bool check_may(struct check *c);

/* After that: the throttle counts the guess from here on.  False: too many are
 * under way; prove() is called again when one is over, or there are too many
 * that wait for that, and c was refused and is gone. */
bool check_begin(struct check *c);

/* After that: have c->hashing done.  Guesses from everywhere keep out nobody
 * who was here before, and those who failed wait behind those who did not.
 * False: too many wait. */
bool check_hash(struct check *c);

/* The answer; c is gone. */
void check_refuse(struct check *c, enum auth_reason why);
void check_answer(struct check *c, json_t *reply);

/* right says whether the proof was. */
void check_conclude(struct check *c);

/* ---- the parts of auth_new() and auth_free() ---- */

struct exchanges *exchanges_new(void);
void exchanges_free(struct exchanges *x);

struct key_ring *key_ring_new(struct loop *l);
void key_ring_forget(struct key_ring *r);
void key_ring_free(struct key_ring *r);

#endif
