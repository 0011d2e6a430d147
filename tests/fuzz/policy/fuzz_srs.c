/* SPDX-License-Identifier: MIT */
/* What is sent out comes back, and nothing that is not ours does. */
#include <assert.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/policy/srs.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[SRS_SECRET_LEN] = {1};
	struct str address = {(const char *)data, size};
	struct buf out, back, folded;

	buf_init(&out, 4 * KB);
	buf_init(&back, 4 * KB);
	buf_init(&folded, 4 * KB);
	/* nobody guesses 40 bits */
	assert(srs_reverse(secret, address, 0, &back) != SRS_GOOD);
	assert(back.len == 0);
	/* addresses as smtpd lets them in */
	if (addr_fold(address, &folded) &&
	    srs_forward(secret, buf_str(&folded), STR("d.test"), 0, &out)) {
		assert(
		    srs_reverse(secret, buf_str(&out), 0, &back) == SRS_GOOD);
		assert(str_eq_nocase(buf_str(&back), buf_str(&folded)) ||
		       str_starts_nocase(buf_str(&back), STR("SRS0")) ||
		       back.data[0] == '"');
	}
	buf_release(&folded);
	buf_release(&back);
	buf_release(&out);
	return 0;
}
