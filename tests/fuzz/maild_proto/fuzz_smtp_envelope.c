/* SPDX-License-Identifier: MIT */
/* Addresses and parameters of any octets, LF between them: a command that is
 * written is one line, without controls, as long as the law allows (RFC 5321
 * s4.5.3.1, RFC 3461 s4). */
#include <assert.h>

#include "common/util/mem.h"
#include "maild/proto/smtp_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where its local part ends: at the one @ outside of quotes. */
static void
check_address(struct str s)
{
	bool quoted = false;
	size_t ats = 0;

	for (size_t i = 0; i < s.len; i++) {
		assert((unsigned char)s.at[i] >= ' ' && s.at[i] != 127);
		if (s.at[i] == '\\' && quoted)
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			assert(
			    s.at[i] != '<' && s.at[i] != '>' && s.at[i] != ' ');
		ats += !quoted && i < s.len && s.at[i] == '@';
	}
	assert(!quoted && ats > 0);
}

/* The command, the address in brackets, parameters; no controls. */
static void
check_line(const struct buf *line, struct str verb, struct str address)
{
	struct str s = buf_str(line);

	assert(!line->overrun && str_ends_nocase(s, STR("\r\n")));
	s.len -= 2;
	for (size_t i = 0; i < s.len; i++)
		assert((unsigned char)s.at[i] >= ' ' && s.at[i] != 127);
	assert(str_starts(s, verb));
	s = str_after(s, verb.len);
	assert(str_starts(s, address));
	s = str_after(s, address.len);
	assert(str_eq(s, STR(">")) || str_starts(s, STR("> ")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, address, id;
	struct smtp_envelope_params p = {.size = true, .octets = UINT64_MAX};
	struct buf line;

	if (size == 0)
		return 0;
	address = str_cut(&rest, '\n');
	id = str_cut(&rest, '\n');
	buf_init(&line, 8 * KB);
	if (smtp_envelope_is_original(rest))
		assert(rest.len <= SMTP_ENVELOPE_ORIGINAL_MAX);
	if (smtp_envelope_is_address(address)) {
		assert(address.len <= SMTP_ENVELOPE_ADDRESS_MAX);
		check_address(address);
		p.eight_bit = data[0] & 1;
		p.utf8 = str_has_8bit(address);
		p.ret = data[0] % 3;
		if (id.len <= 100)
			p.envelope_id = id;
		smtp_envelope_mail(&line, address, &p);
		check_line(&line, STR("MAIL FROM:<"), address);
		buf_clear(&line);
		smtp_envelope_rcpt(&line, address, data[0] % 16, rest);
		check_line(&line, STR("RCPT TO:<"), address);
	}
	buf_release(&line);
	return 0;
}
