/* SPDX-License-Identifier: MIT */
#include "mailctl/export.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"
#include "common/mime/addr.h"
#include "common/store/account.h"
#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/import_rights.h"
#include "mailctl/json_print.h"
#include "mailctl/progress.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define PAGE      200 /* messages in one read transaction */
#define BEGIN_MAX (1 * MB)

static const struct export_format *const formats[] = {
    &export_mbox, &export_maildir, &export_eml};

struct export
{
	const struct export_format *format;
	const char *dir, *mailbox;
	bool json;
	struct db *db;
	struct account account;
	struct mailbox_list list;
	struct progress progress;

	const struct mailbox_line *line; /* that is written now */
	struct message_keywords keywords;
	struct export_box box;
	uint32_t next_uid; /* to be written; 0: there is no more */
	uint64_t messages, octets;
	uint64_t failed; /* mailboxes */
};

/* Numbers and names of the keywords of a message. */
static uint64_t
keywords_of(const struct export *e, uint64_t flags, struct buf *names)
{
	uint64_t bits = 0;
	unsigned n = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = e->keywords.names[bit];

		if (name == NULL)
			continue;
		if (flags & (uint64_t)1 << bit) {
			bits |= (uint64_t)1 << n;
			buf_addf(
			    names, "%s%s", names->len > 0 ? " " : "", name);
		}
		n++;
	}
	return bits;
}

/* Does its last line end?  Of one that is not in memory: reads all of it. */
static int
look_at_end(struct export *e, const struct message_row *row,
    struct export_message *m, struct fail *f)
{
	struct body *body;
	struct buf piece;
	struct str tail = m->begin;
	int got = m->whole ? 0 : 1;

	body = m->whole ? NULL : body_open(e->db, row->body, f);
	if (!m->whole && body == NULL)
		return -1;
	buf_init(&piece, BEGIN_MAX);
	while (got == 1) {
		buf_clear(&piece);
		got = body_read(body, BEGIN_MAX / 2, &piece, f);
		if (piece.len > 0)
			tail = buf_str(&piece);
	}
	m->cut = tail.len == 0 || tail.at[tail.len - 1] != '\n';
	buf_release(&piece);
	body_free(body);
	return got;
}

static int
put(struct export *e, const struct message_row *row, struct fail *f)
{
	struct export_message m = {.uid = row->uid,
	    .flags = (unsigned)row->flags & MESSAGE_SYSTEM,
	    .received_ms = row->received_ms};
	struct buf names, begin;
	int got, rc = -1;

	buf_init(&names, 16 * KB);
	buf_init(&begin, BEGIN_MAX);
	m.keyword_bits = keywords_of(e, row->flags, &names);
	m.keywords = buf_str(&names);
	m.body = body_open(e->db, row->body, f);
	if (m.body == NULL)
		goto out;
	got = body_read(m.body, BEGIN_MAX / 2, &begin, f);
	if (got == -1)
		goto out;
	m.begin = buf_str(&begin);
	m.whole = got == 0;
	if (look_at_end(e, row, &m, f) == -1)
		goto out;
	rc = e->format->put(&e->box, &m, f);
	e->messages += rc == 0;
out:
	body_free(m.body);
	buf_release(&begin);
	buf_release(&names);
	return rc;
}

static int
put_page(struct db *db, void *arg, struct fail *f)
{
	struct export *e = arg;
	struct message_row *rows = NULL;
	size_t n = 0;
	int rc = message_rows(db, e->line->mailbox.id, e->next_uid, UINT32_MAX,
	    PAGE, &rows, &n, f);

	e->next_uid = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = put(e, &rows[i], f);
		progress_tell(&e->progress, e->line->name, e->messages,
		    e->octets + e->box.written);
	}
	if (rc == 0 && n > 0 && rows[n - 1].uid < UINT32_MAX)
		e->next_uid = rows[n - 1].uid + 1;
	free(rows);
	return rc;
}

static int
load_keywords(struct db *db, void *arg, struct fail *f)
{
	struct export *e = arg;

	return message_keywords(db, e->line->mailbox.id, &e->keywords, f);
}

static int
put_box(struct export *e, struct fail *f)
{
	int rc;

	e->box = (struct export_box){.dir = e->dir,
	    .name = e->line->name,
	    .empty = e->line->mailbox.messages == 0,
	    .keywords = &e->keywords,
	    .fd = -1};
	e->next_uid = 1;
	if (db_read(e->db, load_keywords, e, f) == -1)
		return -1;
	rc = e->format->open(&e->box, f);
	if (rc == 0) {
		struct fail ignored;

		while (rc == 0 && e->next_uid != 0)
			rc = db_read(e->db, put_page, e, f);
		if (e->format->close(&e->box, rc == 0 ? f : &ignored) == -1)
			rc = -1;
	}
	message_keywords_release(&e->keywords);
	e->octets += e->box.written;
	return rc;
}

