/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

static int
change(struct cli *cli, int argc, char **argv, const char *command,
    const char *words)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack("{s:s, s:s}", "command", command, "domain", argv[0]),
	    "domain", words);
}

int
cmd_domain_add(struct cli *cli, int argc, char **argv)
{
	bool no_keys = false;
	const struct cli_option options[] = {
	    {"no-keys", CLI_FLAG, &no_keys},
            {NULL,      CLI_FLAG, NULL    }
        };
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s, s:b}", "command", "domain.add", "domain",
		argv[0], "keys", !no_keys),
	    &shown, &code);
	if (reply != NULL && !shown) {
		table_print_text(stdout, str_of(show_text(reply, "domain")));
		printf(" added.  What to publish: mailctl domain dns ");
		table_print_text(stdout, str_of(show_text(reply, "domain")));
		putchar('\n');
	}
	json_decref(reply);
	return code;
}

int
cmd_domain_rotate(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *step, *words;
	} steps[] = {
	    {"first", "Keys were made and sign from now on.  Publish them: "
		      "mailctl domain dns "            },
	    {"next",  "The next keys were made.  Publish them, wait a day, then "
		     "rotate again: mailctl domain dns "},
	    {"turn",
             "The next keys sign from now on.  Leave the records of the "
		"old ones for a week: mailctl domain dns "                  },
	};
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack(
		"{s:s, s:s}", "command", "domain.rotate", "domain", argv[0]),
	    &shown, &code);
	for (size_t i = 0; i < 3 && reply != NULL && !shown; i++)
		if (strcmp(show_text(reply, "step"), steps[i].step) == 0)
			printf("%s%s\n", steps[i].words,
			    show_text(reply, "domain"));
	json_decref(reply);
	return code;
}

int
cmd_domain_remove(struct cli *cli, int argc, char **argv)
{
	return change(cli, argc, argv, "domain.remove", "removed");
}

int
cmd_domain_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {"DOMAIN", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply, *domain;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "domain.list"), &shown, &code);
	if (reply != NULL && !shown) {
		struct table *t = table_new(headings);
		json_array_foreach(json_object_get(reply, "domains"), i, domain)
		    table_add(t, str_of(show_text(domain, "domain")));
		table_print(
		    t, stdout, "There are no domains: mailctl domain add.");
	}
	json_decref(reply);
	return code;
}
