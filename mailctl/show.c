/* SPDX-License-Identifier: MIT */
#include "mailctl/show.h"

#include <stdio.h>

#include "mailctl/table.h"

const char *
show_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

json_int_t
show_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

const char *
show_size(json_int_t octets, char out[SHOW_SIZE_MAX])
{
	static const char letters[] = "KMGTP";
	double n = (double)octets;
	size_t unit = 0;

	if (octets < 1024) {
		snprintf(out, SHOW_SIZE_MAX, "%lld", (long long)octets);
		return out;
	}
	for (n /= 1024; n >= 1024 && unit + 2 < sizeof(letters); unit++)
		n /= 1024;
	snprintf(out, SHOW_SIZE_MAX, "%.1f%c", n, letters[unit]);
	return out;
}

const char *
show_time(const json_t *object, const char *name, char out[SHOW_SIZE_MAX])
{
	const char *iso = show_text(object, name);

	if (str_of(iso).len < 19)
		snprintf(out, SHOW_SIZE_MAX, "-");
	else
		snprintf(out, SHOW_SIZE_MAX, "%.10s %.8s", iso, iso + 11);
	return out;
}

int
show_done(
    struct cli *cli, json_t *request, const char *member, const char *words)
{
	bool shown;
	int code;
	json_t *reply = cli_ask_shown(cli, request, &shown, &code);

	if (reply != NULL && !shown) {
		table_print_text(stdout, str_of(show_text(reply, member)));
		printf(" %s\n", words);
	}
	json_decref(reply);
	return code;
}
