/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/auth/sasl.h"
#include "common/util/utf8.h"

/* Lines: mechanism, initial response ("-" is none), responses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct str mechanism = str_cut(&in, '\n');
	struct str initial = str_cut(&in, '\n');
	struct sasl s;
	struct buf challenge;
	enum sasl_result r;

	buf_init(&challenge, 64);
	if (str_eq(initial, STR("-")) || initial.at == NULL)
		initial = (struct str){NULL, 0};
	r = sasl_begin(&s, mechanism, initial, &challenge);
	for (int rounds = 0; r == SASL_CHALLENGE; rounds++) {
		if (rounds > 2 || challenge.overrun)
			abort();
		r = sasl_respond(&s, str_cut(&in, '\n'), &challenge);
	}
	if (r != SASL_CHECK && (s.user.len > 0 || s.password.len > 0))
		abort();
	if (s.user.overrun || s.password.overrun ||
	    !utf8_valid(buf_str(&s.user)) || !utf8_valid(buf_str(&s.password)))
		abort();
	if (r == SASL_CHECK && (s.user.len == 0) != (s.password.len == 0))
		abort();
	sasl_release(&s);
	buf_release(&challenge);
	return 0;
}
