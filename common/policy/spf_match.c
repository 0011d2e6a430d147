/* SPDX-License-Identifier: MIT */
#include "common/policy/spf_match.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/policy/iprev.h"
#include "common/policy/spf_ip.h"

/* RFC 7208 s4.6.4 */
#define NAMES_MAX 10 /* of one MX or PTR */
#define VOIDS_MAX 2

enum spf_step
spf_match_end(struct spf_matcher *m, enum spf_result r, const char *what,
    struct str about)
{
	m->out->result = r;
	snprintf(m->out->problem, sizeof(m->out->problem), "%.*s: %s",
	    (int)(about.len > 150 ? 150 : about.len), about.at, what);
	return SPF_END;
}

/* s4.6.4: count it if DNS has nothing there. */
static enum spf_step
count_void(struct spf_matcher *m, const struct fact *f, struct str name)
{
	if ((f->status == FACT_NODATA || f->status == FACT_NXDOMAIN) &&
	    ++m->voids > VOIDS_MAX)
		return spf_match_end(m, SPF_PERMERROR,
		    "a third name that DNS has nothing for", name);
	return SPF_NO_MATCH;
}

/* A question within the check.  SPF_NO_MATCH: an answer, which may be empty. */
static enum spf_step
ask(struct spf_matcher *m, struct str name, enum fact_type type,
    const struct fact **out)
{
	*out = facts_ask(m->facts, name, type);
	if (*out == NULL)
		return SPF_WAIT;
	if ((*out)->status == FACT_TEMPFAIL)
		return spf_match_end(
		    m, SPF_TEMPERROR, "DNS gave no answer", name);
	return count_void(m, *out, name);
}

static enum fact_type
address_type(const struct spf_matcher *m)
{
	return m->names.ip_len == 4 ? FACT_A : FACT_AAAA;
}

static bool
is_among(const struct spf_matcher *m, const struct fact *addresses,
    const struct spf_term *t)
{
	unsigned bits = m->names.ip_len == 4 ? t->bits4 : t->bits6;

	for (size_t i = 0; i < addresses->n; i++)
		if (addresses->records[i].len == m->names.ip_len &&
		    spf_ip_same((const uint8_t *)addresses->records[i].at,
			m->names.ip, m->names.ip_len, bits))
			return true;
	return false;
}

/* Does this name of the client's PTR lead back to it?  SPF_WAIT is one outcome;
 * a failure of DNS is "no" (s5.5). */
static enum spf_step
is_validated(struct spf_matcher *m, struct str name)
{
	static const struct spf_term exact = {.bits4 = 32, .bits6 = 128};
	const struct fact *f = facts_ask(m->facts, name, address_type(m));

	if (f == NULL)
		return SPF_WAIT;
	return is_among(m, f, &exact) ? SPF_MATCH : SPF_NO_MATCH;
}

static const struct fact *
ask_ptr(struct spf_matcher *m)
{
	char reverse[256];

	iprev_name(m->names.ip, m->names.ip_len, NULL, reverse);
	return facts_ask(m->facts, str_of(reverse), FACT_PTR);
}

static size_t
at_most_names(const struct fact *f)
{
	return f->n < NAMES_MAX ? f->n : NAMES_MAX;
}

/* 2: the same; 1: below it; 0: neither. */
static int
kinship(struct str name, struct str domain)
{
	if (str_eq_nocase(name, domain))
		return 2;
	return name.len > domain.len + 1 && str_ends_nocase(name, domain) &&
	       name.at[name.len - domain.len - 1] == '.';
}

bool
spf_match_validated(struct spf_matcher *m, struct str domain)
{
	const struct fact *f = ask_ptr(m);
	bool waiting = f == NULL;
	int best = -1;

	m->names.validated = (struct str){0};
	for (size_t i = 0; f != NULL && i < at_most_names(f); i++) {
		enum spf_step s = is_validated(m, f->records[i]);
		int k = kinship(f->records[i], domain);

		waiting = waiting || s == SPF_WAIT;
		if (s != SPF_MATCH || k <= best)
			continue;
		best = k;
		m->names.validated = f->records[i];
	}
	return !waiting;
}

/* Cut labels off the left until it is a name's length (s7.3). */
static struct str
cut_to_name(struct str s)
{
	size_t dot;

	if (s.len > 0 && s.at[s.len - 1] == '.')
		s.len--;
	while (s.len > SPF_NAME_MAX && str_find(s, '.', &dot))
		s = str_after(s, dot + 1);
	return s;
}

/* As DNS takes names: text, in which a backslash would be an escape.  False:
 * it is none. */
static bool
set_name(struct str name, struct spf_name *out)
{
	out->len = 0;
	for (size_t i = 0; i < name.len; i++) {
		struct str octet = name.at[i] == '\\'
		                       ? STR("\\092")
		                       : str_first(str_after(name, i), 1);

		if (out->len + octet.len > SPF_NAME_MAX)
			return false;
		memcpy(out->text + out->len, octet.at, octet.len);
		out->len += octet.len;
	}
	return out->len > 0;
}

enum spf_step
spf_match_target(struct spf_matcher *m, struct str spec, struct str domain,
    struct spf_name *out)
{
	enum spf_step rc = SPF_NO_MATCH;
	struct buf text;
	struct str name;

