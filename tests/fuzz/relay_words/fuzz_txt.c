/* SPDX-License-Identifier: MIT */
/* TXT records of any octets, each with its length before it: those that are
 * whole are given, joined, and not longer than they were.  All of it is an
 * enhanced status code, too, for which there is advice or none. */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "maild/relay/advice.h"
#include "maild/relay/txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct dns_record records[TXT_RECORDS_MAX];
	struct dns_answer a = {.status = DNS_OK, .records = records};
	size_t octets = 0;
	struct txt t;
	char *code;

	code = mem_dup(rest);
	assert(str_is_printable(str_of(advice_for(code))));
	free(code);
	while (rest.len > 0 && a.n < TXT_RECORDS_MAX) {
		size_t n = (unsigned char)rest.at[0] * 2u;

		records[a.n++].data = str_first(str_after(rest, 1), n);
		rest = str_after(rest, 1 + n);
	}
	txt_init(&t, &a);
	assert(t.n <= a.n);
	for (size_t i = 0; i < t.n; i++)
		octets += t.records[i].len;
	assert(octets <= size && octets == t.text.len);
	txt_release(&t);
	return 0;
}
