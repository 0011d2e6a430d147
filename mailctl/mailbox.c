/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

static void
add_row(struct table *t, const json_t *box)
{
	const json_t *use;
	struct buf notes;
	char size[SHOW_SIZE_MAX];
	size_t i;

	buf_init(&notes, 1 * KB);
	if (!json_is_true(json_object_get(box, "mailbox")))
		buf_add(&notes, STR("no mailbox "));
	if (!json_is_true(json_object_get(box, "subscribed")))
		buf_add(&notes, STR("not subscribed "));
	json_array_foreach(json_object_get(box, "uses"), i, use)
	    buf_addf(&notes, "%s ", json_string_value(use));
	table_add(t, str_of(show_text(box, "name")));
	table_addf(t, "%lld", (long long)show_number(box, "messages"));
	table_addf(t, "%lld", (long long)show_number(box, "unseen"));
	table_add(t, str_of(show_size(show_number(box, "bytes"), size)));
	table_add(t, str_trim(buf_str(&notes)));
	buf_release(&notes);
}

int
cmd_mailbox_list(struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
	    "MAILBOX", ">MESSAGES", ">UNSEEN", ">SIZE", "NOTES", NULL};
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply, *box;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack(
		"{s:s, s:s}", "command", "mailbox.list", "address", argv[0]),
	    &shown, &code);
	if (reply != NULL && !shown) {
		struct table *t = table_new(headings);

		json_array_foreach(json_object_get(reply, "mailboxes"), i, box)
		    add_row(t, box);
		table_print(t, stdout, "There are no mailboxes.");
	}
	json_decref(reply);
	return code;
}

/* What each does with NAME: the last word of the command decides. */
static const struct {
	const char *word, *command, *done;
	size_t operands;
	bool needs_yes, takes_use;
} changes[] = {
    {"mailbox create",      "mailbox.create",      "made",           2, false, true },
    {"mailbox rename",      "mailbox.rename",      "renamed",        3, false, false},
    {"mailbox delete",      "mailbox.delete",      "deleted",        2, true,  false},
    {"mailbox subscribe",   "mailbox.subscribe",   "subscribed",     2, false, false},
    {"mailbox unsubscribe", "mailbox.unsubscribe", "not subscribed", 2, false,
     false									  },
};

static size_t
find_change(const char *words)
{
	size_t i = 0;

	while (strcmp(changes[i].word, words) != 0)
		i++;
	return i;
}

int
cmd_mailbox_change(struct cli *cli, int argc, char **argv)
{
	size_t c = find_change(cli->command->words), n;
	const char *use = NULL;
	bool yes = false, done;
	const struct cli_option with_yes[] = {
	    {"yes", CLI_FLAG, &yes},
            {NULL,  CLI_FLAG, NULL}
        };
	const struct cli_option with_use[] = {
	    {"use", CLI_VALUE, &use},
            {NULL,  CLI_FLAG,  NULL}
        };
	int code = cli_options(cli, argc, argv,
	    changes[c].needs_yes   ? with_yes
	    : changes[c].takes_use ? with_use
				   : NULL,
	    changes[c].operands, changes[c].operands, &n, &done);
	json_t *request;

	if (done)
		return code;
	if (changes[c].needs_yes && !yes)
		return cli_usage(
		    cli, "this deletes all mail in %s: say --yes", argv[1]);
	request = json_pack("{s:s, s:s, s:s}", "command", changes[c].command,
	    "address", argv[0], "name", argv[1]);
	if (request != NULL && changes[c].operands == 3 &&
	    json_object_set_new(request, "to", json_string(argv[2])) == -1) {
		json_decref(request);
		request = NULL;
	}
	if (request != NULL && use != NULL)
		json_object_set_new(request, "use", json_string(use));
	return show_done(cli, request, "mailbox", changes[c].done);
}
