/* SPDX-License-Identifier: MIT */
/*
 * import_source: what is to be imported: each file of messages (mbox), each
 * folder of them (Maildir, .eml), and the mailbox it goes to.
 *
 * Understood are: an mbox file; a tree of them, with Thunderbird's NAME.sbd
 * or plain folders; Apple Mail's NAME.mbox/mbox; a Maildir with its Maildir++
 * folders (.A.B), or with folders in folders; trees of .eml files, a folder
 * a mailbox.  Names of mailboxes are UTF-8 with '/' between levels.
 *
 * Who imports may read everything; whose mail it is may not.  So a symbolic
 * link that leads out of what was named is followed only to what belongs to
 * the owner of that (and never to root's), or they would have themselves sent
 * /etc/shadow as mail.
 */
#ifndef MAILCTL_IMPORT_SOURCE_H
#define MAILCTL_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/util/fail.h"

/* Beside the .eml files of a folder that we wrote: a line for each, its name,
 * its date in milliseconds, letters of flags as Maildir has them and keywords,
 * a tab between. */
#define IMPORT_INDEX ".pennypost-mailbox"

/* As dovecot-keywords, for those beyond the 26 it may have. */
#define IMPORT_KEYWORDS "pennypost-keywords"

enum import_format {
	IMPORT_AUTO,
	IMPORT_MBOX,
	IMPORT_MAILDIR,
	IMPORT_EML,
};

struct import_top;

struct import_source {
	enum import_format format; /* not AUTO */
	char *path;                /* resolved */
	char *mailbox;
	uint64_t bytes;         /* about how many will be read */
	struct import_top *top; /* it was found in; borrowed of sources */
};

struct import_sources {
	struct import_source *all;
	size_t n;
	uint64_t bytes;
	struct import_top *tops; /* a list */
	void (*complain)(void *arg, const char *path, const char *why);
	void *arg;
};

/* Add what there is at path.  mailbox: where it goes, or below which what is
 * in it goes; NULL: as it is called there.  What cannot be read is complained
 * about and left out; -1 when there is nothing at all to import. */
int import_sources_add(struct import_sources *s, const char *path,
    enum import_format format, const char *mailbox, struct fail *f);
/* Open an ordinary file of a source for reading.  -1: absent (f is untouched),
 * or f says why not. */
int import_source_open(const struct import_top *top, const char *path,
    struct stat *st, struct fail *f);
void import_sources_release(struct import_sources *s);

#endif
