/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

/* Each target is a change of its own, told one by one. */
static int
each_target(struct cli *cli, int argc, char **argv, const char *command,
    const char *words, size_t least)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, least, 1000, &n, &done);

	if (done)
		return code;
	if (n == 1)
		return show_done(cli,
		    json_pack(
			"{s:s, s:s}", "command", command, "alias", argv[0]),
		    "alias", words);
	for (size_t i = 1; i < n && code == CLI_OK; i++) {
		char line[400];
		snprintf(line, sizeof(line), "-> %s %s", argv[i], words);
		code = show_done(cli,
		    json_pack("{s:s, s:s, s:s}", "command", command, "alias",
			argv[0], "target", argv[i]),
		    "alias", line);
	}
	return code;
}

int
cmd_alias_add(struct cli *cli, int argc, char **argv)
{
	return each_target(cli, argc, argv, "alias.add", "added", 2);
}

int
cmd_alias_remove(struct cli *cli, int argc, char **argv)
{
	return each_target(cli, argc, argv, "alias.remove", "removed", 1);
}

int
cmd_alias_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {"ALIAS", "TARGET", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply, *alias;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "alias.list"), &shown, &code);
	if (reply != NULL && !shown) {
		struct table *t = table_new(headings);
		json_array_foreach(json_object_get(reply, "aliases"), i, alias)
		{
			table_add(t, str_of(show_text(alias, "alias")));
			table_add(t, str_of(show_text(alias, "target")));
		}
		table_print(t, stdout, "There are no aliases.");
	}
	json_decref(reply);
	return code;
}
