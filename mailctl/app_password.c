/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

/* The document is ours alone. */
static void
wipe_password(json_t *reply)
{
	const json_t *value = json_object_get(reply, "password");

	if (json_is_string(value))
		explicit_bzero((char *)(uintptr_t)json_string_value(value),
		    json_string_length(value));
}

int
cmd_app_password_add(struct cli *cli, int argc, char **argv)
{
	const char *scope = NULL;
	const struct cli_option options[] = {
	    {"scope", CLI_VALUE, &scope},
            {NULL,    CLI_FLAG,  NULL  }
        };
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 2, 2, &n, &done);
	json_t *request, *reply;

	if (done)
		return code;
	request = json_pack("{s:s, s:s, s:s}", "command", "app-password.add",
	    "address", argv[0], "name", argv[1]);
	if (request != NULL && scope != NULL &&
	    json_object_set_new(request, "scope", json_string(scope)) == -1) {
		json_decref(request);
		request = NULL;
	}
	reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply != NULL && !shown) {
		table_print_text(stdout, str_of(show_text(reply, "password")));
		putchar('\n');
		fflush(stdout);
		fputs("This is the only time it is shown.\n", stderr);
	}
	wipe_password(reply);
	json_decref(reply);
	return code;
}

int
cmd_app_password_remove(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 2, 2, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack("{s:s, s:s, s:s}", "command", "app-password.remove",
		"address", argv[0], "name", argv[1]),
	    "name", "removed");
}

/* "smtp imap" */
static void
add_scope(struct table *t, const json_t *scope)
{
	char words[100] = "";
	size_t i, at = 0;
	json_t *word;

	json_array_foreach((json_t *)(uintptr_t)scope, i, word)
	{
		int n = snprintf(words + at, sizeof(words) - at, "%s%s",
		    i > 0 ? " " : "", json_string_value(word));

		if (n < 0 || (size_t)n >= sizeof(words) - at)
			break;
		at += (size_t)n;
	}
	table_add(t, str_of(words));
}

int
cmd_app_password_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
	    "NAME", "FOR", "SINCE", "LAST USED", "BY", "FROM", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply, *one;
	struct table *t;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s}", "command", "app-password.list", "address",
		argv[0]),
	    &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	t = table_new(headings);
	json_array_foreach(json_object_get(reply, "passwords"), i, one)
	{
		char text[SHOW_SIZE_MAX];
		bool used = show_text(one, "used")[0] != '\0';

		table_add(t, str_of(show_text(one, "name")));
		add_scope(t, json_object_get(one, "scope"));
		table_addf(t, "%.10s", show_text(one, "created"));
		/* kept to the hour */
		table_addf(t, "%.13s%s", show_time(one, "used", text),
		    used ? ":00" : "");
		table_add(t, str_of(used ? show_text(one, "for") : "-"));
		table_add(t, str_of(used ? show_text(one, "from") : "-"));
	}
	table_print(t, stdout, "There are no app passwords.");
	json_decref(reply);
	return code;
}
