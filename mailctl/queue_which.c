/* SPDX-License-Identifier: MIT */
#include "mailctl/queue_which.h"

#include "mailctl/duration.h"

bool
queue_which_is_given(const struct queue_which *w)
{
	return w->domain != NULL || w->sender != NULL || w->recipient != NULL ||
	       w->state != NULL || w->older != NULL || w->newer != NULL;
}

/* 0, or the exit code. */
static int
put_age(
    const struct cli *cli, json_t *request, const char *name, const char *text)
{
	int64_t ms;

	if (text == NULL)
		return CLI_OK;
	if (!duration_parse(str_of(text), &ms))
		return cli_usage(
		    cli, "--%s: \"%s\" is not " DURATION_FORM, name, text);
	json_object_set_new(request, name, json_integer(ms));
	return CLI_OK;
}

json_t *
queue_which_request(const struct cli *cli, const struct queue_which *w,
    const char *command, int *code)
{
	json_t *request = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "command",
	    command, "domain", w->domain, "sender", w->sender, "recipient",
	    w->recipient, "state", w->state);

	if (request == NULL) {
		*code = cli_usage(cli, CLI_NOT_UTF8);
		return NULL;
	}
	*code = put_age(cli, request, "older", w->older);
	if (*code == CLI_OK)
		*code = put_age(cli, request, "newer", w->newer);
	if (*code == CLI_OK)
		return request;
	json_decref(request);
	return NULL;
}
