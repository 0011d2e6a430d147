/* SPDX-License-Identifier: MIT */
/*
 * box: the whole suite in one directory, with a throw-away certificate: what
 * `dev' starts once and `demo' twice.
 *
 *	DIR/pennypost.conf  DIR/ca.pem cert.pem key.pem  DIR/store  DIR/run
 *	DIR/log (if quiet)  DIR/clock (if it can be moved)
 *
 * The sockets are open and the accounts exist when box_new() returns; ready()
 * is called when the daemons serve.
 */
#ifndef MAILCTL_BOX_H
#define MAILCTL_BOX_H

#include <jansson.h>
#include <stdio.h>

#include "common/conf/conf.h"
#include "common/net/loop.h"
#include "common/util/log.h"
#include "mailctl/cli.h"
#include "mailctl/sockets.h"

struct box;

struct box_options { /* all borrowed while the box lives */
	struct loop *loop;
	const struct log *log;
	const char *dir;  /* NULL: a temporary one, removed by box_free() */
	const char *host; /* IP address to listen at */
	struct cli_words domains;  /* at least one; the first names the host */
	struct cli_words users;    /* "bob:secret", "bob@d.test:secret" */
	struct cli_words ports;    /* "smtp=2525" */
	struct cli_words settings; /* "section.key=value", the last word */
	const char *dns;           /* "ADDR:PORT" */
	bool accept_any, allow_plaintext;
	bool keys;  /* make keys that sign for the domains: 0.2 s each */
	bool clock; /* time can be moved: DIR/clock */
	bool quiet; /* the daemons log to a file */
	/* what else is to be there before the daemons start; it may change
	 * settings (box_conf.h) and leave files in dir.  NULL: nothing */
	int (*prepare)(
	    void *arg, const char *dir, struct conf *conf, struct fail *f);
	void (*ready)(void *arg);
	void (*ended)(void *arg, int status);
	void *arg;
};

/* NULL: *f, and *code is mailctl's exit code. */
struct box *box_new(const struct box_options *o, struct fail *f, int *code);
void box_reap(struct box *b); /* on SIGCHLD */
void box_signal(struct box *b, int signo);
void box_stop(struct box *b);
void box_free(struct box *b);

const struct conf *box_conf(const struct box *b);
const char *box_conf_file(const struct box *b);
const char *box_host(const struct box *b);
const char *box_dir(const struct box *b);
const char *box_ca_file(const struct box *b);
/* What is to be published for the first domain (common/control/domain_dns.h);
 * only with keys. */
const json_t *box_records(const struct box *b);
uint16_t box_port(const struct box *b, enum service s);

/* What the daemons of a quiet box have logged. */
void box_print_log(const struct box *b, FILE *out);

/* The ready line of docs/design.md s10; the caller's. */
json_t *box_describe(const struct box *b);

#endif
