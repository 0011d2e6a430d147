/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/body_write.h"
#include "common/store/hop_put.h"
#include "common/store/pending_internal.h"
#include "common/store/sealed.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_put[] =
    "INSERT INTO message (mailbox, uid, modseq, flags, received, size, body,"
    " trace, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char sql_names[] =
    "SELECT m.name, c.login FROM mailbox m JOIN account c ON c.id = m.account"
    " WHERE m.id = ?1";
static const char sql_journey[] =
    "INSERT INTO journey (trace, at, sender, message_id, size)"
    " VALUES (?1, ?2, '', ?3, ?4)";

struct append {
	struct message_box box;
	int64_t now_ms;
	char *name, *login; /* where to, for journeys */
};

/* As a journey has it: in brackets, or empty. */
static int
begin_journey(struct append *a, const struct message_new *m, struct fail *f)
{
	struct str refs = stage_sealed(m->stage)->info->refs;
	struct str id = str_cut(&refs, '\n');
	struct buf text;
	int rc;

	buf_init(&text, id.len + 2);
	if (id.len > 0)
		buf_addf(&text, "<%.*s>", STR_FMT(id));
	rc = sql_run(a->box.db, sql_journey, f, "iiti", m->trace, a->now_ms,
	    buf_str(&text), (int64_t)stage_size(m->stage));
	buf_release(&text);
	return rc;
}

static int
tell(struct append *a, const struct message_new *m, struct fail *f)
{
	struct hop delivered = {.trace = m->trace,
	    .at_ms = a->now_ms,
	    .daemon = m->hop != NULL ? m->hop->daemon : HOP_POPD,
	    .kind = HOP_DELIVERED,
	    .recipient = str_of(a->login),
	    .detail = str_of(a->name)};
	int64_t n = 0;

	if (m->trace == 0)
		return 0;
	if (begin_journey(a, m, f) == -1)
		return -1;
	if (m->hop != NULL) {
		struct hop first = *m->hop;

		first.trace = m->trace;
		if (hop_put(a->box.db, &first, ++n, f) == -1)
			return -1;
	}
	return hop_put(a->box.db, &delivered, ++n, f);
}

static int
put(struct append *a, const struct message_new *m, uint32_t uid, struct fail *f)
{
	uint64_t size = stage_size(m->stage);
	int64_t body;

	if (body_write(a->box.db, m->stage, 1, true, &body, f) == -1 ||
	    sql_run(a->box.db, sql_put, f, "iiiiiiiii", a->box.id, (int64_t)uid,
		message_box_next(&a->box), (int64_t)m->flags, m->received_ms,
		(int64_t)size, body, m->trace, a->now_ms) == -1)
		return -1;
	message_box_count(&a->box, m->flags, size, 1);
	return tell(a, m, f);
}

static int
find_names(struct append *a, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(a->box.db, sql_names, f, "i", a->box.id);
	int got = sql_step(st, f);

	if (got == -1)
		return -1;
	assert(got == 1); /* its counters were read just now */
	a->name = sql_dup(st, 0);
	a->login = sql_dup(st, 1);
	sqlite3_reset(st);
	return 0;
}

static int
put_all(struct append *a, const struct message_new *messages, size_t n,
    uint32_t *uids, struct fail *f)
{
	if (find_names(a, f) == -1)
		return -1;
	a->box.added = n > 0;
	for (size_t i = 0; i < n; i++) {
		uids[i] = a->box.uid_next++;
		if (put(a, &messages[i], uids[i], f) == -1)
			return -1;
	}
	return message_box_save(&a->box, f);
}

static int
has_room(const struct append *a, const struct message_new *messages, size_t n,
    struct fail *f)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += stage_size(messages[i].stage);
	return message_box_has_room(&a->box, bytes, n, f);
}

/* note: it is the server's own, for Pending. */
static int
append(struct db *db, int64_t mailbox, bool note,
    const struct message_new *messages, size_t n, int64_t now_ms,
    uint32_t *uids, int64_t *modseq, struct fail *f)
{
	struct append a = {.now_ms = now_ms};
	int rc = message_box_open(db, mailbox, &a.box, f);

	if (rc == 0)
		return fail(f, FAIL_PERM, "the mailbox is gone");
	if (rc == -1)
		return -1;
	if (a.box.pending && !note)
		return pending_refuse(f);
	if (has_room(&a, messages, n, f) == -1)
		return -1;
	rc = put_all(&a, messages, n, uids, f);
	*modseq = message_box_modseq(&a.box);
	free(a.name);
	free(a.login);
	return rc;
}

int
message_append(struct db *db, int64_t mailbox,
    const struct message_new *messages, size_t n, int64_t now_ms,
    uint32_t *uids, int64_t *modseq, struct fail *f)
{
	return append(db, mailbox, false, messages, n, now_ms, uids, modseq, f);
}

int
message_append_note(struct db *db, int64_t mailbox,
    const struct message_new *note, int64_t now_ms, uint32_t *uid,
    struct fail *f)
{
	int64_t modseq;

	return append(db, mailbox, true, note, 1, now_ms, uid, &modseq, f);
}
