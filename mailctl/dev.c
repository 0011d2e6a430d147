/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/privilege.h"
#include "common/util/mem.h"
#include "mailctl/box.h"
#include "mailctl/child.h"
#include "mailctl/commands.h"
#include "mailctl/dev_internet.h"
#include "mailctl/json_print.h"
#include "mailctl/stubdns.h"

#define SETTINGS_MAX 24

struct dev {
	struct cli *cli;
	struct loop *loop;
	struct log log;
	struct box *box;
	struct stubdns *dns;           /* that knows nothing, or NULL */
	struct dev_internet *internet; /* or NULL */
	char **command;                /* NULL: none */
	pid_t pid;                     /* of the command, 0: none runs */
	bool ended;                    /* the box has */
	int code;
};

static void
stop(void *arg)
{
	struct dev *d = arg;

	if (d->pid > 0)
		kill(d->pid, SIGTERM);
	box_stop(d->box);
}

static void
print_internet(const json_t *internet)
{
	const char *key;
	json_t *server;

	if (internet == NULL)
		return;
	printf("  %-12s %s\n", "dns",
	    json_string_value(json_object_get(internet, "dns")));
	json_object_foreach(json_object_get(internet, "servers"), key, server)
	    printf("  %-12s %s %s\n", "server", key, json_string_value(server));
	if (json_object_get(internet, "dir") != NULL)
		printf("  %-12s %s/HOST/N.eml\n", "their mail",
		    json_string_value(json_object_get(internet, "dir")));
}

static void
print_block(const json_t *ready)
{
	const char *key;
	json_t *port, *user;
	size_t i;

	printf("Penny Post is ready on %s for %s (Ctrl-C stops it).\n\n",
	    json_string_value(json_object_get(ready, "host")),
	    json_string_value(json_object_get(ready, "domain")));
	json_object_foreach(json_object_get(ready, "ports"), key, port)
	    printf("  %-12s %lld\n", key, (long long)json_integer_value(port));
	json_array_foreach(json_object_get(ready, "users"), i, user)
	    printf("  %-12s %s, password %s\n", i == 0 ? "users" : "",
		json_string_value(json_object_get(user, "address")),
		json_string_value(json_object_get(user, "password")));
	print_internet(json_object_get(ready, "internet"));
	printf("  %-12s %s\n  %-12s %s\n  %-12s mailctl -c %s ...\n",
	    "certificate", json_string_value(json_object_get(ready, "ca")),
	    "directory", json_string_value(json_object_get(ready, "dir")),
	    "control", json_string_value(json_object_get(ready, "conf")));
}

static void
note(char **settings, size_t *n, const char *name, const char *value)
{
	struct buf b;

	buf_init(&b, 64 * KB);
	buf_addf(&b, "PENNYPOST_%s=%s", name, value);
	if (!b.overrun && *n < SETTINGS_MAX)
		settings[(*n)++] = buf_take(&b);
	buf_release(&b);
}

/* What the command sees in its environment. */
static size_t
make_settings(const json_t *ready, char *settings[SETTINGS_MAX + 1])
{
	static const char *const texts[] = {
	    "host", "domain", "ca", "dir", "control", "conf"};
	char *whole = json_dumps(ready, JSON_COMPACT);
	const char *key;
	json_t *port;
	size_t n = 0;

	note(settings, &n, "JSON", whole);
	free(whole);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char name[32] = "";
		for (size_t c = 0; texts[i][c] != '\0'; c++)
			name[c] = (char)toupper((unsigned char)texts[i][c]);
		note(settings, &n, name,
		    json_string_value(json_object_get(ready, texts[i])));
	}
	json_object_foreach(json_object_get(ready, "ports"), key, port)
	{
		char name[32], value[16];
		size_t c;
		for (c = 0; key[c] != '\0' && c < 20; c++)
			name[c] = (char)toupper((unsigned char)key[c]);
		snprintf(name + c, sizeof(name) - c, "_PORT");
		snprintf(value, sizeof(value), "%lld",
		    (long long)json_integer_value(port));
		note(settings, &n, name, value);
	}
	return n;
}

static void
start_command(struct dev *d, const json_t *ready)
{
	char *settings[SETTINGS_MAX + 1] = {NULL};
	size_t n = make_settings(ready, settings);
	const struct child_spec spec = {
	    .argv = (const char *const *)d->command,
	    .settings = (const char *const *)settings,
	    .dies_with_us = true,
	};
	struct fail f = {0};

	d->pid = child_start(&spec, &f);
	if (d->pid == -1) {
		cli_complain("%s", f.text);
		d->pid = 0;
		d->code = 127; /* as a shell says it */
		box_stop(d->box);
	}
	for (size_t i = 0; i < n; i++)
		free(settings[i]);
}

