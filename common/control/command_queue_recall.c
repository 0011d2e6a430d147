/* SPDX-License-Identifier: MIT */
/* Take back what has not gone yet, and say of the rest what became of it. */
#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/queue.h"
#include "common/util/mem.h"

enum {
	ID,
	AS
};

#define GONE_MOST 100

struct recall {
	struct call *call;
	size_t changed;
	json_t *gone;    /* recipients that it is too late for */
	struct buf last; /* the last one's end, as a sentence */
};

/* How a recipient's way ends, for a sentence that begins with "it". */
static const struct ending {
	enum hop_kind kind;
	const char *verb, *joint;
	bool here; /* tells the recipient, not the server */
} endings[] = {
    {HOP_RELAYED,   "has gone: relayed",            " to ", false},
    {HOP_DELIVERED, "has gone: delivered here",     " to ", true },
    {HOP_FAILED,    "was refused and returned",     " by ", false},
    {HOP_EXPIRED,   "was returned, nobody took it", " at ", false},
    {HOP_DROPPED,   "was dropped by a person",      "",     true },
    {HOP_RECALLED,  "was recalled already",         "",     true },
};

static const struct ending *
ending_of(enum hop_kind kind)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (endings[i].kind == kind)
			return &endings[i];
	return NULL;
}

static void
ignore_head(void *arg, const struct journey *j)
{
	(void)arg;
	(void)j;
}

static void
take_hop(void *arg, const struct hop *h)
{
	struct recall *r = arg;
	const struct ending *e = ending_of(h->kind);
	json_t *at;

	if (e == NULL)
		return;
	struct str who = e->here ? h->recipient : h->peer;
	at = call_json_time(h->at_ms);
	buf_clear(&r->last);
	buf_addf(&r->last, "it %s", e->verb);
	if (e->joint[0] != '\0' && who.len > 0)
		buf_addf(
		    &r->last, "%s%.*s", e->joint, STR_FMT(str_first(who, 100)));
	buf_addf(&r->last, ", %s", json_string_value(at));
	if (json_array_size(r->gone) < GONE_MOST)
		json_array_append_new(
		    r->gone, json_pack("{s:o, s:s, s:o, s:O}", "recipient",
				 call_json_text(h->recipient), "what",
				 hop_kind_word(h->kind), "peer",
				 call_json_text(h->peer), "at", at));
	json_decref(at);
}

/* Is it somebody's, and whose?  No row: nothing waits. */
static int
owner(struct db *db, int64_t trace, int64_t *account, struct fail *f)
{
	struct queue_list l;
	int rc = queue_read(
	    db, &(struct queue_filter){.trace = trace}, 0, 1, &l, f);

	if (rc == 0 && l.n > 0) {
		*account = l.entries[0].account;
		rc = 1;
	}
	queue_list_release(&l);
	return rc;
}

static int
check_owner(
    struct db *db, const struct call *call, int64_t account, struct fail *f)
{
	struct account info;
	struct str as = buf_str(&call->args[AS].text);
	int got;

	if (account == 0)
		return fail(f, FAIL_PERM,
		    "no account here has sent it, so nobody can recall it: "
		    "`mailctl queue drop' makes it go away");
	if (!call->args[AS].given)
		return 0;
	got = account_find(db, as, &info, f);
	if (got == -1)
		return -1;
	if (got == 1 && info.id == account)
		return 0;
	return fail(
	    f, FAIL_PERM, "%.100s has not sent it", call->args[AS].text.data);
}

static int
recall(struct db *db, void *arg, struct fail *f)
{
	struct recall *r = arg;
	int64_t trace = r->call->args[ID].number, account = 0;
	struct queue_command c = {.order = QUEUE_RECALL,
	    .which = {.trace = trace},
	    .now_ms = r->call->now_ms};
	int got = owner(db, trace, &account, f), known;

	if (got == -1)
		return -1;
	known = journey_read(db, trace, ignore_head, take_hop, r, f);
	if (known == -1)
		return -1;
	if (got == 0 && known == 0)
		return fail(f, FAIL_PERM, "there was no message of this id");
	if (got == 0)
		return fail(f, FAIL_PERM, "%.200s",
		    r->last.len > 0 ? r->last.data
				    : "nothing of it waits in the queue");
	c.which.account = account;
	if (check_owner(db, r->call, account, f) == -1)
		return -1;
	return queue_change(db, &c, &r->changed, f);
}

int
call_queue_recall(struct call *call, struct fail *f)
{
	struct recall r = {.call = call, .gone = json_array()};
	int rc;

	buf_init(&r.last, KB);
	rc = db_write(call->control->mail, recall, &r, f);
	buf_release(&r.last);
	if (rc == -1) {
		json_decref(r.gone);
		return -1;
	}
	json_object_set_new(
	    call->reply, "changed", json_integer((json_int_t)r.changed));
	json_object_set_new(call->reply, "gone", r.gone);
	return 0;
}
