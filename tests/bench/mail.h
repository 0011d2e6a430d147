/* SPDX-License-Identifier: MIT */
/*
 * mail: letters as families get them, made up from a number.
 *
 * The same number always gives the same octets.  Four shapes take turns: a
 * plain reply, a newsletter in text and HTML, a letter with a photograph in
 * base64, and one that encloses another message.  Their headers are as long as
 * today's are (some 2.5 KiB, with the traces of three hops and a signature);
 * the mean size is about 10 KiB.  One of a thousand has MAIL_WORD in its text.
 */
#ifndef BENCH_MAIL_H
#define BENCH_MAIL_H

#include "common/util/buf.h"

#define MAIL_WORD       "xylographer"
#define MAIL_WORD_EVERY 1000 /* messages 1, 1001, 2001 ... have it */

/* Append message `number' (from 1) to out, whose limit must allow it. */
void mail_make(uint64_t number, struct buf *out);

#endif
