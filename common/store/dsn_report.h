/* SPDX-License-Identifier: MIT */
/*
 * dsn_report: good news somebody asked for (RFC 3461 NOTIFY=SUCCESS), written
 * with the change it tells of, until maild has sent it.
 *
 * A row holds the body of its message, for the header.
 */
#ifndef STORE_DSN_REPORT_H
#define STORE_DSN_REPORT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

enum dsn_report_action { /* the numbers are on disk */
	DSN_REPORT_DELIVERED = 1,
	DSN_REPORT_RELAYED = 2,
	DSN_REPORT_EXPANDED = 3,
};

struct dsn_report {
	int64_t trace; /* of the message */
	enum dsn_report_action action;
	struct str sender; /* who is told; never empty */
	struct str recipient;
	struct str original_recipient; /* ORCPT as given, or empty */
	struct str envelope_id;        /* ENVID, or empty */
	int ret;
	bool require_tls;
	int64_t body;
	uint64_t skip;    /* octets of Return-Path in it */
	struct str host;  /* that took it, or empty */
	struct str reply; /* its words, or empty */
	int64_t arrived_ms, at_ms;
};

/* In the write transaction of what it tells of. */
int dsn_report_put(struct db *db, const struct dsn_report *r, struct fail *f);

struct dsn_report_row {
	int64_t n;
	struct dsn_report r; /* its strings are in text */
	char *text[6];       /* malloc'd */
};

struct dsn_report_list {
	struct dsn_report_row *rows;
	size_t n;
};
void dsn_report_list_release(struct dsn_report_list *l);

/* What one sender is to be told of one message: rows of one action, at most
 * max. Empty when nobody is to be told anything. */
int dsn_report_next(
    struct db *db, size_t max, struct dsn_report_list *out, struct fail *f);

/* They were told: in the write transaction of what tells them. */
int dsn_report_remove(
    struct db *db, const struct dsn_report_list *l, struct fail *f);

#endif
