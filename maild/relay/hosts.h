/* SPDX-License-Identifier: MIT */
/*
 * hosts: which servers did not answer lately, whatever the domain: mail for
 * thousand domains of one dead host must not wait for thousand time-outs.  And
 * whose STARTTLS broke while without it all went well: not every message must
 * find that out by a connection of its own.  Pure; bounded: the least recently
 *failed are forgotten first.  A host is an IP address and a port.
 *
 *	CLOSED --3 failures in a row--> OPEN --30 s, doubling to 10 min-->
 *	HALF: one connection may try --good--> CLOSED
 *	                             --failed--> OPEN
 */
#ifndef MAILD_RELAY_HOSTS_H
#define MAILD_RELAY_HOSTS_H

#include "common/net/address.h"

#define HOSTS_MAX      10000
#define HOSTS_TRIAL_MS 900000 /* a trial that nobody tells of is over */
#define HOSTS_CLEAR_MS 600000 /* then TLS is tried again */

struct hosts;

struct hosts *hosts_new(void);
void hosts_free(struct hosts *h);

/* May a connection be tried?  If so and it is the one that tries whether the
 * host is back, nobody else may until its outcome is told. */
bool hosts_may(struct hosts *h, const struct address *a, int64_t mono_ms);

/* No connection, no greeting, or lost before any command was answered; why is
 * kept for those who are told no. */
void hosts_failed(
    struct hosts *h, const struct address *a, int64_t mono_ms, const char *why);
void hosts_good(struct hosts *h, const struct address *a);

/* Why the last one failed; "" if nothing is known.  Valid until the next call
 * that changes something. */
const char *hosts_why(const struct hosts *h, const struct address *a);

/* It does its work, but for its TLS; why in a few words. */
void hosts_tls_broke(
    struct hosts *h, const struct address *a, int64_t mono_ms, const char *why);

/* Why TLS is not to be tried there now, or NULL.  Valid until the next call
 * that changes something. */
const char *hosts_why_clear(
    const struct hosts *h, const struct address *a, int64_t mono_ms);

#endif
