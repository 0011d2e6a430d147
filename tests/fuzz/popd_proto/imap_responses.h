/* SPDX-License-Identifier: MIT */
/*
 * imap_responses: is what a server says made of responses (RFC 9051 s9), as
 * plainly as can be asked: lines that end with CRLF, strings and literals
 * that end, parentheses in balance outside of them, no octet that none may
 * have.  And how many commands were answered.
 */
#ifndef FUZZ_POPD_PROTO_IMAP_RESPONSES_H
#define FUZZ_POPD_PROTO_IMAP_RESPONSES_H

#include "common/util/str.h"

/* Dies if it is not so.  The number of tagged responses. */
size_t imap_responses_check(struct str said);

#endif
