/* SPDX-License-Identifier: MIT */
#include "common/policy/spf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/policy/spf_ip.h"
#include "common/policy/spf_macro.h"
#include "common/policy/spf_match.h"
#include "common/policy/spf_record.h"

/* A record that is being read, and where we are in it. */
struct frame {
	struct spf_name domain;
	struct spf_record record;
	struct str terms; /* left of it */
	struct spf_term term;
};

/* A record that is included lies on the one that includes it; one
 * that redirects gives its place away. */
struct check {
	struct spf_matcher m;
	struct frame frames[SPF_TERMS_MAX + 1];
	size_t depth;
};

/* The one SPF record among the TXT of a domain (s4.5): SPF_MATCH, or
 * SPF_NO_MATCH without one. */
static enum spf_step
find_record(struct check *c, struct str domain, struct str *record)
{
	const struct fact *f = facts_ask(c->m.facts, domain, FACT_TXT);
	size_t found = 0;

	if (f == NULL)
		return SPF_WAIT;
	if (f->status == FACT_TEMPFAIL)
		return spf_match_end(
		    &c->m, SPF_TEMPERROR, "DNS gave no answer", domain);
	for (size_t i = 0; i < f->n; i++) {
		if (!spf_record_is(f->records[i]))
			continue;
		*record = f->records[i];
		found++;
	}
	if (found > 1)
		return spf_match_end(
		    &c->m, SPF_PERMERROR, "it has several SPF records", domain);
	return found == 1 ? SPF_MATCH : SPF_NO_MATCH;
}

/* Begin to read a domain's record, in the frame at c->depth - 1. */
static enum spf_step
enter(struct check *c, const struct spf_name *domain, const char *without)
{
	struct frame *f = &c->frames[c->depth - 1];
	struct str record;
	enum spf_step s;

	f->domain = *domain;
	s = find_record(c, spf_name_str(&f->domain), &record);
	if (s == SPF_NO_MATCH)
		return spf_match_end(&c->m,
		    without == NULL ? SPF_NONE : SPF_PERMERROR,
		    without == NULL ? "it has no SPF record" : without,
		    spf_name_str(&f->domain));
	if (s != SPF_MATCH)
		return s;
	if (!spf_record_parse(record, &f->record)) {
		char what[300];

		snprintf(what, sizeof(what), "in its SPF record, \"%.*s\": %s",
		    (int)(f->record.bad.len > 60 ? 60 : f->record.bad.len),
		    f->record.bad.len > 0 ? f->record.bad.at : "",
		    f->record.why);
		return spf_match_end(
		    &c->m, SPF_PERMERROR, what, spf_name_str(&f->domain));
	}
	f->terms = f->record.terms;
	return SPF_NO_MATCH;
}

static enum spf_step
enter_include(struct check *c, struct frame *f)
{
	struct spf_name name;
	enum spf_step s = spf_match_target(
	    &c->m, f->term.spec, spf_name_str(&f->domain), &name);

	if (s == SPF_NO_MATCH &&
	    !(c->m.local_8bit && spf_macro_uses(f->term.spec, "sl")))
		return spf_match_end(
		    &c->m, SPF_PERMERROR, "that is no name", f->term.text);
	if (s != SPF_MATCH)
		return s;
	assert(c->depth <= SPF_TERMS_MAX); /* each include is a term */
	c->depth++;
	return enter(c, &name, "it is included, and has no SPF record");
}

/* The end of a record: s6.1, s4.7.  (With an "all" in it, it has none.) */
static enum spf_step
fall_through(struct check *c, struct frame *f)
{
	struct spf_name name;
	enum spf_step s;

	if (f->record.redirect.len > 0) {
		s = spf_match_count(
		    &c->m, SPF_TERM_REDIRECT, spf_name_str(&f->domain));
		if (s != SPF_NO_MATCH)
			return s;
		s = spf_match_target(
		    &c->m, f->record.redirect, spf_name_str(&f->domain), &name);
		if (s == SPF_NO_MATCH)
			return spf_match_end(&c->m, SPF_PERMERROR,
			    "its redirect leads to no name",
			    spf_name_str(&f->domain));
		return s == SPF_MATCH
		           ? enter(c, &name,
				 "a redirect leads to it, and it has no SPF "
				 "record")
		           : s;
	}
	if (c->depth == 1) {
		c->m.out->result = SPF_NEUTRAL;
		return SPF_END;
	}
	c->depth--; /* s5.2: neutral is no match */
	return SPF_NO_MATCH;
}

static enum spf_result
qualified(char qualifier)
{
	switch (qualifier) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	default:
		return SPF_PASS;
	}
}

/* The term of the innermost record matches; so does each include that
 * passes. */
static enum spf_step
matched(struct check *c)
{
	for (;; c->depth--) {
		const struct frame *f = &c->frames[c->depth - 1];
		enum spf_result r = qualified(f->term.qualifier);

		if (c->depth > 1 && r == SPF_PASS)
			continue;
		if (c->depth > 1) {
			c->depth--;
			return SPF_NO_MATCH;
		}
		c->m.out->result = r;
		snprintf(c->m.out->term, sizeof(c->m.out->term), "%.*s",
		    STR_FMT(f->term.text));
		return SPF_END;
	}
}

static bool
is_modifier(enum spf_kind kind)
{
	return kind == SPF_TERM_REDIRECT || kind == SPF_TERM_EXP ||
	       kind == SPF_TERM_UNKNOWN;
}

