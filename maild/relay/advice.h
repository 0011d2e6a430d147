/* SPDX-License-Identifier: MIT */
/* advice: what a sender can do about a message that was given up, or waits; by
 * the enhanced status code (RFC 3463), pure. */
#ifndef MAILD_RELAY_ADVICE_H
#define MAILD_RELAY_ADVICE_H

/* A sentence for people, or "" if there is nothing they could do.  enhanced is
 * "5.1.1"; what is not such a code has no advice. */
const char *advice_for(const char *enhanced);

#endif
