/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"

static void
print_uptime(json_int_t s)
{
	if (s >= 86400)
		printf("%lld days", (long long)(s / 86400));
	else
		printf("%lld:%02lld:%02lld", (long long)(s / 3600),
		    (long long)(s / 60 % 60), (long long)(s % 60));
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
	json_decref(reply);
	return code;
}
