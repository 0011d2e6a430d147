/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/story.h"

#define LOOK_AGAIN_NS 300000000

/* One journey that is followed. */
struct walk {
	char id[16];
	char day[STORY_DAY];
	size_t seen; /* hops that were printed */
	bool over;
};

struct follow {
	const struct cli *cli;
	const struct walk *last; /* whose hops were printed last, or NULL */
	struct walk *walks;
	size_t n;
};

/* A line for each hop, with the id of its message. */
static void
print_lines(const json_t *journey)
{
	json_t *hop;
	size_t i;

	json_array_foreach(json_object_get(journey, "hops"), i, hop)
	{
		json_t *line = json_pack(
		    "{s:s}", "id", show_text(journey, "id"));
		json_object_update(line, hop);
		json_print(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(line);
	}
}

static void
print_news(struct follow *f, struct walk *w, const json_t *journey)
{
	size_t n = json_array_size(json_object_get(journey, "hops"));

	if (n == 0)
		return;
	w->seen += n;
	if (f->cli->json) {
		print_lines(journey);
	} else {
		if (f->last != w) {
			if (f->last != NULL)
				putchar('\n');
			story_print_head(journey, stdout);
			w->day[0] = '\0';
		}
		story_print_hops(journey, w->day, stdout);
	}
	f->last = w;
	fflush(stdout);
}

/* What happened since.  0, or the exit code. */
static int
look_again(struct follow *f, struct walk *w)
{
	int code;
	json_t *reply = cli_ask(f->cli,
	    json_pack("{s:s, s:s, s:I}", "command", "journey", "what", w->id,
		"after", (json_int_t)w->seen),
	    &code);
	const json_t *journey = json_array_get(
	    json_object_get(reply, "journeys"), 0);

	if (reply == NULL)
		return code;
	print_news(f, w, journey);
	w->over = show_number(journey, "left") == 0 &&
	          !json_is_true(json_object_get(reply, "more"));
	json_decref(reply);
	return CLI_OK;
}

static bool
is_over(const struct follow *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->walks[i].over)
			return false;
	return true;
}

/* The oldest first, as they will go on. */
static void
begin(struct follow *f, const json_t *journeys)
{
	f->n = json_array_size(journeys);
	f->walks = mem_new(f->n + 1, sizeof(*f->walks));
	for (size_t i = f->n; i-- > 0;) {
		const json_t *journey = json_array_get(journeys, i);
		struct walk *w = &f->walks[f->n - 1 - i];

		snprintf(w->id, sizeof(w->id), "%s", show_text(journey, "id"));
		print_news(f, w, journey);
	}
}

/* Until nothing of any of them is still to come. */
static int
follow(struct cli *cli, const char *what, json_int_t most)
{
	static const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	struct follow f = {.cli = cli};
	int code;
	json_t *reply = cli_ask(cli,
	    json_pack("{s:s, s:s, s:I}", "command", "journey", "what", what,
		"max", most > 0 ? most : 1),
	    &code);

	if (reply == NULL)
		return code;
	begin(&f, json_object_get(reply, "journeys"));
	json_decref(reply);
	for (;;) {
		for (size_t i = 0; i < f.n && code == CLI_OK; i++)
			if (!f.walks[i].over)
				code = look_again(&f, &f.walks[i]);
		if (code != CLI_OK || is_over(&f))
			break;
		if (ferror(stdout)) {
			code = CLI_FAILED; /* nobody reads it any more */
			break;
		}
		nanosleep(&pause, NULL);
	}
	free(f.walks);
	return code;
}

static int
tell(struct cli *cli, const char *what, json_int_t most)
{
	json_t *reply, *journey;
	size_t i;
	bool shown;
	int code;

	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s, s:I}", "command", "journey", "what", what,
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

int
cmd_journey(struct cli *cli, int argc, char **argv)
{
	const char *max = NULL;
	bool following = false, done;
	const struct cli_option options[] = {
	    {"follow", CLI_FLAG,  &following},
            {"max",    CLI_VALUE, &max      },
	    {NULL,     CLI_FLAG,  NULL      }
        };
	json_int_t most = 0;
	size_t n;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);

	if (done)
		return code;
	if (max != NULL && !cli_size(max, &most))
		return cli_usage(cli, "%s is no number", max);
	return following ? follow(cli, argv[0], most)
	                 : tell(cli, argv[0], most);
}
