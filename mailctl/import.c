/* SPDX-License-Identifier: MIT */
#include "mailctl/import.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/mime/addr.h"
#include "common/net/privilege.h"
#include "common/store/mailbox.h"
#include "common/util/clock.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "mailctl/client.h"
#include "mailctl/commands.h"
#include "mailctl/import_name.h"
#include "mailctl/import_rights.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define PROBLEMS_MOST 1000 /* in the answer; all are counted */
#define INTERRUPTED   130  /* the exit status of who got SIGINT */

/* A path may be anything. */
static json_t *
json_text(const char *text)
{
	struct str s = str_of(text);
	struct buf out;
	json_t *json;

	buf_init(&out, 3 * s.len + 1);
	while (s.len > 0) {
		struct str rest = s;
		uint32_t code;

		if (utf8_take(&rest, &code)) {
			buf_add(&out, str_first(s, s.len - rest.len));
			s = rest;
		} else {
			buf_add(&out, STR("\xef\xbf\xbd")); /* U+FFFD */
			s = str_after(s, 1);
		}
	}
	json = json_stringn(out.data != NULL ? out.data : "", out.len);
	buf_release(&out);
	return json;
}

void
import_complain(struct import *i, const char *place, const char *why)
{
	i->skipped++;
	if (json_array_size(i->problems) < PROBLEMS_MOST)
		json_array_append_new(
		    i->problems, json_pack("{s:o, s:o}", "place",
				     json_text(place), "why", json_text(why)));
	if (i->json)
		return;
	progress_clear(&i->progress);
	cli_complain("%s: %s", place, why);
}

bool
import_pause(struct import *i)
{
	struct signalfd_siginfo info;
	uint64_t messages = i->found;

	if (i->load != NULL && i->progress.shown)
		messages = load_count(i->load).messages;
	progress_tell(&i->progress, i->source->mailbox, messages, i->read);
	if (!i->interrupted && read(i->signals, &info, sizeof(info)) > 0)
		i->interrupted = true;
	return i->interrupted;
}

static int64_t
when(const struct import_fields *f, int64_t file_ms)
{
	return f->has_marked      ? f->marked_ms
	       : f->has_delivered ? f->delivered_s * 1000
	       : f->has_received  ? f->received_s * 1000
	       : f->has_date      ? f->date_s * 1000
	                          : file_ms;
}

int
import_store(struct import *i, struct import_message *m, const char *why,
    const struct load_place *place, const char *name, int64_t file_ms)
{
	struct load_message out = {
	    .flags = m->fields.flags, .received_ms = when(&m->fields, file_ms)};

	if (why != NULL) {
		if (why[0] != '\0')
			import_complain(i, name, why);
		if (i->load != NULL && place->position > 0)
			load_pass(i->load, place);
		return 0;
	}
	i->found++;
	i->bytes += m->size;
	if (i->load == NULL)
		return 0;
	out.stage = m->stage;
	m->stage = NULL;
	if (m->fields.keywords.len > 0)
		out.keywords = buf_take(&m->fields.keywords);
	return load_add(i->load, &out, place);
}

/* The mailbox of a source, and what is known of earlier runs. */
struct target {
	struct import *i;
	struct str name;
	int64_t mailbox, import;
	bool made;
	bool pending; /* only the server puts messages into it */
};

static int
make_mailbox(struct target *t, struct db *db, struct fail *f)
{
	int64_t account = t->i->account.id, now = clock_wall_ms(&clock_system);
	enum mailbox_refusal refusal;
	unsigned use = import_name_use(t->name);

	if (mailbox_add(
		db, account, t->name, use, now, &t->mailbox, &refusal, f) == -1)
		return -1;
	/* another one is for that already */
	if (refusal == MAILBOX_USE && mailbox_add(db, account, t->name, 0, now,
					  &t->mailbox, &refusal, f) == -1)
		return -1;
	if (refusal != MAILBOX_DONE)
		return -1; /* *f says why */
	t->made = true;
	return mailbox_subscribe(db, account, t->name, true, f);
}

static int
look_target(struct db *db, void *arg, struct fail *f)
{
	struct target *t = arg;
	struct import *i = t->i;
	struct mailbox box;
	int got = mailbox_find(db, i->account.id, t->name, &box, f);

	i->known = false;
	if (got != 1)
		return got;
	t->mailbox = box.id;
	t->pending = (box.special & MAILBOX_PENDING) != 0;
	got = import_find(db, box.id, str_of(i->source->path), &i->mark, f);
	i->known = got == 1 && !i->again;
	return got == -1 ? -1 : 0;
}

