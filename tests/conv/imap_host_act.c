/* SPDX-License-Identifier: MIT */
/* What somebody else does in mid-conversation: the `do' lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/store/account.h"
#include "common/store/delivery.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/store/metadata.h"
#include "common/store/pending.h"
#include "popd/proto/imap_arg.h"
#include "tests/conv/imap_host.h"

#define DIR     "tests/conv/imap/messages"
#define NOW_MS  ((int64_t)IMAP_HOST_NOW_S * 1000)
#define DAY_MS  ((int64_t)86400000)
#define ACTOR   STR("alice@d.test") /* she, in another session */
#define UID_MAX 100000

struct act {
	struct imap_host *h;
	int64_t account;
	struct str words; /* those not yet used */
	struct mailbox box;
	struct imap_news news;
	struct trace_source traces;
	bool understood;
};

static int
want_box(struct db *db, struct act *a, struct str name, struct fail *f)
{
	int found = mailbox_find(db, a->account, name, &a->box, f);

	if (found == 0)
		return fail(f, FAIL_PERM, "no mailbox %.*s", STR_FMT(name));
	a->news.mailbox = a->box.id;
	return found == -1 ? -1 : 0;
}

/* A message: lines of the file, with CRLF. */
static struct stage *
load(struct act *a, struct str file, struct fail *f)
{
	struct stage *s = stage_new(imap_host_dir(a->h));
	struct buf text;
	struct str rest;
	char path[256];
	FILE *in;

	snprintf(path, sizeof(path), DIR "/%.*s", STR_FMT(file));
	in = fopen(path, "rb");
	if (in == NULL)
		imap_host_die(path, "not there");
	buf_init(&text, 64 * MB);
	for (size_t n = 1; n > 0; buf_added(&text, n))
		n = fread(buf_reserve(&text, 64 * KB), 1, 64 * KB, in);
	fclose(in);
	for (rest = buf_str(&text); rest.len > 0;) {
		struct str before = rest, line = str_cut(&rest, '\n');

		stage_add(s, line);
		if (line.len < before.len)
			stage_add(s, STR("\r\n"));
	}
	buf_release(&text);
	if (stage_seal(s, STR(""), f) == -1)
		imap_host_die("stage", f->text);
	return s;
}

/* do deliver FILE */
static int
act_deliver(struct db *db, struct act *a, struct fail *f)
{
	struct delivery_target to = {.account = a->account, .address = ACTOR};
	struct stage *stage = load(a, str_cut(&a->words, ' '), f);
	struct delivery d = {.trace = hop_new_trace(&a->traces),
	    .stage = stage,
	    .sender = STR("sender@remote.test"),
	    .now_ms = NOW_MS,
	    .expires_ms = NOW_MS + DAY_MS,
	    .daemon = HOP_SMTPD,
	    .targets = &to,
	    .n_targets = 1};
	int rc = delivery_run(db, &d, NULL, NULL, f);

	stage_free(stage);
	a->news.kinds = IMAP_NEWS_MESSAGES;
	return rc == -1 ? -1 : want_box(db, a, STR("INBOX"), f);
}

/* do wait FILE: she has sent it, it is held, and this is its note too */
static int
act_wait(struct db *db, struct act *a, struct fail *f)
{
	struct delivery_target to = {.address = STR("x@remote.test")};
	struct str file = str_cut(&a->words, ' ');
	struct stage *stage = load(a, file, f), *note = load(a, file, f);
	struct delivery d = {.trace = hop_new_trace(&a->traces),
	    .stage = stage,
	    .sender = ACTOR,
	    .now_ms = NOW_MS,
	    .expires_ms = NOW_MS + DAY_MS,
	    .hold_until_ms = NOW_MS + DAY_MS,
	    .account = a->account,
	    .daemon = HOP_SMTPD,
	    .targets = &to,
	    .n_targets = 1};
	struct pending_walk walk = {.off = false};
	struct pending_change change;
	size_t n = 0;
	int rc = delivery_run(db, &d, NULL, NULL, f);

	if (rc == 0)
		rc = pending_look(db, &walk, NOW_MS, &change, 1, &n, f);
	if (rc == 0 && n == 1)
		rc = pending_put(db, &change, note, NOW_MS, &a->box.id, f);
	stage_free(stage);
	stage_free(note);
	a->news.kinds = IMAP_NEWS_MESSAGES;
	return rc == -1 ? -1 : want_box(db, a, STR("Pending"), f);
}

static int
take_flags(struct db *db, struct act *a, struct str words, uint64_t *flags,
    struct fail *f)
{
	struct imap_args args = {.rest = words};
	struct buf names;
	struct str rest;
	uint64_t bits;
	int rc = 0;

	*flags = 0;
	buf_init(&names, 4 * KB);
	if (words.len > 0 && !imap_arg_flags(&args, false, flags, &names))
		rc = fail(f, FAIL_SYNTAX, "flags: %.*s", STR_FMT(words));
	for (rest = buf_str(&names); rc == 0 && rest.len > 0;) {
		struct str name = str_cut(&rest, '\0');

		if (message_keyword_bits(db, a->box.id, &name, 1, &bits, f) !=
		    1)
			rc = -1;
		*flags |= bits;
	}
	buf_release(&names);
	return rc;
}

