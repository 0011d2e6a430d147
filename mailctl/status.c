/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

static void
print_uptime(json_int_t s)
{
	if (s >= 86400)
		printf("%lld days", (long long)(s / 86400));
	else
		printf("%lld:%02lld:%02lld", (long long)(s / 3600),
		    (long long)(s / 60 % 60), (long long)(s % 60));
}

static void
print_age(json_int_t s)
{
	if (s >= 2 * 86400)
		printf("%lld days", (long long)(s / 86400));
	else if (s >= 2 * 3600)
		printf("%lld hours", (long long)(s / 3600));
	else
		printf("%lld minutes", (long long)(s / 60));
}

/* Only if backup.dir is set. */
static void
print_backups(const json_t *backup)
{
	const json_t *newest = json_object_get(backup, "newest");
	const json_t *drill = json_object_get(backup, "drill");

	if (backup == NULL)
		return;
	printf("  %-10s", "backup");
	if (json_is_object(newest)) {
		printf("%s, ", show_text(newest, "name"));
		print_age(show_number(backup, "newest_age_s"));
		puts(" old");
	} else {
		puts("none yet");
	}
	printf("  %-10s", "drill");
	if (json_is_object(drill)) {
		printf("%s, ", json_is_true(json_object_get(drill, "good"))
				   ? "good"
				   : "FAILED");
		print_age(show_number(backup, "drill_age_s"));
		printf(" ago: %s%s", show_text(drill, "snapshot"),
		    show_text(drill, "text")[0] != '\0' ? ": " : "");
		table_print_text(stdout, str_of(show_text(drill, "text")));
		putchar('\n');
	} else {
		puts("none yet");
	}
	if (show_text(backup, "failed")[0] == '\0')
		return;
	printf("  %-10s", "FAILED");
	table_print_text(stdout, str_of(show_text(backup, "failed")));
	putchar('\n');
}

int
cmd_status(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *heading, *member;
	} counts[] = {
	    {"domains",  "domains" },
	    {"accounts", "accounts"},
	    {"messages", "messages"},
	    {"queue",    "waiting" },
	    {"held",     "held"    },
	};
	char text[SHOW_SIZE_MAX];
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(
	    cli, json_pack("{s:s}", "command", "status"), &shown, &code);
	if (reply == NULL || shown) {
		json_decref(reply);
		return code;
	}
	if (json_is_true(json_object_get(reply, "running"))) {
		printf("maild %s runs as process %lld for ",
		    show_text(reply, "version"),
		    (long long)show_number(reply, "pid"));
		print_uptime(show_number(reply, "uptime_s"));
		putchar('\n');
	} else {
		puts("maild does not run");
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		printf("  %-10s%lld\n", counts[i].heading,
		    (long long)show_number(reply, counts[i].member));
	printf("  %-10s%s\n", "size",
	    show_size(show_number(reply, "bytes"), text));
	printf("  %-10s%s\n", "next try", show_time(reply, "next_due", text));
	print_backups(json_object_get(reply, "backup"));
	json_decref(reply);
	return code;
}
