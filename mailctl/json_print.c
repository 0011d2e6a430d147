/* SPDX-License-Identifier: MIT */
#include "mailctl/json_print.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "mailctl/table.h"

/* RFC 8259 s7: beyond the basic plane a pair of surrogates. */
static void
print_escaped(uint32_t code)
{
	if (code > 0xffff)
		printf("\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
		    0xdc00 + ((code - 0x10000) & 0x3ff));
	else
		printf("\\u%04x", code);
}

void
json_print(const json_t *json, size_t flags)
{
	char *text = json_dumps(json, flags);
	struct str rest = str_of(text), shown = rest;

	if (text == NULL)
		mem_gone("JSON");
	while (rest.len > 0) {
		struct str at = rest;
		uint32_t code;

		if (!utf8_take(&rest, &code)) /* jansson has only UTF-8 */
			break;
		/* of ASCII, newlines are the layout's, others are escaped */
		if (code <= '~' || !table_is_hidden(code))
			continue;
		fwrite(shown.at, 1, (size_t)(at.at - shown.at), stdout);
		print_escaped(code);
		shown = rest;
	}
	fwrite(shown.at, 1, shown.len, stdout);
	free(text);
}
