/* SPDX-License-Identifier: MIT */
/* Nothing that is written adds a method, and nothing that is left over claims
 * to be ours. */
#include <assert.h>
#include <string.h>

#include "common/mime/header.h"
#include "common/policy/authres.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
written(struct str value)
{
	struct authres_result r;
	struct header_field field;
	struct authres a;
	struct buf out;
	struct str rest;
	char id[256];
	int n = 0;

	buf_init(&out, 64 * KB);
	authres_begin(&a, &out, STR("mx.d.test"));
	authres_method(&a, "spf", "pass", "why");
	authres_property(&a, "smtp", "mailfrom", value);
	authres_method(&a, "dmarc", "fail", NULL);
	authres_property(&a, "header", "from", value);
	authres_end(&a);
	rest = buf_str(&out);
	assert(header_is_clean(rest));
	assert(header_next(&rest, &field) && rest.len == 0 && !field.bad);
	rest = field.value;
	assert(authres_read_id(&rest, id) && strcmp(id, "mx.d.test") == 0);
	while (authres_read_next(&rest, &r) == 1)
		assert(strcmp(r.method, n++ == 0 ? "spf" : "dmarc") == 0);
	assert(n == 2 && rest.len == 0);
	buf_release(&out);
}

static void
read_all(struct str value)
{
	struct authres_result r;
	char id[256];

	if (authres_read_id(&value, id))
		assert(strlen(id) < sizeof(id));
	while (authres_read_next(&value, &r) == 1)
		assert(r.method[0] != '\0' && r.result[0] != '\0');
	assert(value.len == 0);
}

static void
stripped(struct str block)
{
	struct buf once, twice;
	size_t removed, again;

	buf_init(&once, block.len + 1);
	buf_init(&twice, block.len + 1);
	authres_strip(block, STR("mx.d.test"), &once, &removed);
	assert(!once.overrun && (removed > 0) == (once.len < block.len));
	authres_strip(buf_str(&once), STR("mx.d.test"), &twice, &again);
	/* fields that are bad may join when another goes from between */
	assert(twice.len <= once.len);
	buf_release(&twice);
	buf_release(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};

	written(s);
	read_all(s);
	stripped(s);
	return 0;
}
