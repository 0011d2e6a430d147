/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/control/call.h"
#include "common/control/owner.h"
#include "common/daemon/daemon.h"
#include "common/store/backup_restore.h"
#include "common/store/disk.h"
#include "mailctl/client.h"
#include "mailctl/commands.h"
#include "mailctl/import_rights.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/snapshot.h"
#include "mailctl/table.h"

#define OWNER_WAIT_MS 2000

struct restoring {
	const struct conf *conf;
	const char *to;
	bool json;
	struct progress progress;
	json_t *problems;
};

/* Who is to own what is made: who owned it, or who maild runs as. */
static const struct passwd *
owner_of(const struct restoring *r)
{
	char *path = disk_path(r->to, "auth.db");
	const struct passwd *pw = NULL;
	struct stat st;

	if (stat(path, &st) == 0)
		pw = getpwuid(st.st_uid);
	else if (r->conf->server_user[0] != '\0')
		pw = getpwnam(r->conf->server_user);
	else
		pw = getpwnam("pennypost-maild");
	free(path);
	return pw;
}

/* Root makes the directory, and then is its owner who can read the snapshot,
 * wherever it is. */
static int
take_rights(const struct restoring *r, struct fail *f)
{
	const struct passwd *pw;

	umask(0007);
	if (geteuid() != 0)
		return 0;
	pw = owner_of(r);
	if (pw == NULL || pw->pw_uid == 0)
		return 0;
	if (mkdir(r->to, 0770) == 0) {
		if (chown(r->to, pw->pw_uid, pw->pw_gid) == -1 ||
		    chmod(r->to, 02770) == -1)
			return fail(
			    f, FAIL_PERM, "%s: %s", r->to, strerror(errno));
	} else if (errno != EEXIST) {
		return fail(f, FAIL_PERM, "%s: %s", r->to, strerror(errno));
	}
	return import_rights_become(pw, f);
}

static void
note_problem(void *arg, const char *sentence)
{
	struct restoring *r = arg;

	json_array_append_new(r->problems, call_json_text(str_of(sentence)));
	if (r->json)
		return;
	progress_clear(&r->progress);
	fputs("  ", stderr);
	table_print_text(stderr, str_of(sentence));
	fputc('\n', stderr);
}

static void
print_done(const struct restoring *r, const struct restore_done *d)
{
	char size[SHOW_SIZE_MAX];

	printf("%s is restored: %llu files, %s.\n", r->to,
	    (unsigned long long)d->files,
	    show_size((json_int_t)d->octets, size));
	if (d->aside[0] != '\0')
		printf("What was there is in %s/%s: remove it when you have "
		       "looked.\n",
		    r->to, d->aside);
	if (d->damaged > 0)
		printf("%llu object files are damaged or missing: `mailctl "
		       "verify' names their messages.\n",
		    (unsigned long long)d->damaged);
	if (d->held > 0)
		printf("%zu recipients in the queue are held, since mail to "
		       "them may have gone out after the\nbackup was made:\n"
		       "  mailctl queue list --state held    to see them\n"
		       "  mailctl queue release --all        to send it\n"
		       "  mailctl queue drop --all           to forget it\n",
		    d->held);
	puts("Passwords and settings of accounts are those of the backup.  "
	     "Start the daemons now.");
}

static void
print_json(const struct restoring *r, const struct restore_done *d)
{
	json_t *out = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:s, s:O}",
	    "ok", 1, "store", r->to, "files", (json_int_t)d->files, "bytes",
	    (json_int_t)d->octets, "held", (json_int_t)d->held, "damaged",
	    (json_int_t)d->damaged, "aside", d->aside, "problems", r->problems);

	json_print(out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(out);
}

/* No maild, and no other mailctl, until the descriptor is closed. */
static int
own(const struct restoring *r, struct fail *f)
{
	int owned = owner_take(r->to, OWNER_WAIT_MS, f);

	if (owned == -1 && f->kind == FAIL_TEMP)
		fail(f, FAIL_PERM,
		    "%s is in use by maild or another mailctl: stop the "
		    "daemons first",
		    r->to);
	return owned;
}

static int
restore(struct restoring *r, struct restore_options *o, const char *word)
{
	struct restore_done done;
	struct clock clock = {0};
	struct fail f = {0};
	char *snapshot = snapshot_path(r->conf, word, &f);
	int owned = -1, rc = -1;

	if (snapshot == NULL || take_rights(r, &f) == -1)
		goto out;
	owned = own(r, &f);
	if (owned == -1 || daemon_clock(r->conf, &clock, &f) == -1)
		goto out;
	progress_start(&r->progress, !r->json, 0);
	o->snapshot = snapshot;
	o->to = r->to;
	o->now_ms = clock_wall_ms(&clock);
	o->watch = snapshot_watch(&r->progress);
	o->say = note_problem;
	o->arg = r;
	rc = backup_restore(o, &done, &f);
	progress_clear(&r->progress);
	clock_moved_release(&clock);
	if (rc == 0 && r->json)
		print_json(r, &done);
	else if (rc == 0)
		print_done(r, &done);
out:
	if (owned != -1)
		close(owned);
	free(snapshot);
	return rc == 0 ? CLI_OK : cli_failed(&f);
}

int
cmd_restore(struct cli *cli, int argc, char **argv)
{
	struct restoring r = {0};
	struct restore_options o = {0};
	const struct cli_option options[] = {
	    {"to",      CLI_VALUE, &r.to     },
	    {"replace", CLI_FLAG,  &o.replace},
	    {"damaged", CLI_FLAG,  &o.damaged},
	    {NULL,      CLI_FLAG,  NULL      },
	};
	struct fail f = {0};
	struct conf *conf;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);

	if (done)
		return code;
	conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	r.conf = conf;
	r.json = cli->json;
	r.problems = json_array();
	if (r.to == NULL)
		r.to = conf->server_store;
	code = restore(&r, &o, argv[0]);
	json_decref(r.problems);
	conf_free(conf);
	return code;
}
