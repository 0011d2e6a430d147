/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/metadata.h"
#include "common/util/mem.h"
#include "popd/ops/box.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_out.h"

static_assert(METADATA_VALUE_MAX == IMAP_METADATA_VALUE_MAX, "limits differ");

#define SPECIAL_USE STR("/private/specialuse") /* RFC 6154 s4 */
#define ADMIN       STR("/shared/admin")       /* RFC 5464 s3.2.1.1 */

/* The mailbox an op is about: an all-zero one for the server. */
static int
find(struct db *db, struct imap_op *op, const char *name, struct mailbox *m)
{
	*m = (struct mailbox){0};
	return name[0] == '\0' ? 0 : box_find(db, op, name, m);
}

/* ---- GETMETADATA ---- */

struct getting {
	struct imap_getmetadata_op *o;
	size_t octets; /* gathered */
	bool *there;   /* of o->entries: it was found */
};

/* As the store orders names. */
static int
compare(struct str a, struct str b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		unsigned char x = (unsigned char)str_lower(a.at[i]);
		unsigned char y = (unsigned char)str_lower(b.at[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Is it the wanted entry, or one below it that is not too deep? */
static bool
is_within(struct str name, struct str wanted, enum imap_depth depth)
{
	struct str rest = str_after(name, wanted.len);
	size_t at;

	if (!str_starts_nocase(name, wanted))
		return false;
	if (rest.len == 0)
		return true;
	if (depth == IMAP_DEPTH_0 || !str_take(&rest, '/'))
		return false;
	return depth == IMAP_DEPTH_INFINITY || !str_find(rest, '/', &at);
}

static bool
is_wanted(struct getting *g, struct str name)
{
	struct str rest = buf_str(&g->o->entries);
	bool wanted = false;

	for (size_t i = 0; rest.len > 0; i++) {
		struct str entry = str_cut(&rest, '\0');

		g->there[i] |= str_eq_nocase(name, entry);
		wanted |= is_within(name, entry, g->o->depth);
	}
	return wanted;
}

/* Is it wanted, and not too long (RFC 5464 s4.2.1)? */
static bool
is_to_be_given(struct getting *g, struct str name, struct str value)
{
	struct imap_getmetadata_op *o = g->o;

	if (!is_wanted(g, name))
		return false;
	if (!o->has_max || value.len <= o->max)
		return true;
	if (value.len > o->longest)
		o->longest = value.len;
	return false;
}

static void
get_one(void *arg, struct str name, struct str value)
{
	struct getting *g = arg;
	struct imap_getmetadata_op *o = g->o;

	if (!is_to_be_given(g, name, value))
		return;
	if (o->after != NULL && compare(name, str_of(o->after)) <= 0)
		return;
	o->more |= g->octets >= IMAP_METADATA_PIECE;
	if (o->more)
		return;
	buf_add(&imap_entries_add(&o->found, name)->value, value);
	g->octets += name.len + value.len;
}

/* What the mailbox is for, as an entry; once, behind those that are stored. */
static void
get_special_use(struct getting *g, unsigned special)
{
	struct buf uses;

	if ((special & IMAP_USES) == 0)
		return;
	buf_init(&uses, KB);
	imap_uses_write(&uses, special);
	if (is_to_be_given(g, SPECIAL_USE, buf_str(&uses)))
		buf_add(&imap_entries_add(&g->o->found, SPECIAL_USE)->value,
		    buf_str(&uses));
	buf_release(&uses);
}

/* What was asked for by its name and is not there has no value. */
static void
get_nil(struct getting *g)
{
	struct str rest = buf_str(&g->o->entries);

	for (size_t i = 0; rest.len > 0; i++) {
		struct str entry = str_cut(&rest, '\0');

		if (!g->there[i])
			imap_entries_add(&g->o->found, entry)->nil = true;
	}
}

static size_t
count_entries(struct str entries)
{
	size_t n = 0;

	for (size_t i = 0; i < entries.len; i++)
		n += entries.at[i] == '\0';
	return n;
}

int
imap_run_getmetadata(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_getmetadata_op *o = (struct imap_getmetadata_op *)op;
	struct getting g = {.o = o};
	struct mailbox m;
	int rc;

	(void)c;
	if (find(db, op, o->mailbox, &m) == -1)
		return -1;
	g.there = mem_new(count_entries(buf_str(&o->entries)), sizeof(bool));
	rc = metadata_each(db, op->account, m.id, get_one, &g, &op->fail);
	if (rc == 0 && !o->more) {
		get_special_use(&g, m.special);
		if (o->depth == IMAP_DEPTH_0)
			get_nil(&g);
	}
	free(g.there);
	return rc;
}

/* ---- SETMETADATA ---- */

/* Some are the server's. */
static int
may_set(struct imap_op *op, int64_t mailbox, struct str name)
{
	if (mailbox != 0 && str_eq_nocase(name, SPECIAL_USE)) {
		op->code = IMAP_CODE_CANNOT;
		return fail(&op->fail, FAIL_PERM,
		    "The use of a mailbox is given when it is created");
	}
	if (mailbox == 0 && str_eq_nocase(name, ADMIN)) {
		op->code = IMAP_CODE_NOPERM;
		return fail(
		    &op->fail, FAIL_PERM, "The administrator sets this entry");
	}
	return 0;
}

static int
set_one(struct db *db, struct imap_op *op, int64_t mailbox,
    const struct imap_entry *e)
{
	struct str value = buf_str(&e->value);
	int got;

	if (may_set(op, mailbox, str_of(e->name)) == -1)
		return -1;
	got = metadata_set(db, op->account, mailbox, str_of(e->name),
	    e->nil ? NULL : &value, &op->fail);
	if (got != 0)
		return got == 1 ? 0 : -1;
	op->code = IMAP_CODE_TOOMANY;
	return fail(&op->fail, FAIL_PERM, "There are too many annotations");
}

/* RFC 5464 s4.4.2: what has changed, without values. */
static void
tell(struct imap_op *op, const struct imap_setmetadata_op *o, int64_t mailbox)
{
	struct imap_news *news = imap_op_news(op, IMAP_NEWS_METADATA, mailbox);
	struct buf names;

	buf_init(&names, MB);
	for (size_t i = 0; i < o->entries.n; i++) {
		if (i > 0)
			buf_add_char(&names, ' ');
		imap_out_astring(&names, str_of(o->entries.at[i].name), false);
	}
	news->old_name = buf_take(&names);
	if (mailbox != 0)
		news->name = mem_dup(str_of(o->mailbox));
}

int
imap_run_setmetadata(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_setmetadata_op *o = (struct imap_setmetadata_op *)op;
	struct mailbox m;

	(void)c;
	if (find(db, op, o->mailbox, &m) == -1)
		return -1;
	for (size_t i = 0; i < o->entries.n; i++)
		if (set_one(db, op, m.id, &o->entries.at[i]) == -1)
			return -1;
	tell(op, o, m.id);
	return 0;
}
