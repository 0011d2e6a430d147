/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/queue_which.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

int
cmd_queue_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {"ID", "STATE", "NEXT TRY",
	    ">TRIES", "SENDER", "RECIPIENT", "LAST REPLY", NULL};
	struct queue_which w = {0};
	const char *max = NULL;
	const struct cli_option options[] = {
	    QUEUE_WHICH_OPTIONS(&w), {"max", CLI_VALUE, &max},
	    {NULL,  CLI_FLAG,  NULL}
        };
	char when[SHOW_SIZE_MAX];
	json_int_t most = 0;
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 0, 0, &n, &done);
	json_t *reply, *row;

	if (done)
		return code;
	if (max != NULL && !cli_size(max, &most))
		return cli_usage(cli, "%s is no number", max);
	json_t *request = queue_which_request(cli, &w, "queue.list", &code);
	if (request == NULL)
		return code;
	json_object_set_new(request, "max", json_integer(most));
	reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	struct table *t = table_new(headings);
	json_array_foreach(json_object_get(reply, "recipients"), i, row)
	{
		const char *sender = show_text(row, "sender");
		table_add(t, str_of(show_text(row, "id")));
		table_add(t, str_of(show_text(row, "state")));
		table_add(t, str_of(show_time(row, "next", when)));
		table_addf(t, "%lld", (long long)show_number(row, "tries"));
		table_add(t, sender[0] != '\0' ? str_of(sender) : STR("<>"));
		table_add(t, str_of(show_text(row, "recipient")));
		table_addf(t, "%.60s", show_text(row, "last_reply"));
	}
	table_print(t, stdout, "Nothing waits.");
	if (json_is_true(json_object_get(reply, "more")))
		puts("There is more: --max N shows it.");
	json_decref(reply);
	return code;
}

static void
show_line(const char *heading, const char *text)
{
	if (text[0] == '\0')
		return;
	printf("  %-12s", heading);
	table_print_text(stdout, str_of(text));
	putchar('\n');
}

static void
show_recipient(const json_t *row)
{
	char text[SHOW_SIZE_MAX];

	table_print_text(stdout, str_of(show_text(row, "recipient")));
	putchar('\n');
	show_line("state", show_text(row, "state"));
	if (show_text(row, "destination")[0] == '=')
		show_line("goes to", show_text(row, "destination") + 1);
	show_line("for", show_text(row, "original"));
	show_line("next try", show_time(row, "next", text));
	if (show_text(row, "held_until")[0] != '\0')
		show_line("held until", show_time(row, "held_until", text));
	show_line("given up", show_time(row, "expires", text));
	show_line("reports", show_text(row, "notify"));
	show_line("envelope", show_text(row, "envid"));
	printf("  %-12s%lld\n", "tries", (long long)show_number(row, "tries"));
	if (show_number(row, "tries") == 0)
		return;
	show_line("last try", show_time(row, "last", text));
	show_line("server", show_text(row, "last_host"));
	show_line("its words", show_text(row, "last_reply"));
}

/* What was said, a line each. */
static void
show_attempt(const json_t *attempt)
{
	const char *host = show_text(attempt, "host");
	struct str rest = str_of(show_text(attempt, "dialogue"));
	char when[SHOW_SIZE_MAX];

	printf("\n%s  ", show_time(attempt, "at", when));
	table_print_text(
	    stdout, host[0] != '\0' ? str_of(host) : STR("no server reached"));
	putchar('\n');
	while (rest.len > 0) {
		struct str line = str_cut(&rest, '\n');
		fputs("    ", stdout);
		table_print_text(stdout, line);
		putchar('\n');
	}
}

static void
show_head(const json_t *row)
{
	const char *sender = show_text(row, "sender");
	char text[SHOW_SIZE_MAX];

	printf("%s  from ", show_text(row, "id"));
	table_print_text(
	    stdout, sender[0] != '\0' ? str_of(sender) : STR("<>"));
	printf("  %s octets", show_size(show_number(row, "size"), text));
	printf("  since %s\n\n", show_time(row, "created", text));
}

int
cmd_queue_show(struct cli *cli, int argc, char **argv)
{
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply, *row;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s}", "command", "queue.show", "id", argv[0]),
	    &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	json_array_foreach(json_object_get(reply, "recipients"), i, row)
	{
		if (i == 0)
			show_head(row);
		show_recipient(row);
	}
	if (json_array_size(json_object_get(reply, "recipients")) == 0)
		puts("Nothing of it waits any more: `mailctl journey' tells "
		     "what became of it.");
	json_array_foreach(json_object_get(reply, "attempts"), i, row)
	    show_attempt(row);
	json_decref(reply);
	return code;
}
