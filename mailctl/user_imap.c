/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

int
cmd_user_imap(struct cli *cli, int argc, char **argv)
{
	const char *off = NULL;
	bool on = false, done, shown;
	const struct cli_option options[] = {
	    {"off", CLI_VALUE, &off},
	    {"on",  CLI_FLAG,  &on },
	    {NULL,  CLI_FLAG,  NULL},
	};
	size_t n;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);
	json_t *request, *reply;

	if (done)
		return code;
	if (off != NULL && on)
		return cli_usage(cli, "--off or --on, not both");
	request = json_pack(
	    "{s:s, s:s}", "command", "user.imap", "address", argv[0]);
	if (request != NULL && on)
		json_object_set_new(request, "on", json_true());
	if (request != NULL && off != NULL &&
	    json_object_set_new(request, "off", json_string(off)) == -1) {
		json_decref(request);
		request = NULL;
	}
	reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply != NULL && !shown) {
		const char *now = show_text(reply, "off");

		table_print_text(stdout, str_of(show_text(reply, "address")));
		fputs(now[0] != '\0' ? " is not offered " : " is offered all",
		    stdout);
		table_print_text(stdout, str_of(now));
		putchar('\n');
	}
	json_decref(reply);
	return code;
}
