/* SPDX-License-Identifier: MIT */
/* A date that is read is written so that it reads the same. */
#include <assert.h>

#include "common/mime/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = {(const char *)data, size};
	char text[DATE_TEXT_MAX];
	int64_t once, twice;

	if (!date_parse(value, &once))
		return 0;
	/* a zone may carry the last day of 9999, or 1899, over the edge */
	if (once < -2208988800 || once > 253402300799)
		return 0;
	assert(date_parse(str_of(date_text(once, text)), &twice));
	assert(once == twice);
	return 0;
}
