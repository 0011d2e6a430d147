/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define INDENT "                         " /* under the inputs */

static void
print_named(const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	printf("  %-12s", name);
	table_print_text(stdout, str_of(text));
	putchar('\n');
}

/* One thing about a check, below the one before; *first is on its line. */
static void
print_about(const char *before, const char *text, bool *first)
{
	if (text[0] == '\0')
		return;
	if (!*first)
		fputs("\n" INDENT, stdout);
	*first = false;
	fputs(before, stdout);
	table_print_text(stdout, str_of(text));
}

/*
 *   spf         fail       ip=192.0.2.1 helo=mx.a.test mailfrom=x@a.test
 *                          -all matched
 */
static void
print_check(const json_t *check)
{
	bool first = true;

	printf("  %-12s%-11s", show_text(check, "check"),
	    show_text(check, "result"));
	print_about("", show_text(check, "inputs"), &first);
	print_about("", show_text(check, "why"), &first);
	print_about("decided by ", show_text(check, "setting"), &first);
	putchar('\n');
}

static void
print_message(const json_t *message)
{
	const char *sender = show_text(message, "sender");
	json_t *check;
	size_t i;

	printf("Message %s\n", show_text(message, "id"));
	print_named("from", sender[0] != '\0' ? sender : "<>");
	print_named("message-id", show_text(message, "message_id"));
	print_named("came from", show_text(message, "from"));
	print_named("by", show_text(message, "how"));
	print_named("proven", show_text(message, "author")[0] != '\0'
				  ? show_text(message, "author")
				  : show_text(message, "domain"));
	putchar('\n');
	json_array_foreach(json_object_get(message, "checks"), i, check)
	    print_check(check);
	if (i == 0)
		puts("  Not judged: submitted here, made here, or from a "
		     "network of policy.exempt.");
}

int
cmd_explain(struct cli *cli, int argc, char **argv)
{
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply, *message;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s}", "command", "explain", "what", argv[0]),
	    &shown, &code);
	if (reply != NULL && !shown)
		json_array_foreach(
		    json_object_get(reply, "messages"), i, message)
		{
			if (i > 0)
				putchar('\n');
			print_message(message);
		}
	json_decref(reply);
	return code;
}
