/* SPDX-License-Identifier: MIT */
/*
 * guard: who may talk to us, and how fast, before there is a message.
 *
 *	address --rate, connections--> visit --greet delay, DNSBL, iprev-->
 *	    HELO --> MAIL --rate--> RCPT --SPF, greylist--> DATA
 *
 * In the order of least cost: what needs no question is asked first, and no
 * question is asked before the answer could matter.  Tarpits are timers.
 */
#ifndef SMTPD_GUARD_H
#define SMTPD_GUARD_H

#include "common/net/address.h"
#include "common/policy/dnsbl.h"
#include "common/policy/iprev.h"
#include "common/policy/report.h"
#include "smtpd/proto/smtp_reply.h"
#include "smtpd/smtpd.h"

struct guard;

/* Reads [policy]; -1 names the line of what makes no sense. */
struct guard *guard_new(struct smtpd *d, struct fail *f);
void guard_free(struct guard *g);

/* Is it a proxy, whose connections begin with a PROXY header? */
bool guard_is_proxy(const struct guard *g, const struct address *peer);

/* Is it one of policy.exempt? */
bool guard_is_exempt(const struct guard *g, const struct address *peer);

/* One more connection from there.  REPLY_OK, or the 421. */
enum smtp_reply guard_connect(struct guard *g, const struct address *peer);

/* What is known of a peer while it is here.  judged: its listener's. */
struct visit;
struct visit *visit_new(
    struct guard *g, const struct address *peer, bool judged);
void visit_free(struct visit *v);

struct smtpd *visit_smtpd(const struct visit *v);
bool visit_is_exempt(const struct visit *v);
bool visit_is_familiar(const struct visit *v); /* was good within a day */
const char *visit_ip(const struct visit *v);
const uint8_t *visit_octets(const struct visit *v, size_t *len); /* 4 or 16 */
const char *visit_network(const struct visit *v); /* "192.0.2.0/24", "/64" */

/* How long to hold the greeting back; 0 for who is exempt or familiar. */
int64_t visit_greet_delay_ms(const struct visit *v);

/* Is HELO's name one it cannot have (ours)?  REPLY_OK or the refusal. */
enum smtp_reply visit_helo(const struct visit *v, struct str helo);

/* iprev and DNSBL, once known, within policy.dns_time of visit_new(): fn is
 * called once, on the loop, never from within; visits that are freed call
 * nobody.  visit_forget() takes an arg's calls back. */
struct visit_findings {
	struct iprev_output iprev;
	struct dnsbl_output dnsbl;
	bool refused; /* dnsbl_refuse is reached */
};
typedef void visit_known(void *arg, const struct visit_findings *f);
void visit_await(struct visit *v, visit_known *fn, void *arg);
void visit_forget(struct visit *v, const void *arg);

/* Once known, otherwise NULL. */
const struct visit_findings *visit_findings(const struct visit *v);

/* It brought a message that was not refused: no delay for a day. */
void visit_was_good(struct visit *v);

/* One more message.  REPLY_OK or a 450. */
enum smtp_reply visit_message(struct visit *v);

/* One of its messages was refused: is that worth a journey?  False: there are
 * so many that they would only fill the disk. */
bool visit_may_keep(struct visit *v);

/* Lines for the report. */
void visit_report(const struct visit *v, struct buf *report);

#endif
