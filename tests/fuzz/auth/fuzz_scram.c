/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/auth/scram.h"
#include "common/util/utf8.h"

/* One octet (what the mechanism says), the first message, LF, the last. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scram_keys keys = {
	    {1, 2, 3},
            SCRAM_ITERATIONS, {4, 5, 6},
            {7, 8, 9}
        };
	static const struct str bindings[] = {
	    [SCRAM_NO_BINDING] = STR(""),
	    [SCRAM_BINDING_OFFERED] = STR(""),
	    [SCRAM_BINDING_USED] = STR("0123456789abcdef0123456789abcdef"),
	};
	struct str in = {(const char *)data, size}, first;
	enum scram_binding b;
	struct scram s;
	struct buf out;
	bool malformed;

	if (size == 0)
		return 0;
	b = (enum scram_binding)(data[0] % 3);
	in = str_after(in, 1);
	first = str_cut(&in, '\n');
	buf_init(&out, SCRAM_MESSAGE_MAX);
	scram_init(&s);
	if (scram_first(&s, first, b)) {
		if (s.user.overrun || !utf8_valid(buf_str(&s.user)) ||
		    s.first_bare.overrun || s.gs2.overrun || s.nonce.overrun ||
		    s.gs2.len + s.first_bare.len != first.len)
			abort();
		scram_challenge(&s, &keys, STR("0123456789"), &out);
		if (out.overrun || out.len == 0)
			abort();
		buf_clear(&out);
		/* nobody knows a proof for these keys */
		if (scram_final(&s, &keys, in, bindings[b], &out, &malformed) ||
		    out.len > 0)
			abort();
	}
	scram_release(&s);
	buf_release(&out);
	return 0;
}
