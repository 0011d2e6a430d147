/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/net/privilege.h"
#include "mailctl/commands.h"
#include "mailctl/supervise.h"

struct run {
	struct loop *loop;
	struct log log;
	struct supervisor *supervisor;
	int code;
};

static void
stop(void *arg)
{
	struct run *r = arg;

	supervisor_stop(r->supervisor);
}

static void
reload(void *arg)
{
	struct run *r = arg;

	supervisor_signal(r->supervisor, SIGHUP);
}

static void
reap(void *arg)
{
	struct run *r = arg;

	supervisor_reap(r->supervisor);
}

static void
ready(void *arg)
{
	struct run *r = arg;

	log_info(&r->log, "ready");
}

static void
ended(void *arg, int status)
{
	struct run *r = arg;

	r->code = status;
	loop_stop(r->loop);
}

/* In a container nobody has made the directories: as the package does, for
 * the group the daemons share. */
static int
make_dir(const char *path, struct fail *f)
{
	const struct group *group;

	if (mkdir(path, 0770) == -1)
		return errno == EEXIST ? 0
		                       : fail(f, FAIL_PERM, "mkdir %s: %s",
					     path, strerror(errno));
	group = geteuid() == 0 ? getgrnam("pennypost") : NULL;
	if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) == -1)
		return fail(
		    f, FAIL_PERM, "chown %s: %s", path, strerror(errno));
	if (chmod(path, 02770) == -1)
		return fail(
		    f, FAIL_PERM, "chmod %s: %s", path, strerror(errno));
	return 0;
}

static int
supervise(struct run *r, struct supervisor_options *o, struct fail *f)
{
	r->loop = loop_new();
	o->loop = r->loop;
	r->supervisor = supervisor_new(o, f);
	if (r->supervisor != NULL) {
		loop_on_signal(r->loop, SIGCHLD, reap, r);
		loop_on_signal(r->loop, SIGINT, stop, r);
		loop_on_signal(r->loop, SIGTERM, stop, r);
		loop_on_signal(r->loop, SIGHUP, reload, r);
		reap(r); /* who died before the handler was there */
		loop_run(r->loop);
	} else {
		r->code = CLI_SYSTEM;
		cli_complain("%s", f->text);
	}
	supervisor_free(r->supervisor);
	loop_free(r->loop);
	return r->code;
}

int
cmd_run(struct cli *cli, int argc, char **argv)
{
	struct run r = {.log = log_to_stderr("mailctl")};
	struct sockets sockets;
	struct fail f = {0};
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);

	if (done)
		return code;
	struct conf *conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	struct supervisor_options o = {
	    .conf_file = cli->conf_file,
	    .runtime_dir = conf->server_runtime,
	    .sockets = &sockets,
	    .log = &r.log,
	    .ready = ready,
	    .ended = ended,
	    .arg = &r,
	};
	privilege_raise_files();
	/* the daemons may become other users of the directories' group, and
	 * must reach the sockets of readiness */
	umask(0007);
	if (make_dir(conf->server_store, &f) == -1 ||
	    make_dir(conf->server_runtime, &f) == -1 ||
	    sockets_open(&sockets, conf, &f) == -1) {
		cli_complain("%s", f.text);
		code = CLI_SYSTEM;
	} else {
		code = supervise(&r, &o, &f);
		sockets_close(&sockets);
	}
	conf_free(conf);
	return code;
}
