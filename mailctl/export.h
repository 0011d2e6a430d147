/* SPDX-License-Identifier: MIT */
/*
 * export: one run of `mailctl export', as its files see it: export.c walks
 * the mailboxes, a struct export_format writes them.
 */
#ifndef MAILCTL_EXPORT_H
#define MAILCTL_EXPORT_H

#include "common/store/body.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/util/buf.h"

#define EXPORT_PATH 4200
#define EXPORT_DATE 40

/* A message and what is said of it. */
struct export_message {
	uint32_t uid;
	unsigned flags;        /* of enum message_flag */
	uint64_t keyword_bits; /* numbers of the mailbox's keywords, from 0 */
	struct str keywords;   /* their names, a space between */
	int64_t received_ms;
	struct body *body; /* to be read to its end */
	struct str begin;  /* what was read of it already */
	bool whole;        /* that is all of it */
	bool cut;          /* its last line has no end */
};

/* The mailbox that is written. */
struct export_box {
	const char *dir;  /* of the whole export */
	const char *name; /* of the mailbox */
	bool empty;
	const struct message_keywords *keywords; /* numbers are their order */
	char path[EXPORT_PATH];                  /* the format's */
	int fd;                                  /* the format's; -1 */
	uint64_t written;                        /* octets of messages */
};

/* Each: 0, or -1 with *f. */
struct export_format {
	const char *name;
	int (*open)(struct export_box *box, struct fail *f);
	int (*put)(
	    struct export_box *box, struct export_message *m, struct fail *f);
	int (*close)(struct export_box *box, struct fail *f);
};
extern const struct export_format export_mbox, export_maildir, export_eml;

/* The next octets of a message in *piece: 1, 0 that was all, -1.  *room is
 * used for them. */
int export_read(struct export_message *m, struct buf *room, struct str *piece,
    struct fail *f);

/* Make a folder and those above it. */
int export_mkdir(const char *path, struct fail *f);

int export_write(int fd, struct str octets, const char *path, struct fail *f);

/* A message's file is complete: give it its date and close it. */
int export_close(int fd, int64_t ms, const char *path, struct fail *f);

#endif
