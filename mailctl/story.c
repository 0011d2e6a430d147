/* SPDX-License-Identifier: MIT */
#include "mailctl/story.h"

#include "common/util/str.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

static void
print_piece(FILE *out, const char *before, const char *text)
{
	if (text[0] == '\0')
		return;
	fputs(before, out);
	table_print_text(out, str_of(text));
}

/*
 * 10:00:00.123  smtpd  received   bob@d.test  [192.0.2.1]  250
 *                                 ESMTPSA, TLSv1.3
 */
static void
print_hop(const json_t *hop, const char *last_day, FILE *out)
{
	const char *at = show_text(hop, "at");
	json_int_t code = show_number(hop, "code");

	if (!str_eq(str_first(str_of(at), 10), str_of(last_day)))
		fprintf(out, "  %.10s\n", at);
	fprintf(out, "  %.12s  %-7s  %-9s", at + 11, show_text(hop, "daemon"),
	    show_text(hop, "what"));
	print_piece(out, "  ", show_text(hop, "recipient"));
	print_piece(out, "  ", show_text(hop, "peer"));
	if (code != 0)
		fprintf(out, "  %lld", (long long)code);
	print_piece(out, "\n                                   ",
	    show_text(hop, "detail"));
	fputc('\n', out);
}

void
story_print_head(const json_t *journey, FILE *out)
{
	const char *sender = show_text(journey, "sender");
	char size[SHOW_SIZE_MAX];

	fprintf(out, "Message %s\n", show_text(journey, "id"));
	fputs("  from        ", out);
	table_print_text(out, sender[0] != '\0' ? str_of(sender) : STR("<>"));
	print_piece(out, "\n  message-id  ", show_text(journey, "message_id"));
	fprintf(out, "\n  size        %s\n\n",
	    show_size(show_number(journey, "size"), size));
}

void
story_print_hops(const json_t *journey, char day[STORY_DAY], FILE *out)
{
	json_t *hop;
	size_t i;

	json_array_foreach(json_object_get(journey, "hops"), i, hop)
	{
		if (str_of(show_text(hop, "at")).len < 24)
			continue;
		print_hop(hop, day, out);
		snprintf(day, STORY_DAY, "%.10s", show_text(hop, "at"));
	}
}

void
story_print(const json_t *journey, FILE *out)
{
	char day[STORY_DAY] = "";

	story_print_head(journey, out);
	story_print_hops(journey, day, out);
}