/* The mailbox asked for and what is below it. */
static bool
is_wanted(const struct export *e, const struct mailbox_line *line)
{
	struct str name = str_of(line->name), want = str_of(e->mailbox);

	/* what waits is not mail that came, and cannot be put back */
	if (line->mailbox.id == 0 || line->mailbox.special & MAILBOX_PENDING)
		return false;
	if (want.len == 0)
		return true;
	if (str_eq_nocase(want, STR("INBOX")))
		return str_eq(name, STR("INBOX"));
	return str_starts(name, want) &&
	       (name.len == want.len || name.at[want.len] == '/');
}

static int
load_list(struct db *db, void *arg, struct fail *f)
{
	struct export *e = arg;
	int got = account_find(db, str_of(e->account.login), &e->account, f);

	if (got == 0)
		return fail(
		    f, FAIL_PERM, "there is no account %s", e->account.login);
	return got == -1 ? -1 : mailbox_list(db, e->account.id, &e->list, f);
}

/* Nothing of others is to be mixed with what we write. */
static int
need_empty(const char *path, struct fail *f)
{
	const struct dirent *entry;
	DIR *d;
	bool empty = true;

	if (export_mkdir(path, f) == -1)
		return -1;
	d = opendir(path);
	if (d == NULL)
		return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	while ((entry = readdir(d)) != NULL)
		empty &= strcmp(entry->d_name, ".") == 0 ||
		         strcmp(entry->d_name, "..") == 0;
	closedir(d);
	return empty ? 0 : fail(f, FAIL_PERM, "%s is not empty", path);
}

static int
open_store(struct export *e, const struct conf *conf, const char *address,
    struct fail *f)
{
	struct buf folded;
	bool good;

	buf_init(&folded, sizeof(e->account.login) - 1);
	good = addr_fold(str_of(address), &folded) && !folded.overrun;
	if (good)
		snprintf(e->account.login, sizeof(e->account.login), "%.*s",
		    STR_FMT(buf_str(&folded)));
	buf_release(&folded);
	if (!good)
		return fail(f, FAIL_SYNTAX, "%s is no address", address);
	if (import_rights_look(conf, f) == -1)
		return -1;
	e->db = db_open(conf->server_store, DB_MAIL, DB_READER, f);
	if (e->db == NULL || db_read(e->db, load_list, e, f) == -1)
		return -1;
	return need_empty(e->dir, f);
}

static int
report(struct export *e)
{
	int64_t ms = progress_elapsed_ms(&e->progress);
	int code = e->failed > 0 ? CLI_FAILED : CLI_OK;
	char size[SHOW_SIZE_MAX];

	if (!e->json) {
		printf("%" PRIu64 " messages, %s, %.0f a second\n", e->messages,
		    show_size((json_int_t)e->octets, size),
		    (double)e->messages * 1000 / (double)ms);
		return code;
	}
	json_t *out = json_pack("{s:b, s:I, s:I, s:I, s:I}", "ok",
	    code == CLI_OK, "messages", (json_int_t)e->messages, "bytes",
	    (json_int_t)e->octets, "failed_mailboxes", (json_int_t)e->failed,
	    "ms", (json_int_t)ms);

	json_print(out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(out);
	return code;
}

static int
put_all(struct export *e)
{
	uint64_t total = 0, any = 0;
	struct fail f;

	for (size_t i = 0; i < e->list.n; i++)
		if (is_wanted(e, &e->list.lines[i])) {
			total += e->list.lines[i].mailbox.bytes;
			any++;
		}
	if (any == 0) {
		cli_complain("there is no mailbox %s", e->mailbox);
		return CLI_FAILED;
	}
	progress_start(&e->progress, !e->json, total);
	for (size_t i = 0; i < e->list.n; i++) {
		e->line = &e->list.lines[i];
		if (!is_wanted(e, e->line) || put_box(e, &f) == 0)
			continue;
		e->failed++;
		progress_clear(&e->progress);
		cli_complain("%s: %s", e->line->name, f.text);
		if (f.kind == FAIL_DISK)
			break;
	}
	progress_clear(&e->progress);
	return report(e);
}

int
cmd_export(struct cli *cli, int argc, char **argv)
{
	struct export e = {0};
	const char *format = NULL;
	const struct cli_option options[] = {
	    {"format",  CLI_VALUE, &format   },
	    {"mailbox", CLI_VALUE, &e.mailbox},
	    {NULL,      CLI_FLAG,  NULL      },
	};
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 2, 2, &n, &done);
	struct fail f = {0};

	if (done)
		return code;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (format != NULL && strcmp(format, formats[i]->name) == 0)
			e.format = formats[i];
	if (e.format == NULL)
		return cli_usage(cli, "--format is one of mbox, maildir, eml");
	e.json = cli->json;
	e.dir = argv[1];
	struct conf *conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	if (open_store(&e, conf, argv[0], &f) == -1)
		code = f.kind == FAIL_SYNTAX ? cli_usage(cli, "%s", f.text)
		                             : cli_failed(&f);
	else
		code = put_all(&e);
	mailbox_list_release(&e.list);
	db_close(e.db);
	conf_free(conf);
	return code;
}
