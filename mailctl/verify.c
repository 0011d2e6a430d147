/* SPDX-License-Identifier: MIT */
#include "common/store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"
#include "common/control/call.h"
#include "common/store/backup_drill.h"
#include "common/store/hop.h"
#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/import_rights.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/snapshot.h"
#include "mailctl/table.h"

#define DAMAGES_MOST 100000 /* that --json lists */

struct verifying {
	const struct conf *conf;
	bool json;
	struct progress progress;
	json_t *damages;
	struct verify_done done;
};

static void
print_damage(struct verifying *v, const struct verify_damage *d)
{
	char id[TRACE_TEXT_MAX];

	progress_clear(&v->progress);
	if (d->login.len > 0) {
		table_print_text(stdout, d->login);
		fputs("  ", stdout);
		table_print_text(stdout, d->mailbox);
		printf("  UID %" PRIu32, d->uid);
	} else {
		fputs("in the queue", stdout);
	}
	if (d->trace != 0)
		printf("  %s", trace_text(d->trace, id));
	fputs("  ", stdout);
	table_print_text(stdout, d->message_id);
	printf(": %s\n", d->what);
}

static void
note_damage(void *arg, const struct verify_damage *d)
{
	struct verifying *v = arg;

	if (!v->json) {
		print_damage(v, d);
		return;
	}
	if (json_array_size(v->damages) == DAMAGES_MOST)
		return;
	json_array_append_new(v->damages,
	    json_pack("{s:o, s:o, s:I, s:o, s:o, s:s}", "account",
		d->login.len > 0 ? call_json_text(d->login) : json_null(),
		"mailbox",
		d->login.len > 0 ? call_json_text(d->mailbox) : json_null(),
		"uid", (json_int_t)d->uid, "id",
		d->trace != 0 ? call_json_trace(d->trace) : json_null(),
		"message_id", call_json_text(d->message_id), "text", d->what));
}

/* Of the store in this directory. */
static int
look(void *arg, const char *store, struct fail *f)
{
	struct verifying *v = arg;
	const struct verify_options o = {
	    .damaged = note_damage,
	    .watch = snapshot_watch(&v->progress),
	    .arg = v,
	};
	struct db *mail = db_open(store, DB_MAIL, DB_READER, f);
	int rc = mail != NULL ? verify_bodies(mail, &o, &v->done, f) : -1;

	db_close(mail);
	return rc;
}

static void
note_problem(void *arg, const char *sentence)
{
	struct verifying *v = arg;

	progress_clear(&v->progress);
	if (v->json)
		return;
	table_print_text(stderr, str_of(sentence));
	fputc('\n', stderr);
}

/* It is put together beside itself, for its mail.db is in parts. */
static int
look_at_backup(struct verifying *v, const char *word, struct fail *f)
{
	char *path = snapshot_path(v->conf, word, f);
	struct drill_report report;
	struct str s;
	size_t slash;
	int rc;

	if (path == NULL)
		return -1;
	s = str_of(path);
	while (s.len > 1 && s.at[s.len - 1] == '/')
		s.len--;
	path[s.len] = '\0';
	if (!str_find_last(s, '/', &slash) || slash == 0) {
		free(path);
		return fail(f, FAIL_PERM, "%s is no backup", word);
	}
	path[slash] = '\0';
	struct drill_options o = {
	    .dir = path,
	    .name = path + slash + 1,
	    .damaged = true,
	    .now_ms = clock_wall_ms(&clock_system),
	    .watch = snapshot_watch(&v->progress),
	    .say = note_problem,
	    .look = look,
	    .arg = v,
	};
	rc = backup_drill(&o, &report, f);
	if (rc == 0 && !report.good)
		rc = fail(f, FAIL_PERM, "%s", report.text);
	free(path);
	return rc;
}

static void
print_done(const struct verifying *v)
{
	char size[SHOW_SIZE_MAX];

	if (v->json) {
		json_t *out = json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok",
		    v->done.damaged == 0, "bodies", (json_int_t)v->done.bodies,
		    "bytes", (json_int_t)v->done.octets, "damaged_bodies",
		    (json_int_t)v->done.damaged, "damaged", v->damages);

		json_print(out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(out);
		return;
	}
	printf("%" PRIu64 " bodies of messages, %s: ", v->done.bodies,
	    show_size((json_int_t)v->done.octets, size));
	if (v->done.damaged == 0)
		puts("all are as they came");
	else
		printf("%" PRIu64 " DAMAGED\n", v->done.damaged);
}

int
cmd_verify(struct cli *cli, int argc, char **argv)
{
	struct verifying v = {0};
	const char *backup = NULL;
	const struct cli_option options[] = {
	    {"backup", CLI_VALUE, &backup},
	    {NULL,     CLI_FLAG,  NULL   },
	};
	struct fail f = {0};
	struct conf *conf;
	size_t n;
	bool done;
	int rc, code = cli_options(cli, argc, argv, options, 0, 0, &n, &done);

	if (done)
		return code;
	conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	v.conf = conf;
	v.json = cli->json;
	v.damages = json_array();
	progress_start(&v.progress, !v.json, 0);
	if (backup != NULL)
		rc = look_at_backup(&v, backup, &f);
	else
		rc = import_rights_look(conf, &f) == 0
		         ? look(&v, conf->server_store, &f)
		         : -1;
	progress_clear(&v.progress);
	if (rc == 0)
		print_done(&v);
	code = rc == -1             ? cli_failed(&f)
	       : v.done.damaged > 0 ? CLI_FAILED
	                            : CLI_OK;
	json_decref(v.damages);
	conf_free(conf);
	return code;
}
