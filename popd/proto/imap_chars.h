/* SPDX-License-Identifier: MIT */
/* imap_chars: classes of octets in the grammar (RFC 9051 s9). */
#ifndef POPD_PROTO_IMAP_CHARS_H
#define POPD_PROTO_IMAP_CHARS_H

#include <stdbool.h>

/* Of an atom: no SP, control, 8-bit, nor one of ( ) { % * " \ ] */
bool imap_is_atom_char(char c);
bool imap_is_astring_char(char c); /* and ] */
bool imap_is_pattern_char(char c); /* and ] % * */
bool imap_is_tag_char(char c);     /* and ], but no + */

#endif
