/* SPDX-License-Identifier: MIT */
#include "mailctl/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/str.h"
#include "mailctl/client.h"
#include "mailctl/json_print.h"
#include "mailctl/table.h"

void
cli_complain(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fputs("mailctl: ", stderr);
	table_print_text(stderr, str_of(text));
	fputc('\n', stderr);
}

int
cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_complain("%s", text);
	fprintf(stderr, "usage: mailctl %s %s\n", cli->command->words,
	    cli->command->args);
	return CLI_USAGE;
}

int
cli_failed(const struct fail *f)
{
	cli_complain("%s", f->text);
	return f->kind == FAIL_TEMP ? CLI_TEMPORARY : CLI_FAILED;
}

void
cli_print_help(const struct cli_command *command)
{
	printf("usage: mailctl %s %s\n\n%s\n", command->words, command->args,
	    command->help);
	if (command->more != NULL)
		printf("\n%s", command->more);
	fputs("\nEverywhere: -c FILE (the configuration), --json (for "
	      "programs), --help.\n",
	    stdout);
}

static const struct cli_option *
find_option(const struct cli_option *options, struct str name)
{
	for (; options != NULL && options->name != NULL; options++)
		if (str_eq(str_of(options->name), name))
			return options;
	return NULL;
}

/* Store an option's value.  False if there are too many of it. */
static bool
put(const struct cli_option *o, const char *value)
{
	struct cli_words *words = o->out;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)o->out = true;
		return true;
	case CLI_VALUE:
		*(const char **)o->out = value;
		return true;
	case CLI_EACH:
		if (words->n == CLI_WORDS_MAX)
			return false;
		words->at[words->n++] = value;
		return true;
	}
	return false;
}

/* One option at argv[*i], which is advanced over a separate value. */
static int
take_option(struct cli *cli, int argc, char **argv, int *i,
    const struct cli_option *options, bool *done)
{
	const struct cli_option common[] = {
	    {"json",   CLI_FLAG,  &cli->json     },
	    {"config", CLI_VALUE, &cli->conf_file},
	    {"help",   CLI_FLAG,  done           },
	    {NULL,     CLI_FLAG,  NULL           },
	};
	bool is_short = argv[*i][1] != '-';
	struct str value = str_of(argv[*i] + (is_short ? 1 : 2));
	struct str name = is_short ? value : str_cut(&value, '=');
	bool attached = !is_short && value.at != NULL && value.at[-1] == '=';

	if (is_short)
		name = str_eq(name, STR("c"))   ? STR("config")
		       : str_eq(name, STR("h")) ? STR("help")
		                                : STR("");
	const struct cli_option *o = find_option(options, name);
	if (o == NULL)
		o = find_option(common, name);
	if (o == NULL)
		return cli_usage(cli, "there is no option %s", argv[*i]);
	if (o->kind == CLI_FLAG && attached)
		return cli_usage(cli, "--%s takes no value", o->name);
	if (o->kind != CLI_FLAG && !attached && ++*i == argc)
		return cli_usage(cli, "--%s needs a value", o->name);
	if (!put(o, attached ? value.at : argv[*i]))
		return cli_usage(cli, "too many --%s", o->name);
	return CLI_OK;
}

int
cli_options(struct cli *cli, int argc, char **argv,
    const struct cli_option *options, size_t least, size_t most, size_t *n,
    bool *done)
{
	int code = CLI_OK;
	size_t operands = 0;
	bool only_operands = false;

	*done = false;
	for (int i = 1; i < argc && code == CLI_OK; i++)
		if (!only_operands && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (only_operands || argv[i][0] != '-' ||
			 argv[i][1] == '\0')
			argv[operands++] = argv[i];
		else
			code = take_option(cli, argc, argv, &i, options, done);
	if (code != CLI_OK) {
		*done = true;
		return code;
	}
	if (*done) {
		cli_print_help(cli->command);
		return CLI_OK;
	}
	argv[operands] = NULL;
	*n = operands;
	*done = operands < least || operands > most;
	if (operands < least)
		return cli_usage(cli, "something is missing");
	if (operands > most)
		return cli_usage(cli, "\"%s\" is too much", argv[most]);
	return CLI_OK;
}

json_t *
cli_ask(const struct cli *cli, json_t *request, int *code)
{
	struct fail f = {0};
	json_t *reply;

	if (request == NULL) {
		*code = cli_usage(cli, CLI_NOT_UTF8);
		return NULL;
	}
	reply = client_ask(cli->conf_file, request, &f, code);
	if (reply == NULL)
		cli_complain("%s", f.text);
	return reply;
}

json_t *
cli_ask_shown(const struct cli *cli, json_t *request, bool *shown, int *code)
{
	json_t *reply = cli_ask(cli, request, code);

	*shown = reply != NULL && cli->json;
	if (*shown) {
		json_print(reply, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
		putchar('\n');
	}
	return reply;
}

bool
cli_size(const char *text, json_int_t *out)
{
	static const struct {
		char letter;
		unsigned shift;
	} units[] = {
	    {'K', 10},
            {'M', 20},
            {'G', 30},
            {'T', 40}
        };
	struct str s = str_of(text);
	unsigned shift = 0;
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (str_ends_nocase(s, (struct str){&units[i].letter, 1})) {
			shift = units[i].shift;
			s.len--;
			break;
		}
	if (!str_to_u64(s, (uint64_t)INT64_MAX >> shift, &n))
		return false;
	*out = (json_int_t)(n << shift);
	return true;
}
