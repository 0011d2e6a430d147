/* SPDX-License-Identifier: MIT */
/* Any text as an internet file is taken, or refused with the place of what is
 * wrong in it. */
#include <assert.h>
#include <string.h>

#include "mailctl/internet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct fail f = {0};
	struct internet *i = internet_parse("f", text, &f);

	assert((i == NULL) == (f.text[0] != '\0'));
	if (i == NULL) {
		assert(strncmp(f.text, "f:", 2) == 0);
		return 0;
	}
	assert(i->n_servers <= INTERNET_SERVERS_MAX);
	for (size_t n = 0; n < i->n_habits; n++)
		assert(i->habits[n].mood < INTERNET_MOODS_N);
	internet_free(i);
	return 0;
}
