/* SPDX-License-Identifier: MIT */
#include "maild/relay/txt.h"

#include "common/dns/rdata.h"
#include "common/util/mem.h"

#define ROOM (64 * KB)

void
txt_init(struct txt *t, const struct dns_answer *a)
{
	t->n = 0;
	buf_init(&t->text, ROOM);
	buf_reserve(&t->text, ROOM); /* it does not move */
	for (size_t i = 0; i < a->n && t->n < TXT_RECORDS_MAX; i++) {
		size_t before = t->text.len;

		if (rdata_to_fact(a->records[i].data, FACT_TXT, &t->text) &&
		    !t->text.overrun)
			t->records[t->n++] = str_after(
			    buf_str(&t->text), before);
		else
			buf_cut(&t->text, before);
	}
}

void
txt_release(struct txt *t)
{
	buf_release(&t->text);
	t->n = 0;
}
