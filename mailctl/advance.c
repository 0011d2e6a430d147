/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/conf/conf.h"
#include "common/util/str.h"
#include "mailctl/client.h"
#include "mailctl/commands.h"
#include "mailctl/duration.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define LOOK_FIRST_NS 1000000 /* how often we look whether all is tried */
#define LOOK_MOST_NS  50000000

struct travel {
	struct cli *cli;
	struct conf *conf;
	json_t *jumps;
	json_int_t since_ms; /* what happened before has been told */
	int code;
};

static json_t *
ask(struct travel *t, json_t *request)
{
	struct fail f = {0};
	json_t *reply = client_ask_with(t->conf, request, &f, &t->code);

	if (reply == NULL)
		cli_complain("%s", f.text);
	return reply;
}

/* Wait until nothing is due; what happened since we asked last is in the
 * answer. */
static json_t *
settle(struct travel *t)
{
	struct timespec pause = {.tv_nsec = LOOK_FIRST_NS};

	for (;;) {
		json_t *reply = ask(t, json_pack("{s:s, s:I}", "command",
					   "test.next", "since", t->since_ms));
		if (reply == NULL)
			return NULL;
		if (show_number(reply, "active") == 0) {
			t->since_ms = show_number(reply, "now_ms") + 1;
			return reply;
		}
		json_decref(reply);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < LOOK_MOST_NS)
			pause.tv_nsec *= 2;
	}
}

/* How an attempt can end, as hops say it and as we do. */
static const struct outcome {
	const char *what, *word;
} outcomes[] = {
    {"tried",   "deferred"},
    {"relayed", "relayed" },
    {"failed",  "failed"  },
    {"expired", "given up"},
};
#define N_OUTCOMES (sizeof(outcomes) / sizeof(*outcomes))

static bool
is_try(const json_t *event)
{
	for (size_t i = 0; i < N_OUTCOMES; i++)
		if (strcmp(show_text(event, "what"), outcomes[i].what) == 0)
			return true;
	return false;
}

/* The newest thing that was said to us. */
static void
print_words(const json_t *happened)
{
	for (size_t n = json_array_size(happened); n > 0; n--) {
		const json_t *last = json_array_get(happened, n - 1);
		if (!is_try(last))
			continue;
		printf("  ");
		table_print_text(stdout, str_of(show_text(last, "recipient")));
		printf(": ");
		table_print_text(stdout, str_of(show_text(last, "detail")));
		return;
	}
}

/* "2026-11-22 10:05:00  3 tried: 2 deferred, 1 relayed  x@r.test: 450 ..." */
static void
print_jump(const json_t *jump)
{
	const json_t *counts = json_object_get(jump, "counts");
	char when[SHOW_SIZE_MAX];
	const char *between = ": ";
	json_int_t all = 0;

	for (size_t i = 0; i < N_OUTCOMES; i++)
		all += show_number(counts, outcomes[i].what);
	printf("%s  %lld tried", show_time(jump, "at", when), (long long)all);
	for (size_t i = 0; i < N_OUTCOMES; i++) {
		json_int_t n = show_number(counts, outcomes[i].what);
		if (n == 0)
			continue;
		printf("%s%lld %s", between, (long long)n, outcomes[i].word);
		between = ", ";
	}
	if (show_number(counts, "composed") > 0)
		printf("; %lld reports",
		    (long long)show_number(counts, "composed"));
	else if (show_number(counts, "delivered") > 0)
		printf("; %lld delivered here",
		    (long long)show_number(counts, "delivered"));
	print_words(json_object_get(jump, "happened"));
	putchar('\n');
	fflush(stdout);
}

static void
note_jump(struct travel *t, const json_t *settled)
{
	json_t *jump = json_pack("{s:O, s:O, s:O}", "at",
	    json_object_get(settled, "now"), "counts",
	    json_object_get(settled, "counts"), "happened",
	    json_object_get(settled, "happened"));

	if (json_object_size(json_object_get(jump, "counts")) > 0) {
		json_array_append(t->jumps, jump);
		if (!t->cli->json)
			print_jump(jump);
	}
	json_decref(jump);
}

/* Let so much time pass, and see what comes of it. */
static json_t *
jump(struct travel *t, json_int_t ms)
{
	json_t *reply = ask(
	    t, json_pack("{s:s, s:I}", "command", "test.advance", "ms", ms));
	json_t *settled;

	if (reply == NULL)
		return NULL;
	json_decref(reply);
	settled = settle(t);
	if (settled != NULL)
		note_jump(t, settled);
	return settled;
}

/* When we are: the caller's; NULL if it went wrong. */
static json_t *
begin(struct travel *t)
{
	json_t *now = ask(t, json_pack("{s:s}", "command", "test.next"));

	if (now == NULL)
		return NULL;
	t->since_ms = show_number(now, "now_ms");
	json_decref(now);
	now = settle(t);
	if (now != NULL)
		note_jump(t, now);
	return now;
}

/* From one try to the next, as far as ms; -1: only to the next. */
static json_t *
travel(struct travel *t, json_int_t ms)
{
	json_t *at = begin(t);
	json_int_t end = at != NULL && ms >= 0 ? show_number(at, "now_ms") + ms
	                                       : -1;
	bool more = at != NULL;

	while (more) {
		const json_t *wait = json_object_get(at, "wait_ms");
		json_int_t left = end - show_number(at, "now_ms");
		json_int_t step = json_integer_value(wait);

		more = end != -1;
		if (end == -1 && json_is_null(wait))
			break;
		if (end != -1 && (json_is_null(wait) || step > left)) {
			step = left > 0 ? left : 0;
			more = false;
		}
		json_decref(at);
		at = jump(t, step > 0 ? step : 1);
		more = more && at != NULL;
	}
	return at;
}

static void
print_end(struct travel *t, json_t *at)
{
	char now[SHOW_SIZE_MAX], next[SHOW_SIZE_MAX];

	if (t->cli->json) {
		json_object_del(at, "happened");
		json_object_del(at, "counts");
		json_object_set(at, "jumps", t->jumps);
		json_print(at, JSON_COMPACT);
		putchar('\n');
	} else if (json_is_null(json_object_get(at, "next"))) {
		printf("It is %s now; nothing waits.\n",
		    show_time(at, "now", now));
	} else {
		printf("It is %s now; the next try is at %s.\n",
		    show_time(at, "now", now), show_time(at, "next", next));
	}
}

int
cmd_advance(struct cli *cli, int argc, char **argv)
{
	struct travel t = {.cli = cli};
	bool to_next = false, done;
	const struct cli_option options[] = {
	    {"to-next", CLI_FLAG, &to_next},
            {NULL,      CLI_FLAG, NULL    }
        };
	struct fail f = {0};
	int64_t ms = -1;
	json_t *at;
	size_t n;
	int code = cli_options(cli, argc, argv, options, 0, 1, &n, &done);

	if (done)
		return code;
	if (n + to_next != 1)
		return cli_usage(cli, "say how far: a time, or --to-next");
	if (n == 1 && !duration_parse(str_of(argv[0]), &ms))
		return cli_usage(cli, "%s is not " DURATION_FORM, argv[0]);
	t.conf = conf_read(cli->conf_file, &f);
	if (t.conf == NULL) {
		cli_complain("%s", f.text);
		return CLI_CONFIG;
	}
	t.jumps = json_array();
	at = travel(&t, ms);
	if (at != NULL)
		print_end(&t, at);
	json_decref(at);
	json_decref(t.jumps);
	conf_free(t.conf);
	return t.code;
}
