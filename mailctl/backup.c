/* SPDX-License-Identifier: MIT */
#include "common/store/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/conf/conf.h"
#include "common/control/backup_json.h"
#include "common/daemon/daemon.h"
#include "common/util/clock.h"
#include "mailctl/client.h"
#include "mailctl/commands.h"
#include "mailctl/import_rights.h"
#include "mailctl/json_print.h"
#include "mailctl/progress.h"
#include "mailctl/show.h"
#include "mailctl/snapshot.h"
#include "mailctl/table.h"

#define POLL_MS   200
#define KEEP_MOST 10000

struct backing {
	const struct conf *conf;
	const char *dir;
	bool named; /* on the command line */
	bool whole;
	size_t keep;
	struct progress progress;
};

/* ---- by maild ---- */

static json_t *
ask(const struct backing *b, json_t *request, struct fail *f)
{
	int code;

	return client_ask_with(b->conf, request, f, &code);
}

/* What it makes, when it is made. */
static json_t *
wait_for(struct backing *b, json_int_t order, struct fail *f)
{
	const struct timespec pause = {0, POLL_MS * 1000000};

	for (;;) {
		json_t *reply = ask(b,
		    json_pack(
			"{s:s, s:I}", "command", "backup.look", "order", order),
		    f);
		json_t *made = NULL;

		if (reply == NULL)
			return NULL;
		if (strcmp(show_text(reply, "state"), "done") == 0)
			made = json_incref(json_object_get(reply, "backup"));
		else if (strcmp(show_text(reply, "state"), "backup") == 0) {
			b->progress.total = (uint64_t)show_number(
			    reply, "total");
			progress_tell(&b->progress, show_text(reply, "what"),
			    PROGRESS_UNCOUNTED,
			    (uint64_t)show_number(reply, "done"));
		}
		json_decref(reply);
		if (made != NULL)
			return made;
		nanosleep(&pause, NULL);
	}
}

static json_t *
by_maild(struct backing *b, struct fail *f)
{
	json_t *reply = ask(b,
	    json_pack(
		"{s:s, s:b}", "command", "backup.start", "whole", b->whole),
	    f);
	json_t *made;

	if (reply == NULL)
		return NULL;
	made = wait_for(b, show_number(reply, "order"), f);
	json_decref(reply);
	return made;
}

/* ---- here ---- */

static json_t *
by_us(struct backing *b, struct fail *f)
{
	struct backup_options o = {
	    .store = b->conf->server_store,
	    .dir = b->dir,
	    .keep = b->keep,
	    .whole = b->whole,
	    .watch = snapshot_watch(&b->progress),
	};
	struct backup_made made;
	struct clock clock;

	/* in backup.dir maild is to be able to go on */
	if (b->named ? import_rights_look(b->conf, f) == -1
		     : client_become_owner(b->conf, f) == -1)
		return NULL;
	if (daemon_clock(b->conf, &clock, f) == -1)
		return NULL;
	o.now_ms = clock_wall_ms(&clock);
	clock_moved_release(&clock);
	return backup_make(&o, &made, f) == 0 ? backup_json_made(&made) : NULL;
}

/* ---- both ---- */

static void
print_made(const json_t *made, int64_t ms)
{
	char all[SHOW_SIZE_MAX], copied[SHOW_SIZE_MAX];

	printf("%s: %lld files, %s; copied %s, the rest is as it was; "
	       "%.1f s\n",
	    show_text(made, "name"), (long long)show_number(made, "files"),
	    show_size(show_number(made, "bytes"), all),
	    show_size(show_number(made, "copied_bytes"), copied),
	    (double)ms / 1000);
	if (show_number(made, "removed") > 0)
		printf("removed %lld old\n",
		    (long long)show_number(made, "removed"));
}

