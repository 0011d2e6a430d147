/* SPDX-License-Identifier: MIT */
#include "common/store/import.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_find[] = "SELECT id, position, digest FROM import"
			       " WHERE mailbox = ?1 AND source = ?2";
static const char sql_forget[] =
    "DELETE FROM import WHERE mailbox = ?1 AND source = ?2";
static const char sql_begin[] =
    "INSERT INTO import (mailbox, source) VALUES (?1, ?2)";
static const char sql_set[] =
    "UPDATE import SET position = ?2, digest = ?3 WHERE id = ?1";
static const char sql_add_names[] =
    "INSERT INTO import_done (import, n, names) SELECT ?1,"
    " (SELECT ifnull(max(n), 0) + 1 FROM import_done WHERE import = ?1), ?2";
static const char sql_names[] =
    "SELECT names FROM import_done WHERE import = ?1 ORDER BY n";

int
import_find(struct db *db, int64_t mailbox, struct str source,
    struct import_mark *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "it", mailbox, source);
	int got = sql_step(st, f);
	struct str digest;

	*out = (struct import_mark){0};
	if (got != 1)
		return got;
	out->id = sql_int(st, 0);
	out->position = (uint64_t)sql_int(st, 1);
	digest = sql_text(st, 2);
	out->has_digest = digest.len == IMPORT_DIGEST;
	if (out->has_digest)
		memcpy(out->digest, digest.at, IMPORT_DIGEST);
	sqlite3_reset(st);
	return 1;
}

int
import_begin(struct db *db, int64_t mailbox, struct str source, int64_t *id,
    struct fail *f)
{
	if (sql_run(db, sql_forget, f, "it", mailbox, source) == -1 ||
	    sql_run(db, sql_begin, f, "it", mailbox, source) == -1)
		return -1;
	*id = sqlite3_last_insert_rowid(db->sqlite);
	return 0;
}

int
import_set(struct db *db, int64_t id, uint64_t position,
    const char digest[IMPORT_DIGEST], struct fail *f)
{
	struct str octets = {digest, IMPORT_DIGEST};

	return sql_run(db, sql_set, f, "iib", id, (int64_t)position, octets);
}

int
import_add_names(struct db *db, int64_t id, struct str names, struct fail *f)
{
	return sql_run(db, sql_add_names, f, "ib", id, names);
}

int
import_names(struct db *db, int64_t id, struct buf *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_names, f, "i", id);
	int got;

	while ((got = sql_step(st, f)) == 1)
		buf_add(out, sql_text(st, 0));
	return got;
}

struct import_digest {
	crypto_generichash_state state;
};

struct import_digest *
import_digest_new(void)
{
	struct import_digest *d = NULL;

	/* libsodium wants its state on 64 octets */
	if (posix_memalign((void **)&d, 64, sizeof(*d)) != 0)
		abort();
	crypto_generichash_init(&d->state, NULL, 0, IMPORT_DIGEST);
	return d;
}

void
import_digest_add(struct import_digest *d, struct str octets)
{
	if (octets.len > 0)
		crypto_generichash_update(
		    &d->state, (const unsigned char *)octets.at, octets.len);
}

void
import_digest_now(const struct import_digest *d, char out[IMPORT_DIGEST])
{
	crypto_generichash_state copy = d->state;

	crypto_generichash_final(&copy, (unsigned char *)out, IMPORT_DIGEST);
}

void
import_digest_free(struct import_digest *d)
{
	free(d);
}

void
import_name_digest(struct str name, char out[IMPORT_NAME])
{
	crypto_generichash((unsigned char *)out, IMPORT_NAME,
	    (const unsigned char *)name.at, name.len, NULL, 0);
}