static int
make_target(struct db *db, void *arg, struct fail *f)
{
	struct target *t = arg;
	struct import *i = t->i;

	if (look_target(db, t, f) == -1 ||
	    (t->mailbox == 0 && make_mailbox(t, db, f) == -1))
		return -1;
	t->import = i->mark.id;
	return i->known || t->pending
	           ? 0
	           : import_begin(db, t->mailbox, str_of(i->source->path),
			 &t->import, f);
}

static void
tell_source(const struct import *i, const struct target *t, uint64_t messages)
{
	if (i->json)
		return;
	table_print_text(stdout, t->name);
	printf(": %" PRIu64 " messages%s\n", messages,
	    t->made ? ", a new mailbox" : "");
}

/* 0, or -1: nothing more can be imported. */
static int
run_source(struct import *i, struct fail *f)
{
	struct target t = {.i = i};
	uint64_t found = i->found;
	struct buf folded;
	struct fail why;
	int rc;

	buf_init(&folded, IMPORT_NAME_ROOM);
	if (!mailbox_name_fold(str_of(i->source->mailbox), &folded, &why)) {
		import_complain(i, i->source->path, why.text);
		buf_release(&folded);
		return 0;
	}
	t.name = buf_str(&folded);
	rc = i->dry_run ? db_read(i->db, look_target, &t, f)
	                : db_write(i->db, make_target, &t, f);
	if (rc == 0 && t.pending) {
		import_complain(i, i->source->path,
		    "not imported: its mailbox shows what waits to be sent, "
		    "and only the server puts messages there");
		buf_release(&folded);
		return 0;
	}
	if (rc == 0 && i->load != NULL)
		load_source(i->load, t.mailbox, t.import);
	if (rc == 0)
		rc = i->source->format == IMPORT_MBOX ? import_mbox(i, f)
		                                      : import_folder(i, f);
	if (i->load != NULL && load_drain(i->load, f) == -1)
		rc = -1;
	progress_clear(&i->progress);
	if (rc == 0)
		tell_source(i, &t, i->found - found);
	buf_release(&folded);
	return rc;
}

static int
find_account(struct db *db, void *arg, struct fail *f)
{
	struct import *i = arg;
	int got = account_find(db, str_of(i->account.login), &i->account, f);

	if (got == 0)
		return fail(
		    f, FAIL_PERM, "there is no account %s", i->account.login);
	return got == -1 ? -1 : 0;
}

static int
open_store(struct import *i, const struct conf *conf, const char *address,
    struct fail *f)
{
	struct buf folded;
	bool good;

	buf_init(&folded, sizeof(i->account.login) - 1);
	good = addr_fold(str_of(address), &folded) && !folded.overrun;
	if (good)
		snprintf(i->account.login, sizeof(i->account.login), "%.*s",
		    STR_FMT(buf_str(&folded)));
	buf_release(&folded);
	if (!good)
		return fail(f, FAIL_SYNTAX, "%s is no address", address);
	i->max_size = conf->limits_message_size;
	if (import_rights_take(conf, f) == -1)
		return -1;
	i->db = db_open(
	    conf->server_store, DB_MAIL, i->dry_run ? DB_READER : DB_WRITER, f);
	return i->db == NULL ? -1 : db_read(i->db, find_account, i, f);
}

