/* SPDX-License-Identifier: MIT */
/* The text of a setting, the first octet says which: what is taken is written
 * so that it reads the same, and what is refused changes nothing. */
#include <assert.h>

#include "common/conf/setting.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	const struct setting *s;
	struct buf before, once, twice;
	struct conf *c;

	if (size == 0 || size > 16 * KB)
		return 0;
	c = conf_defaults();
	s = &settings[data[0] % settings_n];
	buf_init(&before, 1 * MB);
	buf_init(&once, 1 * MB);
	buf_init(&twice, 1 * MB);
	setting_write(s, c, &before);
	if (setting_read(s, c, str_after(text, 1))) {
		setting_write(s, c, &once);
		bool again = setting_read(s, c, buf_str(&once));
		assert(again);
		setting_write(s, c, &twice);
		assert(str_eq(buf_str(&once), buf_str(&twice)));
	} else {
		setting_write(s, c, &once);
		assert(str_eq(buf_str(&once), buf_str(&before)));
	}
	buf_release(&before);
	buf_release(&once);
	buf_release(&twice);
	conf_free(c);
	return 0;
}
