/* SPDX-License-Identifier: MIT */
/*
 * import: one run of `mailctl import', as its files see it: import.c finds
 * account, sources and mailboxes, import_mbox.c and import_folder.c read.
 */
#ifndef MAILCTL_IMPORT_H
#define MAILCTL_IMPORT_H

#include <jansson.h>

#include "common/store/account.h"
#include "mailctl/import_load.h"
#include "mailctl/import_message.h"
#include "mailctl/import_source.h"
#include "mailctl/progress.h"

struct import {
	/* as asked for */
	enum import_format format;
	const char *mailbox;
	bool json, dry_run, again, ignore_quota;
	uint64_t max_size;

	struct db *db;
	struct account account;
	struct load *load; /* NULL: a dry run */
	int signals;       /* where SIGINT and SIGTERM are read */
	bool interrupted;
	struct progress progress;
	uint64_t read; /* octets, those that need not be read again included */

	const struct import_source *source; /* that is read now */
	bool known; /* part of it was imported before: mark */
	struct import_mark mark;
	uint64_t found, bytes; /* messages to be stored: of the whole run */
	uint64_t old;          /* messages stored by an earlier run */
	uint64_t skipped;      /* messages that cannot be stored, and files
	                        * that cannot be read */
	json_t *problems;      /* the first of them: [{"place","why"}] */
};

/* Tell of something that is not imported, and count it. */
void import_complain(struct import *i, const char *place, const char *why);

/* Shall we stop?  Shows how far we are, too. */
bool import_pause(struct import *i);

/* A message that is all in m, and what import_message_end() said of it; it ends
 * at this place, is called so in complaints, and came at the time the file has
 * if nothing else says when.  -1: no more can be added. */
int import_store(struct import *i, struct import_message *m, const char *why,
    const struct load_place *place, const char *name, int64_t file_ms);

/* Read all of i->source from where it was left: 0, or -1 with *f when it
 * cannot go on.  What is wrong with the source is complained about. */
int import_mbox(struct import *i, struct fail *f);
int import_folder(struct import *i, struct fail *f);

#endif