	if (spec.len == 0) {
		out->len = domain.len;
		memcpy(out->text, domain.at, domain.len);
		return SPF_MATCH;
	}
	if (m->local_8bit && spf_macro_uses(spec, "sl"))
		return SPF_NO_MATCH; /* RFC 8616 s4 */
	if (spf_macro_uses(spec, "p") && !spf_match_validated(m, domain))
		return SPF_WAIT;
	m->names.domain = domain;
	/* half of it stays: one octet and a final dot more than a name */
	buf_init(&text, 2 * (SPF_NAME_MAX + 2)); /* cut on its left */
	spf_macro_expand(spec, &m->names, true, &text);
	name = cut_to_name(buf_str(&text));
	if (!str_has_8bit(name) && set_name(name, out))
		rc = SPF_MATCH;
	buf_release(&text);
	return rc;
}

static enum spf_step
match_all(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	(void)m, (void)t, (void)domain;
	return SPF_MATCH;
}

static enum spf_step
match_ip(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	size_t len = t->kind == SPF_TERM_IP4 ? 4 : 16;
	unsigned bits = len == 4 ? t->bits4 : t->bits6;

	(void)domain;
	return len == m->names.ip_len &&
	               spf_ip_same(t->network, m->names.ip, len, bits)
	           ? SPF_MATCH
	           : SPF_NO_MATCH;
}

static enum spf_step
match_a(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	const struct fact *f;
	struct spf_name name;
	enum spf_step s = spf_match_target(m, t->spec, domain, &name);

	if (s != SPF_MATCH)
		return s;
	s = ask(m, spf_name_str(&name), address_type(m), &f);
	if (s != SPF_NO_MATCH)
		return s;
	return is_among(m, f, t) ? SPF_MATCH : SPF_NO_MATCH;
}

/* "A", whatever the client's address is (s5.7). */
static enum spf_step
match_exists(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	const struct fact *f;
	struct spf_name name;
	enum spf_step s = spf_match_target(m, t->spec, domain, &name);

	if (s != SPF_MATCH)
		return s;
	s = ask(m, spf_name_str(&name), FACT_A, &f);
	if (s != SPF_NO_MATCH)
		return s;
	return f->status == FACT_OK ? SPF_MATCH : SPF_NO_MATCH;
}

static struct str
mx_host(const struct fact *f, size_t i)
{
	return str_after(f->records[i], 2); /* behind the preference */
}

static enum spf_step
match_mx(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	const struct fact *f, *addresses;
	struct spf_name name;
	enum spf_step s = spf_match_target(m, t->spec, domain, &name);

	if (s != SPF_MATCH)
		return s;
	s = ask(m, spf_name_str(&name), FACT_MX, &f);
	if (s != SPF_NO_MATCH)
		return s;
	if (f->n > NAMES_MAX)
		return spf_match_end(m, SPF_PERMERROR, "more than 10 MX hosts",
		    spf_name_str(&name));
	for (size_t i = 0; i < f->n; i++) /* all at the same time */
		facts_ask(m->facts, mx_host(f, i), address_type(m));
	for (size_t i = 0; i < f->n; i++) {
		s = ask(m, mx_host(f, i), address_type(m), &addresses);
		if (s != SPF_NO_MATCH)
			return s;
		if (is_among(m, addresses, t))
			return SPF_MATCH;
	}
	return SPF_NO_MATCH;
}

static enum spf_step
match_ptr(struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	bool waiting = false;
	struct spf_name name;
	enum spf_step s = spf_match_target(m, t->spec, domain, &name);
	const struct fact *f;

	if (s != SPF_MATCH)
		return s;
	f = ask_ptr(m);
	if (f == NULL)
		return SPF_WAIT;
	s = count_void(m, f, t->text);
	/* Whoever has the address has these names: what DNS fails to say of
	 * them is no error (s5.5), and no void lookup of the domain's. */
	for (size_t i = 0; s == SPF_NO_MATCH && i < at_most_names(f); i++) {
		if (kinship(f->records[i], spf_name_str(&name)) == 0)
			continue;
		enum spf_step valid = is_validated(m, f->records[i]);
		if (valid == SPF_MATCH)
			return SPF_MATCH;
		waiting = waiting || valid == SPF_WAIT;
	}
	return waiting ? SPF_WAIT : s;
}

/* s5, by enum spf_kind.  An include is a record of its own. */
static const struct {
	enum spf_step (*match)(
	    struct spf_matcher *m, const struct spf_term *t, struct str domain);
	bool asks; /* counts for the limit of s4.6.4 */
} mechanisms[] = {
    [SPF_TERM_ALL] = {match_all,    false},
    [SPF_TERM_INCLUDE] = {NULL,         true },
    [SPF_TERM_A] = {match_a,      true },
    [SPF_TERM_MX] = {match_mx,     true },
    [SPF_TERM_PTR] = {match_ptr,    true },
    [SPF_TERM_IP4] = {match_ip,     false},
    [SPF_TERM_IP6] = {match_ip,     false},
    [SPF_TERM_EXISTS] = {match_exists, true },
    [SPF_TERM_REDIRECT] = {NULL,         true },
    [SPF_TERM_EXP] = {NULL,         false},
    [SPF_TERM_UNKNOWN] = {NULL,         false},
};

enum spf_step
spf_match_count(struct spf_matcher *m, enum spf_kind kind, struct str domain)
{
	if (!mechanisms[kind].asks || ++m->terms <= SPF_TERMS_MAX)
		return SPF_NO_MATCH;
	return spf_match_end(
	    m, SPF_PERMERROR, "more than 10 terms ask DNS", domain);
}

enum spf_step
spf_match_term(
    struct spf_matcher *m, const struct spf_term *t, struct str domain)
{
	assert(mechanisms[t->kind].match != NULL);
	return mechanisms[t->kind].match(m, t, domain);
}
