/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define STRING_MAX 255 /* octets of one string in TXT (RFC 1035 s3.3.14) */
#define TTL_S      3600

/* As strings of a zone file, in brackets if there are several. */
static void
print_strings(struct str value)
{
	bool several = value.len > STRING_MAX;

	if (several)
		printf("(");
	while (value.len > 0) {
		printf("%s\"%.*s\"", several ? "\n\t\t" : "",
		    STR_FMT(str_first(value, STRING_MAX)));
		value = str_after(value, STRING_MAX);
	}
	if (several)
		printf(" )");
}

static bool
is_later(const json_t *record)
{
	return strcmp(show_text(record, "need"), "later") == 0;
}

/* Everything in it is ours: names are A-labels, values we made. */
static void
print_zone(const json_t *reply)
{
	const json_t *record;
	size_t i;

	printf(
	    "; For %s, served by %s.\n"
	    "; That host needs an A or AAAA record too, and its address a PTR "
	    "record with this name.\n$TTL %d\n",
	    show_text(reply, "domain"), show_text(reply, "hostname"), TTL_S);
	json_array_foreach(json_object_get(reply, "records"), i, record)
	{
		const char *type = show_text(record, "type");
		struct str value = str_of(show_text(record, "value"));

		/* what nothing answers yet is left out by its semicolon */
		printf("\n; %s%s\n%s%s.\tIN\t%s\t", show_text(record, "why"),
		    is_later(record) ? "  Not served yet." : "",
		    is_later(record) ? ";" : "", show_text(record, "name"),
		    type);
		if (strcmp(type, "TXT") == 0)
			print_strings(value);
		else
			printf("%.*s", STR_FMT(value));
		putchar('\n');
	}
}

/* Registrars ask for the name under the domain, and take values whole. */
static struct str
name_under(const char *name, const char *domain)
{
	struct str s = str_of(name), d = str_of(domain);

	if (str_eq(s, d))
		return STR("@");
	if (str_ends_nocase(s, d) && s.len > d.len + 1 &&
	    s.at[s.len - d.len - 1] == '.')
		return str_first(s, s.len - d.len - 1);
	return s;
}

static void
print_table(const json_t *reply)
{
	static const char *const headings[] = {
	    "TYPE", "NAME", "NEED", "VALUE", NULL};
	const char *domain = show_text(reply, "domain");
	struct table *t = table_new(headings);
	const json_t *record;
	size_t i;

	json_array_foreach(json_object_get(reply, "records"), i, record)
	{
		table_add(t, str_of(show_text(record, "type")));
		table_add(t, name_under(show_text(record, "name"), domain));
		table_add(t, str_of(show_text(record, "need")));
		table_add(t, str_of(show_text(record, "value")));
	}
	table_print(t, stdout, "nothing to publish");
}

int
cmd_domain_dns(struct cli *cli, int argc, char **argv)
{
	bool table = false;
	const struct cli_option options[] = {
	    {"table", CLI_FLAG, &table},
            {NULL,    CLI_FLAG, NULL  }
        };
	size_t n;
	bool done, shown;
	int code = cli_options(cli, argc, argv, options, 1, 1, &n, &done);
	json_t *reply;

	if (done)
		return code;
	reply = cli_ask_shown(cli,
	    json_pack("{s:s, s:s}", "command", "domain.dns", "domain", argv[0]),
	    &shown, &code);
	if (reply != NULL && !shown && table)
		print_table(reply);
	else if (reply != NULL && !shown)
		print_zone(reply);
	json_decref(reply);
	return code;
}
