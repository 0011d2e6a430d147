/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

int
cmd_queue_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {"ID", "STATE", "NEXT TRY",
	    ">TRIES", "SENDER", "RECIPIENT", "LAST REPLY", NULL};
	const char *domain = NULL, *max = NULL;
	const struct cli_option options[] = {
	    {"domain", CLI_VALUE, &domain},
            {"max",    CLI_VALUE, &max   },
	    {NULL,     CLI_FLAG,  NULL   }
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
	json_t *request = json_pack("{s:s, s:s*, s:I}", "command", "queue.list",
	    "domain", domain, "max", most);
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

int
cmd_queue_show(struct cli *cli, int argc, char **argv)
{
	char text[SHOW_SIZE_MAX];
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
		if (i == 0) {
			const char *sender = show_text(row, "sender");
			printf("%s  from ", show_text(row, "id"));
			table_print_text(stdout,
			    sender[0] != '\0' ? str_of(sender) : STR("<>"));
			printf("  %s octets",
			    show_size(show_number(row, "size"), text));
			printf(
			    "  since %s\n\n", show_time(row, "created", text));
		}
		show_recipient(row);
	}
	json_decref(reply);
	return code;
}

/* `retry', `hold', `release' and `drop' differ in their word alone. */
int
cmd_queue_change(struct cli *cli, int argc, char **argv)
{
	const char *domain = NULL;
	bool all = false, done, shown;
	const struct cli_option options[] = {
	    {"domain", CLI_VALUE, &domain},
            {"all",    CLI_FLAG,  &all   },
	    {NULL,     CLI_FLAG,  NULL   }
        };
	char command[40];
	size_t n;
	int code;

	snprintf(command, sizeof(command), "queue.%s", argv[0]);
	code = cli_options(cli, argc, argv, options, 0, 1, &n, &done);
	if (done)
		return code;
	if (n + (domain != NULL) + all != 1)
		return cli_usage(cli, "name one ID, or one domain, or --all");
	json_t *request = json_pack("{s:s, s:s*, s:s*}", "command", command,
	    "id", n == 1 ? argv[0] : NULL, "domain", domain);
	if (all)
		json_object_set_new(request, "all", json_true());
	json_t *reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply != NULL && !shown)
		printf("%lld recipients: %s\n",
		    (long long)show_number(reply, "changed"), command + 6);
	json_decref(reply);
	return code;
}
