/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"

#include <assert.h>

#include "common/mime/date.h"
#include "common/store/hop.h"
#include "common/util/utf8.h"

json_t *
call_json_text(struct str bytes)
{
	struct buf text;
	json_t *out;

	buf_init(&text, 3 * bytes.len + 1);
	while (bytes.len > 0) {
		struct str rest = bytes;
		uint32_t code;
		bool good = utf8_take(&rest, &code);
		if (!good)
			rest = str_after(bytes, 1);
		buf_add(&text, good ? str_first(bytes, bytes.len - rest.len)
				    : STR("\xef\xbf\xbd")); /* U+FFFD */
		bytes = rest;
	}
	out = json_stringn(text.data != NULL ? text.data : "", text.len);
	buf_release(&text);
	assert(out != NULL);
	return out;
}

json_t *
call_json_time(int64_t ms)
{
	char text[DATE_TEXT_MAX];

	if (ms <= 0)
		return json_null();
	date_iso(ms / 1000, text);
	/* "2026-11-22T10:00:00Z": the milliseconds go before the Z */
	return json_sprintf("%.19s.%03dZ", text, (int)(ms % 1000));
}

json_t *
call_json_trace(int64_t trace)
{
	char text[TRACE_TEXT_MAX];

	return json_string(trace_text(trace, text));
}