static int
make(struct cli *cli, struct backing *b)
{
	struct fail f = {0};
	int listens = b->named ? 0 : client_maild_listens(b->conf, &f);
	json_t *made = NULL;
	int64_t ms;

	progress_start(&b->progress, !cli->json, 0);
	if (listens != -1)
		made = listens == 1 ? by_maild(b, &f) : by_us(b, &f);
	ms = progress_elapsed_ms(&b->progress);
	progress_clear(&b->progress);
	if (made == NULL)
		return cli_failed(&f);
	if (cli->json) {
		json_object_set_new(made, "ok", json_true());
		json_object_set_new(made, "dir", json_string(b->dir));
		json_object_set_new(made, "ms", json_integer(ms));
		json_print(made, JSON_INDENT(1) | JSON_SORT_KEYS);
		putchar('\n');
	} else {
		print_made(made, ms);
	}
	json_decref(made);
	return CLI_OK;
}

int
cmd_backup(struct cli *cli, int argc, char **argv)
{
	struct backing b = {0};
	const char *keep = NULL;
	const struct cli_option options[] = {
	    {"whole", CLI_FLAG,  &b.whole},
	    {"keep",  CLI_VALUE, &keep   },
	    {NULL,    CLI_FLAG,  NULL    },
	};
	struct fail f = {0};
	struct conf *conf;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 0, 1, &n, &done);

	if (done)
		return code;
	if (keep != NULL && (!str_to_size(str_of(keep), KEEP_MOST, &b.keep) ||
				b.keep == 0 || n == 0))
		return cli_usage(cli, "--keep is a number, and needs a DIR");
	conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	b.conf = conf;
	b.dir = n == 1 ? argv[0] : conf->backup_dir;
	b.named = n == 1 && strcmp(argv[0], conf->backup_dir) != 0;
	if (!b.named && keep == NULL)
		b.keep = (size_t)conf->backup_keep;
	code = b.dir[0] != '\0'
	           ? make(cli, &b)
	           : cli_usage(cli, "give a DIR, or set backup.dir");
	conf_free(conf);
	return code;
}

/* ---- list ---- */

static void
print_list(const json_t *list)
{
	char time[SHOW_SIZE_MAX], size[SHOW_SIZE_MAX];
	json_t *info;
	size_t i;

	json_array_foreach(list, i, info)
	{
		table_print_text(stdout, str_of(show_text(info, "name")));
		if (!json_is_true(json_object_get(info, "good"))) {
			fputs("  DAMAGED: ", stdout);
			table_print_text(
			    stdout, str_of(show_text(info, "text")));
			putchar('\n');
			continue;
		}
		printf("  %s  %6lld files  %s\n", show_time(info, "time", time),
		    (long long)show_number(info, "files"),
		    show_size(show_number(info, "bytes"), size));
	}
}

static int
list(struct cli *cli, const char *dir)
{
	struct backup_info *infos;
	struct drill_report drill;
	json_t *out, *all;
	struct fail f;
	size_t n;

	if (backup_list(dir, &infos, &n, &f) == -1)
		return cli_failed(&f);
	all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, backup_json_info(&infos[i]));
	free(infos);
	backup_drill_last(dir, &drill);
	out = json_pack("{s:b, s:s, s:o, s:o}", "ok", 1, "dir", dir, "backups",
	    all, "drill", backup_json_drill(&drill));
	if (cli->json) {
		json_print(out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		print_list(all);
		if (drill.at_ms != 0)
			printf("drill of %s: %s\n", drill.snapshot,
			    drill.good ? "good" : "FAILED");
	}
	json_decref(out);
	return CLI_OK;
}

int
cmd_backup_list(struct cli *cli, int argc, char **argv)
{
	struct fail f = {0};
	struct conf *conf = NULL;
	const char *dir;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 0, 1, &n, &done);

	if (done)
		return code;
	if (n == 0) {
		conf = conf_read(cli->conf_file, &f);
		if (conf == NULL) {
			cli_complain("%s", f.text);
			return CLI_CONFIG;
		}
	}
	dir = n == 1 ? argv[0] : conf->backup_dir;
	code = dir[0] != '\0' ? list(cli, dir)
	                      : cli_usage(cli, "give a DIR, or set backup.dir");
	conf_free(conf);
	return code;
}
