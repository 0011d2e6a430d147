/* SPDX-License-Identifier: MIT */
/* Any octets as path and parameters: what is taken is well-formed. */
#include <assert.h>
#include <stdint.h>

#include "smtpd/proto/smtp_param.h"
#include "smtpd/proto/smtp_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(struct str text, enum smtp_path_kind kind)
{
	struct str in = text;
	struct smtp_path p;
	struct smtp_params params;
	size_t at;

	if (!smtp_path_take(&in, kind, &p)) {
		assert(in.len <= text.len);
		return;
	}
	assert(in.len < text.len && in.at + in.len == text.at + text.len);
	assert(text.len - in.len <= SMTP_PATH_MAX);
	assert(p.spec.len == 0 || p.local.len > 0);
	assert(p.local.len <= 64 && p.domain.len <= 255);
	for (size_t i = 0; i < p.spec.len; i++)
		assert((unsigned char)p.spec.at[i] >= ' ');
	assert(!str_find(p.domain, '@', &at) && !str_find(p.domain, '>', &at));
	smtp_params_of_mail(in, true, &params);
	smtp_params_of_rcpt(in);
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
