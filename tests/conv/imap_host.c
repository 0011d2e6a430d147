/* SPDX-License-Identifier: MIT */
#include "tests/conv/imap_host.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/account.h"
#include "common/store/body.h"
#include "common/store/hop.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

#define SAID_MAX    (256 * MB)
#define STAGES_MAX  1000
#define MIRRORS_MAX 64
#define QUOTA       (1 * MB)

_Noreturn void
imap_host_die(const char *what, const char *why)
{
	fprintf(stderr, "imap_host: %s: %s\n", what, why);
	abort();
}

/* ---- stores ---- */

struct imap_host_store {
	char dir[64];
};

static const struct {
	const char *login;
	uint64_t quota;
} people[] = {
    {"alice@d.test", 0    },
    {"bob@d.test",   0    },
    {"carol@e.test", 0    },
    {"quota@d.test", QUOTA},
};

static void
make_dir(char dir[64])
{
	bool shm = access("/dev/shm", W_OK) == 0; /* it is faster there */

	snprintf(
	    dir, 64, "%s/pennypost-imap-XXXXXX", shm ? "/dev/shm" : "/tmp");
	if (mkdtemp(dir) == NULL)
		imap_host_die(dir, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st, (void)type, (void)w;
	return remove(path);
}

static void
remove_dir(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct db *
open_store(const char *dir)
{
	struct fail f;
	struct db *db = db_open(dir, DB_MAIL, DB_WRITER, &f);

	if (db == NULL)
		imap_host_die(dir, f.text);
	return db;
}

static int
add_people(struct db *db, void *arg, struct fail *f)
{
	int64_t now = (int64_t)IMAP_HOST_NOW_S * 1000, id;

	(void)arg;
	if (domain_add(db, STR("d.test"), now, f) == -1 ||
	    domain_add(db, STR("e.test"), now, f) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		if (account_add(db, str_of(people[i].login), people[i].quota,
			now, &id, f) == -1)
			return -1;
	return 0;
}

struct imap_host_store *
imap_host_store_new(void)
{
	struct imap_host_store *s = MEM_NEW(struct imap_host_store);
	struct fail f;
	struct db *db;

	make_dir(s->dir);
	db = open_store(s->dir);
	if (db_write(db, add_people, NULL, &f) == -1)
		imap_host_die("people", f.text);
	db_close(db);
	return s;
}

void
imap_host_store_free(struct imap_host_store *s)
{
	remove_dir(s->dir);
	free(s);
}

static void
copy_file(const char *from_dir, const char *to_dir, const char *name)
{
	char from[128], to[128], octets[16384];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof(from), "%s/%s", from_dir, name);
	snprintf(to, sizeof(to), "%s/%s", to_dir, name);
	in = fopen(from, "rb");
	if (in == NULL)
		return; /* there need be no log */
	out = fopen(to, "wb");
	while (out != NULL && (n = fread(octets, 1, sizeof(octets), in)) > 0)
		fwrite(octets, 1, n, out);
	if (out == NULL || fclose(out) != 0)
		imap_host_die(to, strerror(errno));
	fclose(in);
}

/* ---- a session ---- */

struct imap_host {
	struct imap_host_options o;
	struct imap *imap;
	char dir[64];
	struct db *db;
	struct clock clock;
	struct trace_source traces;
	int64_t account;
	char login[64];
	struct mirror *mirrors[MIRRORS_MAX];
	size_t n_mirrors;
	struct stage *stages[STAGES_MAX];
	size_t n_stages;
	struct buf said;
	bool securing, closed;
	bool trouble;
	size_t trouble_after; /* so many ops still go well */
};

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return (int64_t)IMAP_HOST_NOW_S * 1000;
}

/* What the engine said goes to the client at once. */
static void
drain(struct imap_host *h)
{
	struct buf *out = imap_output(h->imap);

	assert(!out->overrun);
	buf_add(&h->said, buf_str(out));
	buf_drop(out, out->len);
}

struct imap_host *
imap_host_new(
    const struct imap_host_store *s, const struct imap_host_options *o)
{
	struct imap_host *h = MEM_NEW(struct imap_host);

	h->o = *o;
	make_dir(h->dir);
	copy_file(s->dir, h->dir, "mail.db");
	copy_file(s->dir, h->dir, "mail.db-wal");
	h->db = open_store(h->dir);
	h->clock = (struct clock){.wall_ms = now_ms, .mono_ms = now_ms};
	h->traces.clock = &h->clock;
	buf_init(&h->said, SAID_MAX);
	h->imap = imap_new(&o->engine);
	drain(h);
	return h;
}

static void
drop_stages(struct imap_host *h)
{
	while (h->n_stages > 0)
		stage_free(h->stages[--h->n_stages]);
}

void
imap_host_free(struct imap_host *h)
{
	imap_free(h->imap);
	drop_stages(h);
	for (size_t i = 0; i < h->n_mirrors; i++)
		mirror_free(h->mirrors[i]);
	db_close(h->db);
	remove_dir(h->dir);
	buf_release(&h->said);
	free(h);
}

/* ---- mirrors ---- */

struct look {
	int64_t mailbox, modseq;
	uint32_t uid_next;
	struct mirror *mirror;
	struct ops_refresh refresh;
	int found;
};

static int
look_all(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	l->found = ops_mirror(db, l->mailbox, &l->mirror, f);
	return l->found == -1 ? -1 : 0;
}

static int
look_again(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	l->found = ops_refresh(
	    db, l->mailbox, l->modseq, l->uid_next, &l->refresh, f);
	return l->found == -1 ? -1 : 0;
}

static struct mirror *
find_mirror(struct imap_host *h, int64_t mailbox)
{
	for (size_t i = 0; i < h->n_mirrors; i++)
		if (mirror_facts(h->mirrors[i])->mailbox == mailbox)
			return h->mirrors[i];
	return NULL;
}

/* Bring it up to date.  expected: nothing may have happened that it was not
 * told of. */
static void
refresh(struct imap_host *h, struct mirror *m, bool expected)
{
	const struct mirror_facts *facts = mirror_facts(m);
	struct look l = {.mailbox = facts->mailbox,
	    .modseq = facts->modseq,
	    .uid_next = facts->uid_next};
	struct fail f;

	if (mirror_gone(m))
		return;
	if (db_read(h->db, look_again, &l, &f) == -1)
		imap_host_die("refresh", f.text);
	if (l.found == 0) {
		mirror_set_gone(m);
		return;
	}
	if (expected &&
	    (l.refresh.delta.n_messages > 0 || l.refresh.delta.n_gone > 0))
		imap_host_die("refresh", "the op did not tell all it did");
	if (!mirror_apply(m, &l.refresh.delta))
		imap_host_die("refresh", "does not fit");
	for (unsigned i = 0; i < 64; i++)
		if (l.refresh.keywords[i] != NULL)
			mirror_set_keyword(m, i, str_of(l.refresh.keywords[i]));
	ops_refresh_release(&l.refresh);
}

static struct mirror *
have_mirror(struct imap_host *h, int64_t mailbox)
{
	struct mirror *m = find_mirror(h, mailbox);
	struct look l = {.mailbox = mailbox};
	struct fail f;

	if (m != NULL) {
		refresh(h, m, false);
		return mirror_gone(m) ? NULL : m;
	}
	if (db_read(h->db, look_all, &l, &f) == -1)
		imap_host_die("mirror", f.text);
	if (l.found == 0)
		return NULL;
	if (h->n_mirrors == MIRRORS_MAX)
		imap_host_die("mirror", "too many mailboxes");
	return h->mirrors[h->n_mirrors++] = l.mirror;
}

void
imap_host_changed(struct imap_host *h, const struct imap_news *news)
{
	struct mirror *m = find_mirror(h, news->mailbox);

	if (m != NULL)
		refresh(h, m, false);
	if (news->mailbox != 0 && imap_selected(h->imap) == news->mailbox)
		imap_poke(h->imap, NULL);
	if (imap_wants_news(h->imap))
		imap_poke(h->imap, news);
	imap_host_feed(h, (struct str){NULL, 0});
}

/* ---- events ---- */

struct job {
	struct imap_host *h;
	struct imap_op *op;
	struct ops_context context;
};

static int
run_op(struct db *db, void *arg, struct fail *f)
{
	struct job *job = arg;

	if (ops_run(db, &job->context, job->op) == 0)
		return 0;
	*f = job->op->fail;
	return -1;
}

/* Does the store fail this time? */
static bool
is_troubled(struct imap_host *h)
{
	if (!h->trouble)
		return false;
	if (h->trouble_after == 0)
		return true;
	h->trouble_after--;
	return false;
}

static void
carry_out(struct imap_host *h, struct imap_op *op)
{
	struct job job = {
	    h, op,
	    {.login = str_of(h->login),
		  .peer = STR("192.0.2.1"),
		  .client = str_of(imap_client(h->imap)),
		  .now_ms = now_ms(NULL),
		  .stages = h->stages,
		  .n_stages = h->n_stages,
		  .traces = &h->traces}
        };
	struct fail f;

	if (is_troubled(h)) {
		op->rc = fail(&op->fail, FAIL_TEMP, "trouble");
		return;
	}
	if (ops_prepare(&job.context, op) == -1)
		return;
	do {
		bool writes = ops_writes(op->kind);

		op->again = false;
		if ((writes ? db_write(h->db, run_op, &job, &f)
			    : db_read(h->db, run_op, &job, &f)) == -1) {
			op->rc = -1;
			op->fail = f;
		}
		if (op->rc == 0 && op->again && h->o.progress)
			imap_progress(h->imap);
	} while (op->rc == 0 && op->again);
}

/* What the host adds to the answer. */
static void
complete(struct imap_host *h, struct imap_op *op)
{
	struct imap_select_op *select = (struct imap_select_op *)op;
	struct imap_poll_op *poll = (struct imap_poll_op *)op;
	struct mirror *gone = op->gone != 0 ? find_mirror(h, op->gone) : NULL;
	bool fits = true;

	if (op->kind == IMAP_OP_SELECT && select->mailbox != 0)
		select->mirror = have_mirror(h, select->mailbox);
	if (op->kind == IMAP_OP_POLL)
		have_mirror(h, poll->mailbox);
	for (size_t i = 0; i < op->n_deltas; i++) {
		struct mirror *m = find_mirror(h, op->deltas[i].mailbox);

		if (m != NULL)
			fits &= mirror_apply(m, &op->deltas[i]);
	}
	/* not before all of them: one mailbox may have several */
	for (size_t i = 0; i < op->n_deltas; i++) {
		struct mirror *m = find_mirror(h, op->deltas[i].mailbox);

		if (m != NULL)
			refresh(h, m, fits);
	}
	if (gone != NULL)
		mirror_set_gone(gone);
}

static void
serve_op(struct imap_host *h)
{
	struct imap_op *op = imap_op(h->imap);

	carry_out(h, op);
	if (op->rc == 0)
		complete(h, op);
	imap_done(h->imap);
}

struct reading {
	int64_t id;
	struct body *body;
};

static int
open_body(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	r->body = body_open(db, r->id, f);
	return r->body == NULL ? -1 : 0;
}

static void
give_body(struct imap_host *h)
{
	struct imap_body want = *imap_body_wanted(h->imap);
	struct reading r = {.id = want.body};
	struct buf text;
	struct str rest;
	struct fail f;
	int more = 1;

	if (db_read(h->db, open_body, &r, &f) == -1) {
		imap_body_failed(h->imap);
		return;
	}
	buf_init(&text, SAID_MAX);
	while (more == 1)
		more = body_read(r.body, 1 * MB, &text, &f);
	body_free(r.body);
	if (more == -1)
		imap_host_die("body", f.text);
	if (want.at + want.len > text.len)
		imap_host_die("body", "octets are wanted that are not there");
	rest = str_first(str_after(buf_str(&text), want.at), want.len);
	for (; rest.len > 0; rest = str_after(rest, h->o.pieces)) {
		imap_body(h->imap, str_first(rest, h->o.pieces));
		drain(h);
	}
	imap_body_end(h->imap);
	buf_release(&text);
}

static int
find_account(struct db *db, void *arg, struct fail *f)
{
	return account_find(db, str_of(((struct account *)arg)->login), arg, f);
}

int64_t
imap_host_account(struct imap_host *h, struct str login)
{
	struct account a = {.id = 0};
	struct fail f;

	snprintf(a.login, sizeof(a.login), "%.*s", STR_FMT(login));
	if (db_read(h->db, find_account, &a, &f) == -1)
		imap_host_die("account", f.text);
	return a.id;
}

static void
serve_login(struct imap_host *h)
{
	const struct imap_login *login = imap_login(h->imap);
	struct str user = login->user, name = str_cut(&user, '@');
	char password[64];

	snprintf(password, sizeof(password), "pw-%.*s-Xyz123", STR_FMT(name));
	snprintf(h->login, sizeof(h->login), "%.*s", STR_FMT(login->user));
	h->account = imap_host_account(h, login->user);
	if (str_eq(name, STR("busy")))
		imap_refused(h->imap, IMAP_UNAVAILABLE);
	else if (str_eq(name, STR("off")))
		imap_refused(h->imap, IMAP_FORBIDDEN);
	else if (h->account == 0 || !str_eq(login->password, str_of(password)))
		imap_refused(h->imap, IMAP_WRONG);
	else
		imap_logged_in(h->imap, h->account, h->login, h->o.account_off);
}

static void
serve(struct imap_host *h, enum imap_event ev)
{
	switch (ev) {
	case IMAP_NONE:
	case IMAP_DRAIN:
		break;
	case IMAP_TLS:
		h->securing = true;
		break;
	case IMAP_DEFLATE: /* here nobody compresses */
		imap_compressed(h->imap, true);
		break;
	case IMAP_LOGIN:
		serve_login(h);
		break;
	case IMAP_OP:
		serve_op(h);
		break;
	case IMAP_BODY:
		give_body(h);
		break;
	case IMAP_STAGE:
		assert(h->n_stages < STAGES_MAX);
		h->stages[h->n_stages++] = stage_new(h->dir);
		break;
	case IMAP_OCTETS:
		stage_add(h->stages[h->n_stages - 1], imap_octets(h->imap));
		break;
	case IMAP_UNSTAGE:
		drop_stages(h);
		break;
	case IMAP_CLOSE:
		h->closed = true;
		break;
	}
	drain(h);
}

void
imap_host_feed(struct imap_host *h, struct str bytes)
{
	enum imap_event ev = IMAP_DRAIN;

	while (!h->closed && !h->securing && ev != IMAP_NONE) {
		ev = imap_step(h->imap, IMAP_HOST_NOW_S, &bytes);
		serve(h, ev);
	}
	if (h->securing && bytes.len > 0)
		h->closed = true; /* injected before the handshake */
}

void
imap_host_secured(struct imap_host *h)
{
	assert(h->securing);
	h->securing = false;
	imap_secured(h->imap);
}

struct buf *
imap_host_said(struct imap_host *h)
{
	return &h->said;
}

bool
imap_host_closed(const struct imap_host *h)
{
	return h->closed;
}

void
imap_host_close(struct imap_host *h)
{
	h->closed = true;
}

void
imap_host_trouble(struct imap_host *h, bool on, size_t after)
{
	h->trouble = on;
	h->trouble_after = after;
}

struct imap *
imap_host_engine(struct imap_host *h)
{
	return h->imap;
}

struct db *
imap_host_db(struct imap_host *h)
{
	return h->db;
}

const char *
imap_host_dir(const struct imap_host *h)
{
	return h->dir;
}

const struct clock *
imap_host_clock(const struct imap_host *h)
{
	return &h->clock;
}
