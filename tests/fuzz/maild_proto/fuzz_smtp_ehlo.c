/* SPDX-License-Identifier: MIT */
/* Whatever a server offers: nothing that no line of it names, lines that we do
 * not know change nothing, and AUTH has no mechanism without being there. */
#include <assert.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "maild/proto/smtp_ehlo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is there a line behind the first that begins so? */
static bool
names(struct str text, struct str keyword)
{
	str_cut(&text, '\n');
	while (text.len > 0)
		if (str_starts_nocase(str_cut(&text, '\n'), keyword))
			return true;
	return false;
}

static bool
same(const struct smtp_ehlo *a, const struct smtp_ehlo *b)
{
	return a->pipelining == b->pipelining && a->eight_bit == b->eight_bit &&
	       a->utf8 == b->utf8 && a->starttls == b->starttls &&
	       a->dsn == b->dsn && a->chunking == b->chunking &&
	       a->binary == b->binary && a->requiretls == b->requiretls &&
	       a->auth == b->auth && a->auth_plain == b->auth_plain &&
	       a->auth_login == b->auth_login && a->size == b->size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct smtp_ehlo e = smtp_ehlo_parse(text), more;
	struct buf longer;

	assert(!e.pipelining || names(text, STR("PIPELINING")));
	assert(!e.eight_bit || names(text, STR("8BITMIME")));
	assert(!e.utf8 || names(text, STR("SMTPUTF8")));
	assert(!e.starttls || names(text, STR("STARTTLS")));
	assert(!e.dsn || names(text, STR("DSN")));
	assert(!e.chunking || names(text, STR("CHUNKING")));
	assert(!e.binary || names(text, STR("BINARYMIME")));
	assert(!e.requiretls || names(text, STR("REQUIRETLS")));
	assert(!e.auth || names(text, STR("AUTH")));
	assert(e.size == 0 || names(text, STR("SIZE")));
	assert(e.auth || (!e.auth_plain && !e.auth_login));
	buf_init(&longer, 4 * MB);
	buf_add(&longer, text);
	buf_add(&longer, STR("\nX-UNKNOWN A=B\n\n"));
	more = smtp_ehlo_parse(buf_str(&longer));
	assert(same(&e, &more));
	buf_release(&longer);
	return 0;
}
