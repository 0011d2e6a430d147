/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/story.h"

int
cmd_journey(struct cli *cli, int argc, char **argv)
{
	const char *max = NULL;
	const struct cli_option options[] = {
	    {"max", CLI_VALUE, &max},
            {NULL,  CLI_FLAG,  NULL}
        };
	json_int_t most = 0;
	size_t n, i;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);
	json_t *reply, *journey;

	if (done)
		return code;
	if (max != NULL && !cli_size(max, &most))
		return cli_usage(cli, "%s is no number", max);
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s, s:I}", "command", "journey", "what", argv[0],
		"max", most),
	    &shown, &code);
	if (reply != NULL && !shown) {
		json_array_foreach(
		    json_object_get(reply, "journeys"), i, journey)
		{
			if (i > 0)
				putchar('\n');
			story_print(journey, stdout);
		}
		if (json_is_true(json_object_get(reply, "more")))
			puts("\nThere is more: --max N shows it.");
	}
	json_decref(reply);
	return code;
}
