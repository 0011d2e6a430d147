/* SPDX-License-Identifier: MIT */
#include <stdio.h>

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
	return change(cli, argc, argv, "domain.add", "added");
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
