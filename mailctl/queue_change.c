/* SPDX-License-Identifier: MIT */
/* Orders about what waits. */
#include <stdio.h>
#include <string.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/queue_which.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

static const struct {
	const char *order, *done;
} words[] = {
    {"retry",   "to be tried now"},
    {"hold",    "held"           },
    {"release", "released"       },
    {"drop",    "dropped"        },
    {"reroute", "rerouted to "   },
};

static void
print_done(const char *order, const json_t *reply)
{
	long long changed = (long long)show_number(reply, "changed");
	const char *to = show_text(reply, "to");

	if (changed == 0) {
		puts("Nothing that waits is meant by this.");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].order, order) == 0)
			printf("%lld recipient%s %s", changed,
			    changed == 1 ? "" : "s", words[i].done);
	if (strcmp(to, "mx") == 0)
		to = "where DNS says";
	table_print_text(stdout, str_of(to[0] == '=' ? to + 1 : to));
	putchar('\n');
}

/* What these orders have in common; to is NULL for those without. */
static int
change(struct cli *cli, int argc, char **argv, const char **to)
{
	struct queue_which w = {0};
	const char *order = argv[0];
	bool all = false, done, shown;
	const struct cli_option options[] = {
	    QUEUE_WHICH_OPTIONS(&w), {"all",                    CLI_FLAG,  &all},
	    {to != NULL ? "to" : NULL, CLI_VALUE, to  },
             {NULL,                     CLI_FLAG,  NULL}
        };
	char command[40];
	size_t n;
	int code;

	snprintf(command, sizeof(command), "queue.%s", order);
	code = cli_options(cli, argc, argv, options, 0, 1, &n, &done);
	if (done)
		return code;
	if ((n == 1 || queue_which_is_given(&w)) == all)
		return cli_usage(cli,
		    "say which: an ID, or --domain, --sender, --recipient, "
		    "--state, --older, --newer, or --all");
	if (to != NULL && *to == NULL)
		return cli_usage(cli, "--to HOST[:PORT], or --to mx");
	json_t *request = queue_which_request(cli, &w, command, &code);
	if (request == NULL)
		return code;
	if ((n == 1 && json_object_set_new(
			   request, "id", json_string(argv[0])) == -1) ||
	    (to != NULL &&
		json_object_set_new(request, "to", json_string(*to)) == -1)) {
		json_decref(request);
		return cli_usage(cli, CLI_NOT_UTF8);
	}
	if (all)
		json_object_set_new(request, "all", json_true());
	json_t *reply = cli_ask_shown(cli, request, &shown, &code);
	if (reply != NULL && !shown)
		print_done(order, reply);
	json_decref(reply);
	return code;
}

/* `retry', `hold', `release' and `drop' differ in their word alone. */
int
cmd_queue_change(struct cli *cli, int argc, char **argv)
{
	return change(cli, argc, argv, NULL);
}

int
cmd_queue_reroute(struct cli *cli, int argc, char **argv)
{
	const char *to = NULL;

	return change(cli, argc, argv, &to);
}

static void
print_gone(const json_t *gone)
{
	char when[SHOW_SIZE_MAX];

	fputs("Too late for ", stdout);
	table_print_text(stdout, str_of(show_text(gone, "recipient")));
	printf(": %s", show_text(gone, "what"));
	if (show_text(gone, "peer")[0] != '\0') {
		fputs(", ", stdout);
		table_print_text(stdout, str_of(show_text(gone, "peer")));
	}
	printf(", %s\n", show_time(gone, "at", when));
}

int
cmd_queue_recall(struct cli *cli, int argc, char **argv)
{
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	json_t *reply, *gone;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s}", "command", "queue.recall", "id", argv[0]),
	    &shown, &code);
	if (reply != NULL && !shown) {
		json_int_t changed = show_number(reply, "changed");
		printf("%lld recipient%s recalled; what is being sent at this "
		       "moment may still arrive: mailctl journey %s tells\n",
		    (long long)changed, changed == 1 ? "" : "s", argv[0]);
		json_array_foreach(json_object_get(reply, "gone"), i, gone)
		    print_gone(gone);
	}
	json_decref(reply);
	return code;
}

int
cmd_queue_pause(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 2, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack("{s:s, s:s, s:s*}", "command", "queue.pause", "domain",
		argv[0], "why", n == 2 ? argv[1] : NULL),
	    "domain", "is paused: its mail waits until mailctl queue resume");
}

int
cmd_queue_resume(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);

	if (done)
		return code;
	return show_done(cli,
	    json_pack(
		"{s:s, s:s}", "command", "queue.resume", "domain", argv[0]),
	    "domain", "goes on");
}
