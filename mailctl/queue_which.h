/* SPDX-License-Identifier: MIT */
/* queue_which: the options that say which recipients of the queue are meant. */
#ifndef MAILCTL_QUEUE_WHICH_H
#define MAILCTL_QUEUE_WHICH_H

#include <jansson.h>

#include "mailctl/cli.h"

struct queue_which {
	const char *domain, *sender, *recipient, *state, *older, *newer;
};

/* For a table of options. */
#define QUEUE_WHICH_OPTIONS(w)                                                 \
	{"domain", CLI_VALUE, &(w)->domain},                                   \
	    {"sender", CLI_VALUE, &(w)->sender},                               \
	    {"recipient", CLI_VALUE, &(w)->recipient},                         \
	    {"state", CLI_VALUE, &(w)->state},                                 \
	    {"older", CLI_VALUE, &(w)->older},                                 \
	{                                                                      \
		"newer", CLI_VALUE, &(w)->newer                                \
	}

bool queue_which_is_given(const struct queue_which *w);

/* A request with what they say.  NULL: *code, and why was said. */
json_t *queue_which_request(const struct cli *cli, const struct queue_which *w,
    const char *command, int *code);

#endif
