/* SPDX-License-Identifier: MIT */
#include "common/control/domain_dns.h"

#include <stdio.h>

#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/signing_key.h"
#include "common/util/mem.h"

#define NAME_ROOM  600
#define VALUE_ROOM (4 * KB)

/* In name and value @ is the domain, ~ our host, as zone files write them;
 * names end without a dot, hosts in values with one. */
/* clang-format off */
static const struct {
	const char *name, *type, *value, *need, *why;
} records[] = {
	{"@", "MX", "10 ~", "needed",
	    "Where other servers bring mail for the domain."},
	{"@", "TXT", "v=spf1 mx -all", "needed",
	    "Only the hosts of MX send mail in its name (RFC 7208)."},
	{"~", "TXT", "v=spf1 a -all", "advised",
	    "The same for bounces, which come in the name of the host."},
	{"_dmarc.@", "TXT", "v=DMARC1; p=reject; rua=mailto:postmaster@@", "needed",
	    "What is neither signed nor sent by us is forged (RFC 7489)."},
	{"_smtp._tls.@", "TXT", "v=TLSRPTv1; rua=mailto:postmaster@@", "advised",
	    "Others report here when TLS to us fails (RFC 8460)."},
	{"_submissions._tcp.@", "SRV", "0 1 465 ~", "advised",
	    "Where user agents submit, under TLS (RFC 8314)."},
	{"_submission._tcp.@", "SRV", "10 1 587 ~", "advised",
	    "The same with STARTTLS (RFC 6186)."},
	{"_imaps._tcp.@", "SRV", "0 1 993 ~", "advised",
	    "Where user agents read, under TLS (RFC 8314)."},
	{"_imap._tcp.@", "SRV", "10 1 143 ~", "advised",
	    "The same with STARTTLS (RFC 6186)."},
	{"_pop3s._tcp.@", "SRV", "20 1 995 ~", "advised",
	    "POP3 under TLS, after IMAP (RFC 8314)."},
	{"_pop3._tcp.@", "SRV", "30 1 110 ~", "advised",
	    "The same with STLS (RFC 6186)."},
	{"_mta-sts.@", "TXT", "v=STSv1; id=1", "later",
	    "Others insist on TLS to us (RFC 8461); needs a policy file on "
	    "https://mta-sts.@."},
	{"mta-sts.@", "CNAME", "~", "later",
	    "Where that policy file is looked for."},
	{"autoconfig.@", "CNAME", "~", "later",
	    "Where Thunderbird looks for settings by HTTPS."},
	{"autodiscover.@", "CNAME", "~", "later",
	    "Where Outlook looks for settings by HTTPS."},
	{"_autodiscover._tcp.@", "SRV", "0 1 443 ~", "later",
	    "The same, by SRV."},
};
/* clang-format on */

static const char *
key_why(enum signing_key_state state)
{
	switch (state) {
	case SIGNING_KEY_SIGNS:
		return "The key that signs its mail (RFC 6376).";
	case SIGNING_KEY_NEXT:
		return "The key that will sign: publish it, then `mailctl "
		       "domain rotate'.";
	case SIGNING_KEY_RETIRED:
		return "A key that has signed: leave it for a week.";
	}
	return "";
}

static void
expand(const char *form, struct str domain, const char *host, bool dots,
    struct buf *out)
{
	for (const char *p = form; *p != '\0'; p++) {
		if (p[0] == '@' && p[1] == '@') {
			buf_addf(out, "@%.*s", STR_FMT(domain));
			p++;
		} else if (*p == '@') {
			buf_add(out, domain);
		} else if (*p == '~') {
			buf_addf(out, "%s%s", host, dots ? "." : "");
		} else {
			buf_add_char(out, *p);
		}
	}
}

struct list {
	json_t *records;
	struct str domain;
	const char *host;
};

static void
add_record(struct list *l, struct str name, const char *type, struct str value,
    const char *need, struct str why)
{
	json_array_append_new(l->records,
	    json_pack("{s:o, s:s, s:o, s:s, s:o}", "name", call_json_text(name),
		"type", type, "value", call_json_text(value), "need", need,
		"why", call_json_text(why)));
}

static bool
add_key(void *arg, const struct signing_key *k)
{
	struct list *l = arg;
	char name[NAME_ROOM];

	snprintf(name, sizeof(name), "%s._domainkey.%.*s", k->selector,
	    STR_FMT(l->domain));
	add_record(l, str_of(name), "TXT", k->record,
	    k->state == SIGNING_KEY_RETIRED ? "advised" : "needed",
	    str_of(key_why(k->state)));
	return true;
}

static int
read_keys(struct db *db, void *arg, struct fail *f)
{
	struct list *l = arg;
	int got = domain_find(db, l->domain, f);

	if (got == 0)
		return fail(f, FAIL_PERM,
		    "%.*s is not a domain of ours: `mailctl domain add %.*s' "
		    "makes it one",
		    STR_FMT(l->domain), STR_FMT(l->domain));
	return got == -1 ? -1 : signing_key_each(db, l->domain, add_key, l, f);
}

static void
add_fixed(struct list *l, size_t i)
{
	struct buf name, value, why;

	buf_init(&name, NAME_ROOM);
	buf_init(&value, VALUE_ROOM);
	buf_init(&why, VALUE_ROOM);
	expand(records[i].name, l->domain, l->host, false, &name);
	expand(records[i].value, l->domain, l->host, true, &value);
	expand(records[i].why, l->domain, l->host, false, &why);
	add_record(l, buf_str(&name), records[i].type, buf_str(&value),
	    records[i].need, buf_str(&why));
	buf_release(&name);
	buf_release(&value);
	buf_release(&why);
}

json_t *
domain_dns(const struct control *c, struct str domain, const char *host,
    struct fail *f)
{
	struct list l = {json_array(), domain, host};
	bool same = str_eq_nocase(domain, str_of(host));

	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		/* a host that is the domain has its SPF record already */
		if (!same || !str_eq(str_of(records[i].name), STR("~")))
			add_fixed(&l, i);
	if (db_read(c->mail, read_keys, &l, f) == -1) {
		json_decref(l.records);
		return NULL;
	}
	return l.records;
}
