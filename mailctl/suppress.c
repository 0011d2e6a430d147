/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

int
cmd_suppress_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
	    "ADDRESS", ">REFUSALS", "LAST", "REPLY", NULL};
	char when[SHOW_SIZE_MAX];
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply, *row;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "suppress.list"), &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	struct table *t = table_new(headings);
	json_array_foreach(json_object_get(reply, "addresses"), i, row)
	{
		table_add(t, str_of(show_text(row, "address")));
		table_addf(t, "%lld", (long long)show_number(row, "refusals"));
		table_add(t, str_of(show_time(row, "last", when)));
		table_addf(t, "%.80s", show_text(row, "reply"));
	}
	table_print(t, stdout, "No address was refused.");
	if (json_is_true(json_object_get(reply, "more")))
		puts("There are more than can be shown.");
	json_decref(reply);
	return code;
}

int
cmd_suppress_remove(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack(
		"{s:s, s:s}", "command", "suppress.remove", "address", argv[0]),
	    "address", "is tried again");
}
