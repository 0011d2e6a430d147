/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"

int
cmd_search_rebuild(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s}", "command", "search.rebuild"), &shown, &code);
	if (reply != NULL && !shown)
		puts("The index is empty; maild builds it again.");
	json_decref(reply);
	return code;
}