static void
box_ready(void *arg)
{
	struct dev *d = arg;
	json_t *ready = box_describe(d->box);

	if (d->internet != NULL)
		json_object_set_new(
		    ready, "internet", dev_internet_describe(d->internet));
	if (d->cli->json) {
		json_print(ready, JSON_COMPACT);
		putchar('\n');
	} else if (d->command == NULL) {
		print_block(ready);
	}
	fflush(stdout);
	if (d->command != NULL)
		start_command(d, ready);
	json_decref(ready);
}

static void
box_ended(void *arg, int status)
{
	struct dev *d = arg;

	d->ended = true;
	if (d->code == 0)
		d->code = status;
	if (d->pid > 0)
		kill(d->pid, SIGTERM);
	else
		loop_stop(d->loop);
}

static void
reap(void *arg)
{
	struct dev *d = arg;
	int status;

	if (d->pid > 0 && waitpid(d->pid, &status, WNOHANG) == d->pid) {
		d->pid = 0;
		d->code = WIFEXITED(status) ? WEXITSTATUS(status)
		                            : 128 + WTERMSIG(status);
		if (d->ended)
			loop_stop(d->loop);
		else
			box_stop(d->box);
	}
	box_reap(d->box);
}

static int
prepare(void *arg, const char *dir, struct conf *conf, struct fail *f)
{
	struct dev *d = arg;

	return d->internet != NULL
	           ? dev_internet_start(d->internet, dir, conf, f)
	           : 0;
}

/* Whom the box asks about names; NULL: *f. */
static const char *
begin_dns(struct dev *d, const char *file, struct fail *f)
{
	if (file != NULL) {
		d->internet = dev_internet_new(d->loop, &d->log, file, f);
		return d->internet != NULL ? dev_internet_dns(d->internet)
		                           : NULL;
	}
	d->dns = stubdns_new(d->loop, f);
	return d->dns != NULL ? stubdns_address(d->dns) : NULL;
}

static int
serve(struct dev *d, struct box_options *o, const char *internet)
{
	struct fail f = {0};
	int code = CLI_SYSTEM;

	d->loop = loop_new();
	privilege_raise_files();
	if (o->dns == NULL)
		o->dns = begin_dns(d, internet, &f);
	if (f.kind == FAIL_SYNTAX)
		code = CLI_USAGE;
	o->loop = d->loop;
	d->box = o->dns != NULL ? box_new(o, &f, &code) : NULL;
	if (d->box == NULL) {
		cli_complain("%s", f.text);
	} else {
		loop_on_signal(d->loop, SIGCHLD, reap, d);
		loop_on_signal(d->loop, SIGINT, stop, d);
		loop_on_signal(d->loop, SIGTERM, stop, d);
		reap(d); /* who died before the handler was there */
		loop_run(d->loop);
		code = d->code;
	}
	box_free(d->box);
	dev_internet_stop(d->internet);
	stubdns_free(d->dns);
	loop_free(d->loop);
	dev_internet_free(d->internet);
	return code;
}

/* Cut the command off: what follows `--'. */
static char **
cut_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0 && i + 1 < *argc) {
			*argc = i;
			return &argv[i + 1];
		}
	return NULL;
}

int
cmd_dev(struct cli *cli, int argc, char **argv)
{
	const char *internet = NULL;
	struct dev d = {.cli = cli, .log = log_to_stderr("mailctl")};
	struct box_options o = {
	    .log = &d.log,
	    .host = "127.0.0.1",
	    .clock = true,
	    .prepare = prepare,
	    .ready = box_ready,
	    .ended = box_ended,
	    .arg = &d,
	};
	const struct cli_option options[] = {
	    {"dir",             CLI_VALUE, &o.dir            },
	    {"domain",          CLI_EACH,  &o.domains        },
	    {"user",            CLI_EACH,  &o.users          },
	    {"accept-any",      CLI_FLAG,  &o.accept_any     },
	    {"host",            CLI_VALUE, &o.host           },
	    {"port",            CLI_EACH,  &o.ports          },
	    {"allow-plaintext", CLI_FLAG,  &o.allow_plaintext},
	    {"dns",             CLI_VALUE, &o.dns            },
	    {"internet",        CLI_VALUE, &internet         },
	    {"set",             CLI_EACH,  &o.settings       },
	    {NULL,              CLI_FLAG,  NULL              },
	};
	size_t n;
	bool done;
	int code;

	d.command = cut_command(&argc, argv);
	code = cli_options(cli, argc, argv, options, 0, 0, &n, &done);
	if (done)
		return code;
	if (internet != NULL && o.dns != NULL)
		return cli_usage(
		    cli, "--internet brings its own DNS: give no --dns");
	if (o.domains.n == 0)
		o.domains.at[o.domains.n++] = "d.test";
	return serve(&d, &o, internet);
}
