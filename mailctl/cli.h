/* SPDX-License-Identifier: MIT */
/*
 * cli: what every subcommand of mailctl shares: options, complaints, exit
 * codes, and asking the store.
 */
#ifndef MAILCTL_CLI_H
#define MAILCTL_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/util/fail.h"

/* mailctl(1) promises these. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,     /* refused, or it did not work */
	CLI_USAGE = 2,      /* the command line makes no sense */
	CLI_SYSTEM = 71,    /* the operating system refused something */
	CLI_TEMPORARY = 75, /* try again later */
	CLI_CONFIG = 78,    /* the configuration is wrong */
};

struct cli_command;

struct cli {
	const struct cli_command *command;
	const char *conf_file;
	bool json;
};

/* argv[0] is the command's last word, options are still to be parsed. */
typedef int cli_run(struct cli *cli, int argc, char **argv);

struct cli_command {
	const char *words; /* "user add" */
	const char *args;  /* "ADDRESS [--quota SIZE]" */
	const char *help;  /* one line */
	const char *more;  /* what --help adds, or NULL */
	cli_run *run;
};

/* O(kind): FLAG sets a bool; VALUE a const char *; EACH appends to a
 * struct cli_words. */
enum cli_option_kind {
	CLI_FLAG,
	CLI_VALUE,
	CLI_EACH
};

#define CLI_WORDS_MAX 64

struct cli_words {
	const char *at[CLI_WORDS_MAX];
	size_t n;
};

struct cli_option {
	const char *name; /* without the dashes; NULL ends the table */
	enum cli_option_kind kind;
	void *out;
};

/* Take the options out of argv, leaving operands: *n of them in argv[0..].
 * What follows `--' is operands.  --json, --config FILE and --help are
 * understood besides those of the table (may be NULL).  Between least and
 * most operands are right.  CLI_OK to go on; otherwise, or when help was
 * given, *done is true and the result is the exit code. */
int cli_options(struct cli *cli, int argc, char **argv,
    const struct cli_option *options, size_t least, size_t most, size_t *n,
    bool *done);

/* A complaint about the command line, on standard error: CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Say why it did not work, on standard error: the exit code. */
int cli_failed(const struct fail *f);
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How to use the command, on standard output. */
void cli_print_help(const struct cli_command *command);

/* What is not UTF-8 fits into no request. */
#define CLI_NOT_UTF8 "the command line is not UTF-8"

/* Ask maild, or do it here when none runs.  request is used up; NULL is one
 * that could not be made of a command line.  The reply is the caller's, or
 * NULL when *code holds the exit code (said already). */
json_t *cli_ask(const struct cli *cli, json_t *request, int *code);

/* The same; prints the reply if --json was given (*shown). */
json_t *cli_ask_shown(
    const struct cli *cli, json_t *request, bool *shown, int *code);

/* "50M" to octets.  False if it is no size. */
bool cli_size(const char *text, json_int_t *out);

#endif
