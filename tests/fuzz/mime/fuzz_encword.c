/* SPDX-License-Identifier: MIT */
/* Whatever stands in a field, or is said to be in some charset, becomes UTF-8;
 * a field one line. */
#include <assert.h>

#include "common/mime/charset.h"
#include "common/mime/encword.h"
#include "common/mime/param.h"
#include "common/mime/preview.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_param(struct str value)
{
	struct param_list *list = param_parse(value);
	struct str found;
	struct buf out;

	buf_init(&out, 1 * MB);
	assert(param_count(list) <= PARAM_MAX);
	for (size_t i = 0; i < param_count(list); i++) {
		assert(param_find(list, param_name(list, i), &found));
		buf_clear(&out);
		param_decode(param_value(list, i), &out);
		assert(utf8_valid(buf_str(&out)));
	}
	buf_release(&out);
	param_free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = {(const char *)data, size}, rest = value;
	struct str charset = str_cut(&rest, '\n');
	struct buf out;

	buf_init(&out, 4 * MB);
	encword_decode(value, &out);
	assert(utf8_valid(buf_str(&out)));
	for (size_t i = 0; i < out.len; i++)
		assert((unsigned char)out.data[i] >= ' ');
	buf_clear(&out);
	charset_to_utf8(charset, rest, &out);
	assert(utf8_valid(buf_str(&out)));
	check_param(value);
	buf_clear(&out);
	preview_make(value, size % 2 == 0, 200, &out);
	assert(utf8_valid(buf_str(&out)));
	buf_release(&out);
	return 0;
}
