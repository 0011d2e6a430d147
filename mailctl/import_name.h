/* SPDX-License-Identifier: MIT */
/* import_name: names of mailboxes from and to names of files. */
#ifndef MAILCTL_IMPORT_NAME_H
#define MAILCTL_IMPORT_NAME_H

#include "common/util/buf.h"

#define IMPORT_NAME_ROOM 4096

/* Append one level, as a file or folder is called: %XX is an octet, what is
 * not UTF-8 is taken as ISO 8859-1, what may not be in a name becomes '_'. */
void import_name_level(struct str file, struct buf *out);

/* The same of a Maildir's folder: modified UTF-7 where it is that. */
void import_name_maildir_level(struct str file, struct buf *out);

/* "A.B" of Maildir++'s ".A.B": levels between dots, \XX an octet (as Dovecot's
 * listescape has it). */
void import_name_maildir(struct str folder, struct buf *out);

/* The inverse of each: a level as a file name that import_name_level() reads
 * and no program mistakes; a whole name as Maildir++'s folder, with its dot. */
void import_name_to_level(struct str level, struct buf *out);
void import_name_to_maildir(struct str name, struct buf *out);

/* Of enum mailbox_use: what a mailbox of this name is usually for, or 0. */
unsigned import_name_use(struct str name);

#endif
