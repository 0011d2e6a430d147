/* SPDX-License-Identifier: MIT */
/* Who is found is in the header, once, and is one address. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/policy/author.h"
#include "common/util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "From" without a colon is nobody's field. */
static size_t
count_from(struct str block)
{
	struct header_field field;
	size_t n = 0, at;

	while (header_next(&block, &field))
		n += str_eq_nocase(field.name, STR("From")) &&
		     str_find(field.whole, ':', &at);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str block = {(const char *)data, size}, local, domain;
	struct author author, again;
	struct fail f = {0};
	char text[400];

	if (author_find(block, &author, &f) == -1) {
		assert(f.kind == FAIL_PERM && f.text[0] != '\0');
		return 0;
	}
	assert(count_from(block) == 1);
	assert(addr_split(str_of(author.address), &local, &domain));
	assert(str_eq(domain, str_of(author.domain)));
	assert(!str_has_8bit(domain));
	/* what was found is found again */
	snprintf(text, sizeof(text), "From: %s\r\n", author.address);
	if (local.at[0] != '"') {
		assert(author_find(str_of(text), &again, &f) == 0);
		assert(strcmp(again.address, author.address) == 0);
	}
	return 0;
}
