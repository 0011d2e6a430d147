/* SPDX-License-Identifier: MIT */
/* schema: the numbered files of schema/, embedded at build. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

struct schema_step {
	const char *database; /* "mail", "auth"; NULL ends the table */
	int version;          /* PRAGMA user_version after it */
	const char *sql;
};

extern const struct schema_step schema_steps[];

#endif
