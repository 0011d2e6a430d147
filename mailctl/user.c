/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/passphrase.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

/* Ask for a password and send it along with request. */
static int
send_password(struct cli *cli, json_t *request, const char *done_word)
{
	bool shown;
	int code;

	if (request == NULL)
		return cli_usage(cli, CLI_NOT_UTF8);
	if ((code = passphrase_into(request, "Password: ")) != CLI_OK) {
		json_decref(request);
		return code;
	}
	json_t *reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply != NULL && !shown) {
		table_print_text(stdout, str_of(show_text(reply, "address")));
		printf(" %s\n", done_word);
	}
	json_decref(reply);
	return code;
}

int
cmd_user_add(struct cli *cli, int argc, char **argv)
{
	const char *quota = NULL;
	const struct cli_option options[] = {
	    {"quota", CLI_VALUE, &quota},
            {NULL,    CLI_FLAG,  NULL  }
        };
	json_int_t octets = 0;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);

	if (done)
		return code;
	if (quota != NULL && !cli_size(quota, &octets))
		return cli_usage(cli, "%s is no size like 500M", quota);
	return send_password(cli,
	    json_pack("{s:s, s:s, s:I}", "command", "user.add", "address",
		argv[0], "quota", octets),
	    "added");
}

int
cmd_user_passwd(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return send_password(cli,
	    json_pack(
		"{s:s, s:s}", "command", "user.passwd", "address", argv[0]),
	    "has a new password");
}

int
cmd_user_quota(struct cli *cli, int argc, char **argv)
{
	json_int_t octets;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 2, 2, &n, &done);

	if (done)
		return code;
	if (!cli_size(argv[1], &octets))
		return cli_usage(cli, "%s is no size like 500M", argv[1]);
	return show_done(cli,
	    json_pack("{s:s, s:s, s:I}", "command", "user.quota", "address",
		argv[0], "quota", octets),
	    "address", "has a new quota");
}

static int
change_state(struct cli *cli, int argc, char **argv, const char *command,
    const char *words)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack("{s:s, s:s}", "command", command, "address", argv[0]),
	    "address", words);
}

int
cmd_user_disable(struct cli *cli, int argc, char **argv)
{
	return change_state(cli, argc, argv, "user.disable", "disabled");
}

int
cmd_user_enable(struct cli *cli, int argc, char **argv)
{
	return change_state(cli, argc, argv, "user.enable", "enabled");
}

int
cmd_user_remove(struct cli *cli, int argc, char **argv)
{
	bool yes = false;
	const struct cli_option options[] = {
	    {"yes", CLI_FLAG, &yes},
            {NULL,  CLI_FLAG, NULL}
        };
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);

	if (done)
		return code;
	if (!yes)
		return cli_usage(
		    cli, "this deletes all mail of %s: say --yes", argv[0]);
	return show_done(cli,
	    json_pack(
		"{s:s, s:s}", "command", "user.remove", "address", argv[0]),
	    "address", "removed");
}

int
cmd_user_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
	    "ADDRESS", ">MESSAGES", ">SIZE", ">QUOTA", "SINCE", "STATE", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply, *user;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "user.list"), &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	struct table *t = table_new(headings);
	json_array_foreach(json_object_get(reply, "users"), i, user)
	{
		json_int_t quota = show_number(user, "quota");
		char text[SHOW_SIZE_MAX];
		table_add(t, str_of(show_text(user, "address")));
		table_addf(t, "%lld", (long long)show_number(user, "messages"));
		table_add(
		    t, str_of(show_size(show_number(user, "bytes"), text)));
		table_add(t, str_of(quota != 0 ? show_size(quota, text) : "-"));
		table_addf(t, "%.10s", show_text(user, "created"));
		table_add(t, json_is_true(json_object_get(user, "disabled"))
				 ? STR("disabled")
				 : STR("active"));
	}
	table_print(t, stdout, "There are no accounts: mailctl user add.");
	json_decref(reply);
	return code;
}
