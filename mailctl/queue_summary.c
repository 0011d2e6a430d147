/* SPDX-License-Identifier: MIT */
/* The queue as Postfix's qshape shows it: destinations by age. */
#include <stdio.h>

#include "common/util/str.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define HEADING_MAX 12

/* ">5m": a column, aligned to the right, of what is younger. */
static void
age_heading(json_int_t ms, const char *after, char out[HEADING_MAX])
{
	json_int_t minutes = ms / 60000;

	if (minutes % 1440 == 0)
		snprintf(
		    out, HEADING_MAX, ">%dd%s", (int)(minutes / 1440), after);
	else if (minutes % 60 == 0)
		snprintf(
		    out, HEADING_MAX, ">%dh%s", (int)(minutes / 60), after);
	else
		snprintf(out, HEADING_MAX, ">%dm%s", (int)minutes, after);
}

/* Its columns of ages are those of the answer. */
struct heads {
	char ages[TABLE_COLUMNS_MAX][HEADING_MAX];
	const char *at[TABLE_COLUMNS_MAX + 1];
};

static void
set_heads(const json_t *reply, struct heads *h)
{
	const json_t *bounds = json_object_get(reply, "bounds_ms");
	size_t n = json_array_size(bounds), at = 0;

	h->at[at++] = "DESTINATION";
	h->at[at++] = ">TOTAL";
	for (size_t i = 0; i <= n && at + 2 < TABLE_COLUMNS_MAX; i++) {
		age_heading(json_integer_value(
				json_array_get(bounds, i < n ? i : n - 1)),
		    i < n ? "" : "+", h->ages[i]);
		h->at[at++] = h->ages[i];
	}
	h->at[at++] = "NEXT TRY";
	h->at[at++] = "LAST REPLY";
	h->at[at] = NULL;
}

static void
add_numbers(struct table *t, const json_t *row)
{
	json_t *n;
	size_t i;

	table_addf(t, "%lld", (long long)show_number(row, "total"));
	json_array_foreach(json_object_get(row, "ages"), i, n)
	    table_addf(t, "%lld", (long long)json_integer_value(n));
}

static void
print_paused(const json_t *reply)
{
	char since[SHOW_SIZE_MAX];
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(reply, "paused"), i, row)
	{
		fputs(i == 0 ? "\nPaused: " : "        ", stdout);
		table_print_text(stdout, str_of(show_text(row, "domain")));
		printf(" since %s", show_time(row, "since", since));
		if (show_text(row, "why")[0] != '\0') {
			fputs(": ", stdout);
			table_print_text(stdout, str_of(show_text(row, "why")));
		}
		putchar('\n');
	}
}

static void
print_summary(const json_t *reply)
{
	char when[SHOW_SIZE_MAX];
	struct heads heads;
	struct table *t;
	json_t *row;
	size_t i;

	set_heads(reply, &heads);
	t = table_new(heads.at);
	json_array_foreach(json_object_get(reply, "destinations"), i, row)
	{
		if (i == 0) {
			table_add(t, STR("TOTAL"));
			add_numbers(t, reply);
			table_add(t, STR(""));
			table_add(t, STR(""));
		}
		table_add(t, str_of(show_text(row, "destination")));
		add_numbers(t, row);
		table_add(t, json_is_true(json_object_get(row, "paused"))
				 ? STR("paused")
				 : str_of(show_time(row, "next", when)));
		table_addf(t, "%.60s", show_text(row, "last_reply"));
	}
	table_print(t, stdout, "Nothing waits.");
	if (json_is_true(json_object_get(reply, "more")))
		puts("There is more: --max N shows it.");
	print_paused(reply);
}

int
cmd_queue_summary(struct cli *cli, int argc, char **argv)
{
	const char *max = NULL;
	const struct cli_option options[] = {
	    {"max", CLI_VALUE, &max},
            {NULL,  CLI_FLAG,  NULL}
        };
	json_int_t most = 0;
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 0, 0, &n, &done);

	if (done)
		return code;
	if (max != NULL && !cli_size(max, &most))
		return cli_usage(cli, "%s is no number", max);
	json_t *reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:I}", "command", "queue.summary", "max", most),
	    &shown, &code);
	if (reply != NULL && !shown)
		print_summary(reply);
	json_decref(reply);
	return code;
}