/* do append MAILBOX FILE [FLAG...] */
static int
act_append(struct db *db, struct act *a, struct fail *f)
{
	struct message_new new = {.received_ms = NOW_MS};
	struct stage *stage;
	int64_t modseq;
	uint32_t uid;
	int rc;

	if (want_box(db, a, str_cut(&a->words, ' '), f) == -1)
		return -1;
	new.stage = stage = load(a, str_cut(&a->words, ' '), f);
	rc = take_flags(db, a, a->words, &new.flags, f);
	if (rc == 0)
		rc = message_append(
		    db, a->box.id, &new, 1, NOW_MS, &uid, &modseq, f);
	stage_free(stage);
	a->news.kinds = IMAP_NEWS_MESSAGES;
	return rc;
}

/* MAILBOX UIDS of the words, as an array. */
static int
take_uids(
    struct db *db, struct act *a, uint32_t **uids, size_t *n, struct fail *f)
{
	struct seqset set = {.ranges = NULL};
	struct str given;

	if (want_box(db, a, str_cut(&a->words, ' '), f) == -1)
		return -1;
	given = str_cut(&a->words, ' ');
	if (seqset_take(&given, &set) != 1 || given.len > 0)
		return fail(f, FAIL_SYNTAX, "UIDs");
	seqset_resolve(&set, a->box.uid_next);
	*n = seqset_count(&set) < UID_MAX ? (size_t)seqset_count(&set)
	                                  : UID_MAX;
	*uids = mem_new(*n + 1, sizeof(**uids));
	for (size_t i = 0; i < *n; i++)
		(*uids)[i] = seqset_at(&set, i);
	seqset_release(&set);
	return 0;
}

/* do flags MAILBOX UIDS +FLAG..., -FLAG..., or FLAG... */
static int
act_flags(struct db *db, struct act *a, struct fail *f)
{
	enum message_store how = MESSAGE_SET;
	struct message_change *changes = NULL;
	uint32_t *uids = NULL;
	uint64_t flags;
	int64_t modseq;
	size_t n, n_out;
	int rc;

	if (take_uids(db, a, &uids, &n, f) == -1)
		return -1;
	if (str_take(&a->words, '+'))
		how = MESSAGE_ADD;
	else if (str_take(&a->words, '-'))
		how = MESSAGE_REMOVE;
	rc = take_flags(db, a, a->words, &flags, f);
	if (rc == 0)
		rc = message_set_flags(db, a->box.id, uids, n, how, flags,
		    INT64_MAX, &changes, &n_out, &modseq, f);
	free(changes);
	free(uids);
	a->news.kinds = IMAP_NEWS_MESSAGES;
	return rc;
}

/* do expunge MAILBOX UIDS */
static int
act_expunge(struct db *db, struct act *a, struct fail *f)
{
	struct hop who = {
	    .daemon = HOP_POPD, .peer = STR("192.0.2.2"), .at_ms = NOW_MS};
	uint32_t *uids = NULL;
	int64_t modseq;
	size_t n, removed;
	int rc;

	if (take_uids(db, a, &uids, &n, f) == -1)
		return -1;
	rc = message_expunge(
	    db, a->box.id, uids, n, false, &who, NULL, &removed, &modseq, f);
	free(uids);
	a->news.kinds = IMAP_NEWS_MESSAGES;
	return rc;
}

static int
judge(enum mailbox_refusal refusal, struct fail *f)
{
	return refusal == MAILBOX_DONE ? 0 : fail(f, FAIL_PERM, "refused");
}

/* do create NAME */
static int
act_create(struct db *db, struct act *a, struct fail *f)
{
	enum mailbox_refusal refusal;
	struct fail why;

	if (mailbox_add(db, a->account, a->words, 0, NOW_MS, &a->news.mailbox,
		&refusal, &why) == -1)
		return fail(f, FAIL_TEMP, "%s", why.text);
	a->news.kinds = IMAP_NEWS_NAME;
	a->news.name = mem_dup(a->words);
	return judge(refusal, f);
}

/* do delete NAME */
static int
act_delete(struct db *db, struct act *a, struct fail *f)
{
	struct hop who = {.daemon = HOP_POPD, .at_ms = NOW_MS};
	enum mailbox_refusal refusal;

	if (want_box(db, a, a->words, f) == -1 ||
	    mailbox_remove(db, a->account, a->words, &who, &refusal, f) == -1)
		return -1;
	a->news.kinds = IMAP_NEWS_NAME;
	a->news.old_name = mem_dup(a->words);
	return judge(refusal, f);
}

