/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mailctl/commands.h"
#include "mailctl/passphrase.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

int
cmd_smarthost_add(struct cli *cli, int argc, char **argv)
{
	const char *tls = NULL, *login = NULL;
	const struct cli_option options[] = {
	    {"tls",   CLI_VALUE, &tls  },
            {"login", CLI_VALUE, &login},
	    {NULL,    CLI_FLAG,  NULL  }
        };
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 2, 2, &n, &done);
	json_t *request;

	if (done)
		return code;
	request = json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "command",
	    "smarthost.add", "domain", argv[0], "host", argv[1], "tls", tls,
	    "login", login);
	if (login != NULL && request != NULL &&
	    (code = passphrase_into(request, "Password there: ")) != CLI_OK) {
		json_decref(request);
		return code;
	}
	return show_done(cli, request, "host", "takes its mail from now on");
}

int
cmd_smarthost_remove(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack(
		"{s:s, s:s}", "command", "smarthost.remove", "domain", argv[0]),
	    "domain", "goes by its MX again");
}

int
cmd_smarthost_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
	    "DOMAIN", "SERVER", ">PORT", "TLS", "LOGIN", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply, *row;
	struct table *t;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s}", "command", "smarthost.list"), &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	t = table_new(headings);
	json_array_foreach(json_object_get(reply, "smarthosts"), i, row)
	{
		table_add(t, str_of(show_text(row, "domain")));
		table_add(t, str_of(show_text(row, "host")));
		table_addf(t, "%lld", (long long)show_number(row, "port"));
		table_add(t, str_of(show_text(row, "tls")));
		table_add(t, str_of(show_text(row, "login")));
	}
	table_print(
	    t, stdout, "There are none: mail goes to the MX of each domain.");
	json_decref(reply);
	return code;
}

int
cmd_metrics(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "metrics"), &shown, &code);
	if (reply != NULL && !shown)
		fputs(show_text(reply, "text"), stdout);
	json_decref(reply);
	return code;
}
