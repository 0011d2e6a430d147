/* SPDX-License-Identifier: MIT */
/*
 * enc: bytes as text and back: base64 (RFC 4648 s4), hexadecimal, base 32.
 *
 * Encoders and decoders append to out.  Decoders are strict: no white space,
 * no missing or surplus padding, no stray bits in the last group (RFC 4648
 * s3.5), so every text has one meaning.  On false out is as it was.
 */
#ifndef UTIL_ENC_H
#define UTIL_ENC_H

#include "common/util/buf.h"

/* As many octets as n become in base64. */
#define ENC_BASE64_LEN(n) (((n) + 2) / 3 * 4)

void enc_base64(struct str bytes, struct buf *out);

/* False if it is not base64 or does not fit. */
bool enc_base64_decode(struct str text, struct buf *out);

/* In lower case. */
void enc_hex(struct str bytes, struct buf *out);

/* Either case.  False if it is not hexadecimal or does not fit. */
bool enc_hex_decode(struct str text, struct buf *out);

/* A number in base 32, most significant digit first, in at least `digits'
 * digits.  Crockford's alphabet in lower case: no i, l, o, u to misread; it
 * sorts as the numbers do when the digits are as many. */
void enc_base32(uint64_t n, unsigned digits, struct buf *out);

/* Either case; i and l are read as 1, o as 0.  False if it is none. */
bool enc_base32_decode(struct str text, uint64_t *n);

#endif
