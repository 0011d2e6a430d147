/* SPDX-License-Identifier: MIT */
/* Any message is to structure.c what it is to a parser so plain that it can be
 * compared with the RFCs by eye.  The last octet says in what pieces it comes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/fuzz/mime/structure_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size};
	struct buf why;

	/* more could have more parts than STRUCTURE_PARTS_MAX */
	if (size == 0 || size > 32 * KB)
		return 0;
	buf_init(&why, 1 * MB);
	if (!structure_compare(message, 1 + data[size - 1], &why)) {
		fprintf(stderr, "%.*s\n", STR_FMT(buf_str(&why)));
		abort();
	}
	buf_release(&why);
	return 0;
}
