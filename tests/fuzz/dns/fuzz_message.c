/* SPDX-License-Identifier: MIT */
/* Any bytes are parsed or refused; what is parsed can be written and parsed
 * to the same. */
#include <stdlib.h>
#include <string.h>

#include "common/dns/message.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *text)
{
	struct buf wire;

	buf_init(&wire, 255);
	if (!dns_name_write(&wire, str_of(text)))
		abort();
	buf_release(&wire);
}

static void
try_question(struct str in)
{
	struct dns_question q, again;
	struct buf out;
	struct dns_response r;

	if (!dns_question_parse(in, &q))
		return;
	check_name(q.name);
	buf_init(&out, 512);
	dns_response_begin(&out, &q, 0);
	dns_response_add(&out, str_of(q.name), 16, 1, in);
	if (out.overrun || !dns_response_parse(buf_str(&out), &r))
		abort();
	again = r.question;
	if (strcmp(again.name, q.name) != 0 || again.type != q.type ||
	    again.class != q.class || again.id != q.id)
		abort();
	buf_release(&out);
}

static void
try_response(struct str in)
{
	struct dns_response r;
	struct dns_resource rr;
	struct buf rdata;

	if (!dns_response_parse(in, &r))
		return;
	buf_init(&rdata, 128 * KB);
	while (dns_response_next(&r, &rr) == 1) {
		check_name(rr.name);
		buf_clear(&rdata);
		if (dns_rdata_expand(&r, &rr, &rdata) && rr.type != 15 &&
		    rr.type != 2 && rr.type != 5 && rr.type != 12 &&
		    !str_eq(buf_str(&rdata), rr.rdata))
			abort();
	}
	buf_release(&rdata);
}

static void
try_mx(struct str in)
{
	char host[DNS_NAME_TEXT_MAX];
	uint16_t preference;
	struct buf again;

	if (!dns_mx_parse(in, &preference, host))
		return;
	buf_init(&again, 512);
	buf_add(&again, str_first(in, 2));
	if (!dns_name_write(&again, str_of(host)) ||
	    !str_eq_nocase(buf_str(&again), in))
		abort();
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};

	if (size > UINT16_MAX)
		return 0;
	try_question(in);
	try_response(in);
	try_mx(in);
	return 0;
}