static int
report(struct import *i, const struct fail *f, int rc)
{
	struct load_count count = {i->found, i->bytes, 0};
	int64_t ms = progress_elapsed_ms(&i->progress);
	char size[SHOW_SIZE_MAX];
	int code = rc == -1         ? CLI_FAILED
	           : i->interrupted ? INTERRUPTED
	           : i->skipped > 0 ? CLI_FAILED
	                            : CLI_OK;

	if (i->load != NULL)
		count = load_count(i->load);
	if (rc == -1 && f->kind == FAIL_TEMP)
		code = CLI_TEMPORARY;
	if (i->json) {
		json_t *out = json_pack(
		    "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:O, s:o}",
		    "ok", code == CLI_OK, "messages",
		    (json_int_t)count.messages, "bytes",
		    (json_int_t)count.bytes, "skipped", (json_int_t)i->skipped,
		    "already", (json_int_t)i->old, "keywords_lost",
		    (json_int_t)count.keywords_lost, "ms", (json_int_t)ms,
		    "interrupted", i->interrupted, "dry_run", i->dry_run,
		    "problems", i->problems, "error",
		    rc == -1 ? json_text(f->text) : json_null());

		json_print(out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(out);
		return code;
	}
	printf("%" PRIu64 " messages, %s, %s%.0f a second\n", count.messages,
	    show_size((json_int_t)count.bytes, size),
	    i->dry_run ? "would be imported; read at " : "",
	    (double)count.messages * 1000 / (double)ms);
	if (i->old > 0)
		printf("%" PRIu64 " were imported before\n", i->old);
	if (count.keywords_lost > 0)
		printf("%" PRIu64 " lost keywords: a mailbox has room for %d\n",
		    count.keywords_lost, 62 - 8);
	if (i->skipped > 0)
		printf("%" PRIu64 " could not be imported\n", i->skipped);
	fflush(stdout);
	if (rc == -1)
		cli_complain("%s", f->text);
	if (rc == -1 || i->interrupted)
		cli_complain("the same command goes on from here");
	return code;
}

/* SIGINT and SIGTERM are read between messages, so that what was read is
 * stored before we go. */
static int
hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int
run_all(struct import *i, struct import_sources *s, const struct conf *conf,
    struct fail *f)
{
	struct load_options o = {.db = i->db,
	    .login = i->account.login,
	    .ignore_quota = i->ignore_quota};
	struct buf path;
	int rc = 0;

	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/popd.notice", conf->server_runtime);
	o.notices = buf_take(&path);
	if (i->dry_run)
		free(o.notices);
	else
		i->load = load_new(&o);
	progress_start(&i->progress, !i->json, s->bytes);
	for (size_t n = 0; n < s->n && rc == 0 && !i->interrupted; n++) {
		i->source = &s->all[n];
		rc = run_source(i, f);
	}
	progress_clear(&i->progress);
	return rc;
}

static void
complain_source(void *arg, const char *path, const char *why)
{
	import_complain(arg, path, why);
}

static int
run(struct import *i, struct cli *cli, size_t n, char **argv)
{
	struct import_sources sources = {.complain = complain_source, .arg = i};
	struct fail f = {0};
	struct conf *conf = conf_read(cli->conf_file, &f);
	int rc = 0, code = CLI_CONFIG;

	if (conf == NULL) {
		cli_complain("%s", f.text);
		return code;
	}
	i->signals = hold_signals();
	i->problems = json_array();
	privilege_raise_files();
	rc = open_store(i, conf, argv[0], &f);
	for (size_t k = 1; k < n && rc == 0; k++)
		rc = import_sources_add(
		    &sources, argv[k], i->format, i->mailbox, &f);
	if (rc == 0) {
		rc = run_all(i, &sources, conf, &f);
		code = report(i, &f, rc);
	} else {
		code = f.kind == FAIL_SYNTAX ? CLI_USAGE : cli_failed(&f);
		if (f.kind == FAIL_SYNTAX)
			cli_complain("%s", f.text);
	}
	json_decref(i->problems);
	load_free(i->load);
	db_close(i->db);
	close(i->signals);
	import_sources_release(&sources);
	conf_free(conf);
	return code;
}

static bool
read_format(const char *text, enum import_format *out)
{
	static const char *const names[] = {[IMPORT_AUTO] = "auto",
	    [IMPORT_MBOX] = "mbox",
	    [IMPORT_MAILDIR] = "maildir",
	    [IMPORT_EML] = "eml"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum import_format)i;
			return true;
		}
	return false;
}

int
cmd_import(struct cli *cli, int argc, char **argv)
{
	struct import i = {0};
	const char *format = "auto";
	const struct cli_option options[] = {
	    {"format",       CLI_VALUE, &format        },
	    {"mailbox",      CLI_VALUE, &i.mailbox     },
	    {"dry-run",      CLI_FLAG,  &i.dry_run     },
	    {"again",        CLI_FLAG,  &i.again       },
	    {"ignore-quota", CLI_FLAG,  &i.ignore_quota},
	    {NULL,           CLI_FLAG,  NULL           },
	};
	size_t n;
	bool done;
	int code = cli_options(
	    cli, argc, argv, options, 2, (size_t)argc, &n, &done);

	if (done)
		return code;
	if (!read_format(format, &i.format))
		return cli_usage(
		    cli, "--format is one of auto, mbox, maildir, eml");
	i.json = cli->json;
	return run(&i, cli, n, argv);
}
