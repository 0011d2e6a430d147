/* SPDX-License-Identifier: MIT */
/* Any octets as path and parameters: what is taken is well-formed. */
#include <assert.h>
#include <stdint.h>

#include "smtpd/proto/smtp_param.h"
#include "smtpd/proto/smtp_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_params(struct str in, bool utf8)
{
	struct smtp_params p;

	if (smtp_params_of_mail(in, ~0u, &p) == SMTP_PARAMS_OK) {
		assert(p.envelope_id_len <= SMTP_ENVID_MAX);
		assert(str_is_printable(
		    (struct str){p.envelope_id, p.envelope_id_len}));
	}
	if (smtp_params_of_rcpt(in, ~0u, utf8, &p) == SMTP_PARAMS_OK) {
		assert(p.original.len <= SMTP_ORCPT_MAX);
		assert(utf8 || !str_has_8bit(p.original));
	}
}

static void
check(struct str text, enum smtp_path_kind kind)
{
	struct str in = text;
	struct smtp_path p;
	size_t at;

	if (!smtp_path_take(&in, kind, &p)) {
		assert(in.len <= text.len);
		return;
	}
	assert(in.len < text.len && in.at + in.len == text.at + text.len);
	assert(text.len - in.len <= SMTP_PATH_MAX);
	assert(p.spec.len == 0 || p.local.len > 0);
	/* what holds a whole address may be longer (policy/srs.h) */
	assert(
	    p.local.len <= (str_starts_nocase(p.local, STR("SRS")) ? 200 : 64));
	assert(p.domain.len <= 255);
	for (size_t i = 0; i < p.spec.len; i++)
		assert((unsigned char)p.spec.at[i] >= ' ');
	assert(!str_find(p.domain, '@', &at) && !str_find(p.domain, '>', &at));
	check_params(in, false);
	check_params(in, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = {(const char *)data, len};

	check(text, SMTP_PATH_REVERSE);
	check(text, SMTP_PATH_FORWARD);
	smtp_path_is_host(text);
	return 0;
}