/* One term of the innermost record.  SPF_NO_MATCH: go on. */
static enum spf_step
advance(struct check *c)
{
	struct frame *f = &c->frames[c->depth - 1];
	enum spf_step s;

	if (!spf_term_next(&f->terms, &f->term))
		return fall_through(c, f);
	if (is_modifier(f->term.kind))
		return SPF_NO_MATCH;
	s = spf_match_count(&c->m, f->term.kind, spf_name_str(&f->domain));
	if (s != SPF_NO_MATCH)
		return s;
	if (f->term.kind == SPF_TERM_INCLUDE)
		return enter_include(c, f);
	s = spf_match_term(&c->m, &f->term, spf_name_str(&f->domain));
	return s == SPF_MATCH ? matched(c) : s;
}

/* s6.2: what the domain says to a fail.  False while facts are wanted. */
static bool
explain(struct check *c)
{
	const struct frame *f = &c->frames[0];
	struct str domain = spf_name_str(&f->domain);
	const struct fact *txt;
	struct buf text;
	struct spf_name name;
	enum spf_step s;

	if (f->record.exp.len == 0)
		return true;
	s = spf_match_target(&c->m, f->record.exp, domain, &name);
	if (s != SPF_MATCH)
		return s != SPF_WAIT;
	txt = facts_ask(c->m.facts, spf_name_str(&name), FACT_TXT);
	if (txt == NULL)
		return false;
	if (txt->status != FACT_OK || txt->n != 1 ||
	    !spf_macro_is_string(txt->records[0], SPF_IN_EXPLAIN))
		return true;
	if (spf_macro_uses(txt->records[0], "p") &&
	    !spf_match_validated(&c->m, domain))
		return false;
	c->m.names.domain = domain;
	buf_init(&text, sizeof(c->m.out->explain) - 1);
	spf_macro_expand(txt->records[0], &c->m.names, false, &text);
	/* macros may have brought in what no reply can carry */
	if (text.len > 0 && str_is_printable(buf_str(&text)))
		memcpy(c->m.out->explain, text.data, text.len + 1);
	buf_release(&text);
	return true;
}

/* A domain as SPF asks for it (RFC 8616 s4: with A-labels), without final
 * dot. */
static bool
set_domain(struct str domain, struct spf_name *out)
{
	struct buf folded;
	struct str name = domain;

	buf_init(&folded, 1024);
	if (str_has_8bit(domain) && addr_domain_fold(domain, &folded))
		name = buf_str(&folded);
	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	out->len = 0;
	if (name.len <= SPF_NAME_MAX && !str_has_8bit(name)) {
		out->len = name.len;
		for (size_t i = 0; i < name.len; i++)
			out->text[i] = name.at[i];
	}
	buf_release(&folded);
	return out->len > 0;
}

/* s2.4, s4.1, s4.3: who says it is whom. */
static bool
identify(struct check *c, const struct spf_input *in, struct spf_name *helo,
    struct spf_name *origin)
{
	struct str domain = in->sender;
	size_t dot;

	c->m.names.local = (struct str){0};
	c->m.out->by_helo = in->sender.len == 0;
	c->m.names.helo = set_domain(in->helo, helo) ? spf_name_str(helo)
	                                             : str_first(in->helo, 255);
	if (c->m.out->by_helo)
		domain = in->helo;
	else if (!addr_split(in->sender, &c->m.names.local, &domain))
		domain = in->sender;
	if (c->m.names.local.len == 0)
		c->m.names.local = STR("postmaster");
	c->m.names.local = str_first(c->m.names.local, 512);
	c->m.local_8bit = str_has_8bit(c->m.names.local);
	if (!set_domain(domain, origin))
		return false;
	c->m.names.origin = spf_name_str(origin);
	for (size_t i = 0; i < origin->len; i++)
		c->m.out->domain[i] = origin->text[i] > ' ' &&
		                              origin->text[i] <= '~'
		                          ? str_lower(origin->text[i])
		                          : '?';
	/* s4.3: several labels, and no address in brackets */
	return str_find(c->m.names.origin, '.', &dot) && dot > 0 &&
	       origin->text[0] != '[';
}

static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

bool
spf_check(struct facts *f, const struct spf_input *in, struct spf_output *out)
{
	struct check c = {.depth = 1};
	struct spf_name helo, origin;
	enum spf_step s;

	assert(in->ip_len == 4 || in->ip_len == 16);
	*out = (struct spf_output){.result = SPF_NONE};
	c.m.facts = f;
	c.m.out = out;
	c.m.names.ip = in->ip;
	c.m.names.ip_len = in->ip_len;
	spf_ip_unmap(&c.m.names.ip, &c.m.names.ip_len); /* s5 */
	c.m.names.receiver = in->receiver;
	c.m.names.now_s = in->now_s;
	if (!identify(&c, in, &helo, &origin))
		return true;
	s = enter(&c, &origin, NULL);
	while (s == SPF_NO_MATCH)
		s = advance(&c);
	if (s == SPF_WAIT || (out->result == SPF_FAIL && !explain(&c)))
		return false;
	if (out->result == SPF_NONE)
		out->problem[0] = '\0'; /* it is no error */
	make_printable(out->problem);
	make_printable(out->term);
	return true;
}

const char *
spf_word(enum spf_result r)
{
	static const char *const words[] = {
#define R(name, word) [SPF_##name] = word,
	    SPF_RESULTS(R)
#undef R
	};

	return words[r];
}