/* do rename FROM TO */
static int
act_rename(struct db *db, struct act *a, struct fail *f)
{
	struct str from = str_cut(&a->words, ' ');
	enum mailbox_refusal refusal;

	if (want_box(db, a, from, f) == -1 ||
	    mailbox_rename(
		db, a->account, from, a->words, NOW_MS, &refusal, f) == -1)
		return -1;
	a->news.kinds = IMAP_NEWS_NAME;
	a->news.old_name = mem_dup(from);
	a->news.name = mem_dup(a->words);
	return judge(refusal, f);
}

static int
subscribe(struct db *db, struct act *a, bool on, struct fail *f)
{
	struct mailbox box;

	if (mailbox_find(db, a->account, a->words, &box, f) == 1)
		a->news.mailbox = box.id;
	a->news.kinds = IMAP_NEWS_SUBSCRIPTION;
	a->news.name = mem_dup(a->words);
	return mailbox_subscribe(db, a->account, a->words, on, f);
}

/* do subscribe NAME */
static int
act_subscribe(struct db *db, struct act *a, struct fail *f)
{
	return subscribe(db, a, true, f);
}

/* do unsubscribe NAME */
static int
act_unsubscribe(struct db *db, struct act *a, struct fail *f)
{
	return subscribe(db, a, false, f);
}

/* do annotate MAILBOX ENTRY VALUE; MAILBOX "" for the account */
static int
act_annotate(struct db *db, struct act *a, struct fail *f)
{
	struct str name = str_cut(&a->words, ' ');
	struct str entry = str_cut(&a->words, ' ');

	if (!str_eq(name, STR("\"\"")) && want_box(db, a, name, f) == -1)
		return -1;
	a->news.kinds = IMAP_NEWS_METADATA;
	a->news.old_name = mem_dup(entry);
	a->news.name = mem_dup(
	    a->news.mailbox != 0 ? name : (struct str){NULL, 0});
	return metadata_set(
		   db, a->account, a->news.mailbox, entry, &a->words, f) == 1
	           ? 0
	           : -1;
}

/* do quota OCTETS */
static int
act_quota(struct db *db, struct act *a, struct fail *f)
{
	uint64_t n;

	if (!str_to_u64(a->words, INT64_MAX, &n))
		return fail(f, FAIL_SYNTAX, "octets");
	return account_set_quota(db, ACTOR, n, f);
}

static const struct {
	const char *name;
	int (*run)(struct db *db, struct act *a, struct fail *f);
} acts[] = {
    {"deliver",     act_deliver    },
    {"wait",        act_wait       },
    {"append",      act_append     },
    {"flags",       act_flags      },
    {"expunge",     act_expunge    },
    {"create",      act_create     },
    {"delete",      act_delete     },
    {"rename",      act_rename     },
    {"subscribe",   act_subscribe  },
    {"unsubscribe", act_unsubscribe},
    {"annotate",    act_annotate   },
    {"quota",       act_quota      },
};

static int
run(struct db *db, void *arg, struct fail *f)
{
	struct act *a = arg;
	struct str verb = str_cut(&a->words, ' ');

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (str_eq(verb, str_of(acts[i].name))) {
			a->understood = true;
			return acts[i].run(db, a, f);
		}
	return 0;
}

/* do trouble [AFTER], do trouble over: false, these are other words */
static bool
act_trouble(struct imap_host *h, struct str words)
{
	size_t after = 0;

	if (!str_eq(str_cut(&words, ' '), STR("trouble")))
		return false;
	if (str_eq(words, STR("over")))
		imap_host_trouble(h, false, 0);
	else if (words.len > 0 && !str_to_size(words, 1000, &after))
		imap_host_die("do trouble", "a number is expected");
	else
		imap_host_trouble(h, true, after);
	return true;
}

/* Two backslashes are one, as in what is said. */
static char *
unescape(struct str words)
{
	char *text = mem_dup(words);
	size_t n = 0;

	for (size_t i = 0; i < words.len; i++)
		if (text[i] != '\\' || n == 0 || text[n - 1] != '\\')
			text[n++] = text[i];
	text[n] = '\0';
	return text;
}

bool
imap_host_act(struct imap_host *h, struct str words)
{
	static const struct {
		const char *name;
		enum imap_goodbye why;
	} goodbyes[] = {
	    {"shutdown", IMAP_SHUTDOWN     },
	    {"idle",     IMAP_IDLE_TOO_LONG},
	};
	char *text;
	struct act a = {.h = h};
	struct fail f;

	if (act_trouble(h, words))
		return true;
	text = unescape(words);
	a.words = str_of(text);
	for (size_t i = 0; i < 2; i++)
		if (str_eq(words, str_of(goodbyes[i].name))) {
			imap_goodbye(imap_host_engine(h), goodbyes[i].why);
			imap_host_feed(h, STR(""));
			free(text);
			return true;
		}
	a.account = imap_host_account(h, ACTOR);
	a.traces.clock = imap_host_clock(h);
	if (db_write(imap_host_db(h), run, &a, &f) == -1)
		imap_host_die("do", f.text);
	if (a.understood)
		imap_host_changed(h, &a.news);
	free(a.news.name);
	free(a.news.old_name);
	free(text);
	return a.understood;
}
