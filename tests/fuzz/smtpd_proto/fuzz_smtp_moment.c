/* SPDX-License-Identifier: MIT */
/* A moment that is taken is that of a calendar: written again it is the same
 * but for its fraction. */
#include <assert.h>

#include "common/mime/date.h"
#include "smtpd/proto/smtp_moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = {(const char *)data, size};
	char text[DATE_TEXT_MAX];
	int64_t unix_s;
	bool leap;

	if (!smtp_moment_parse(value, &unix_s))
		return 0;
	assert(unix_s >= 0);
	assert(value.len >= 20);
	/* a leap second is the one behind the 59th */
	leap = str_eq(str_first(str_after(value, 17), 2), STR("60"));
	date_iso(unix_s - leap, text);
	assert(
	    str_eq_nocase(str_first(str_of(text), 17), str_first(value, 17)));
	assert(leap || str_eq_nocase(
			   str_first(str_of(text), 19), str_first(value, 19)));
	return 0;
}
