/* SPDX-License-Identifier: MIT */
/* Whatever a peer calls itself, each function writes one field that is well
 * formed, in lines of at most 998 octets (RFC 5322 s2.1.1).  LF stands between
 * what the strings are. */
#include <assert.h>

#include "common/mime/compose.h"
#include "common/mime/header.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct str written)
{
	struct header_field field;
	struct str rest = written;

	assert(header_is_clean(written));
	bool one = header_next(&rest, &field);
	assert(one && rest.len == 0 && !field.bad);
	for (rest = written; rest.len > 0;)
		assert(str_cut(&rest, '\n').len <= 998 + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, s[6];
	struct compose_received r;
	struct buf out;

	if (size == 0 || size > 16 * KB)
		return 0;
	for (size_t i = 0; i < 6; i++)
		s[i] = str_cut(&rest, '\n');
	r = (struct compose_received){
	    .helo = s[0],
	    .peer_name = s[1],
	    .peer_ip = s[2],
	    .by = STR("mx.d.test"),
	    .tls = s[3],
	    .id = s[4],
	    .extended = data[0] & 1,
	    .utf8 = data[0] & 2,
	    .authenticated = data[0] & 4,
	    .at_s = 1795341600,
	};
	buf_init(&out, 1 * MB);
	compose_received(&r, &out);
	check(buf_str(&out));
	buf_clear(&out);
	compose_field(STR("X-Test"), rest, &out);
	check(buf_str(&out));
	buf_clear(&out);
	compose_field(STR("X-Test"), s[5], &out);
	check(buf_str(&out));
	buf_release(&out);
	return 0;
}
