/* SPDX-License-Identifier: MIT */
/* nfc: names that look alike are alike (Unicode normalization form C). */
#ifndef MIME_NFC_H
#define MIME_NFC_H

#include "common/util/buf.h"

/* Append the composed form of a text.  False, and out is as it was, if it is
 * no UTF-8, or does not fit. */
bool nfc_add(struct str utf8, struct buf *out);

#endif
