/* SPDX-License-Identifier: MIT */
#include "common/dns/rdata.h"

#include "common/dns/message.h"

/* RFC 1035 s3.3.14: strings with their length before them, joined. */
static bool
add_strings(struct buf *out, struct str rdata)
{
	while (rdata.len > 0) {
		size_t len = (unsigned char)rdata.at[0];

		if (len >= rdata.len)
			return false;
		buf_add(out, (struct str){rdata.at + 1, len});
		rdata = str_after(rdata, 1 + len);
	}
	return true;
}

static bool
add_mx(struct buf *out, struct str rdata)
{
	char host[DNS_NAME_TEXT_MAX];
	uint16_t preference;

	if (!dns_mx_parse(rdata, &preference, host))
		return false;
	buf_add_char(out, (char)(preference >> 8));
	buf_add_char(out, (char)preference);
	buf_add(out, str_of(host));
	return true;
}

bool
rdata_to_fact(struct str rdata, enum fact_type type, struct buf *out)
{
	char name[DNS_NAME_TEXT_MAX];

	switch (type) {
	case FACT_A:
	case FACT_AAAA:
		buf_add(out, rdata);
		return rdata.len == (type == FACT_A ? 4u : 16u);
	case FACT_TXT:
		return add_strings(out, rdata);
	case FACT_MX:
		return add_mx(out, rdata);
	case FACT_PTR:
		if (!dns_name_parse(rdata, name) || name[0] == '\0')
			return false;
		buf_add(out, str_of(name));
		return true;
	case FACT_SRV: /* RFC 2782: three numbers, then the name */
		if (!dns_name_parse(str_after(rdata, 6), name))
			return false;
		buf_add(out, str_first(rdata, 6));
		buf_add(out, str_of(name));
		return true;
	}
	return false;
}
