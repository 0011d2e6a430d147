/* SPDX-License-Identifier: MIT */
/* Names of mailboxes: what is folded once is folded for good, and within the
 * limits of mailbox.h. */
#include <assert.h>

#include "common/store/mailbox_name.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str name = {(const char *)data, size};
	struct buf once, again;
	struct fail f;

	buf_init(&once, MAILBOX_NAME_MAX);
	buf_init(&again, MAILBOX_NAME_MAX);
	if (mailbox_name_fold(name, &once, &f)) {
		struct str folded = buf_str(&once), level;

		assert(folded.len > 0 && folded.len <= MAILBOX_NAME_MAX);
		assert(utf8_valid(folded) && !once.overrun);
		assert(mailbox_name_depth(folded) <= MAILBOX_DEPTH_MAX);
		assert(mailbox_name_fold(folded, &again, &f));
		assert(str_eq(folded, buf_str(&again)));
		assert(mailbox_name_cmp(folded, buf_str(&again)) == 0);
		while (folded.len > 0) {
			level = str_cut(&folded, '/');
			assert(level.len > 0 && level.len <= MAILBOX_LEVEL_MAX);
		}
	} else {
		assert(once.len == 0 && f.kind == FAIL_SYNTAX);
	}
	buf_release(&once);
	buf_release(&again);
	return 0;
}
