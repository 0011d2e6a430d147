/* SPDX-License-Identifier: MIT */
#include "common/mime/addr.h"
#include "common/store/queue_internal.h"
#include "common/store/sql.h"

static const char sql_recipient[] =
    "INSERT INTO recipient (trace, n, address, domain, original, next_at,"
    " notify, original_recipient) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

int
queue_destination(struct str address, struct buf *out, struct fail *f)
{
	struct str local, domain;

	/* what would end the command line must never get here */
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.at[i] < ' ' || address.at[i] == 0x7f)
			return fail(f, FAIL_PERM,
			    "control character in a "
			    "recipient's address");
	if (!addr_split(address, &local, &domain))
		return fail(f, FAIL_PERM, "recipient %.*s has no domain",
		    STR_FMT(address));
	if (addr_domain_fold(domain, out))
		return 0;
	buf_clear(out);
	/* RFC 5321 s4.1.3: an address literal */
	if (!str_starts(domain, STR("[")))
		return fail(f, FAIL_PERM, "%.*s is no domain", STR_FMT(domain));
	for (size_t i = 0; i < domain.len; i++)
		buf_add_char(out, str_lower(domain.at[i]));
	return 0;
}

int
queue_add(struct db *db, const struct queue_recipient *r, struct fail *f)
{
	struct buf domain;
	int rc;

	buf_init(&domain, ADDR_MAX);
	rc = queue_destination(r->address, &domain, f);
	if (rc == 0)
		rc = sql_run(db, sql_recipient, f, "iittoiio", r->trace, r->n,
		    r->address, buf_str(&domain), r->original, r->next_ms,
		    (int64_t)r->notify, r->original_recipient);
	buf_release(&domain);
	return rc;
}
