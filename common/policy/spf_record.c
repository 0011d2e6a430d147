/* SPDX-License-Identifier: MIT */
#include "common/policy/spf_record.h"

#include "common/policy/spf_ip.h"
#include "common/policy/spf_macro.h"

#define VERSION STR("v=spf1")

enum { /* what a term may or must have */
	MODIFIER = 1,
	MAY_SPEC = 2,
	MUST_SPEC = 4,
	CIDR = 8,
	NETWORK = 16,
};

static const struct {
	const char *word;
	enum spf_kind kind;
	unsigned has;
} kinds[] = {
    {"all",      SPF_TERM_ALL,      0                   },
    {"include",  SPF_TERM_INCLUDE,  MUST_SPEC           },
    {"a",        SPF_TERM_A,        MAY_SPEC | CIDR     },
    {"mx",       SPF_TERM_MX,       MAY_SPEC | CIDR     },
    {"ptr",      SPF_TERM_PTR,      MAY_SPEC            },
    {"ip4",      SPF_TERM_IP4,      NETWORK             },
    {"ip6",      SPF_TERM_IP6,      NETWORK             },
    {"exists",   SPF_TERM_EXISTS,   MUST_SPEC           },
    {"redirect", SPF_TERM_REDIRECT, MODIFIER | MUST_SPEC},
    {"exp",      SPF_TERM_EXP,      MODIFIER | MUST_SPEC},
};

bool
spf_record_is(struct str txt)
{
	return str_take_nocase(&txt, VERSION) &&
	       (txt.len == 0 || txt.at[0] == ' ');
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static struct str
take_name(struct str *in)
{
	struct str name = *in;
	size_t n = 0;

	for (; n < in->len; n++) {
		char c = str_lower(in->at[n]);
		bool alpha = c >= 'a' && c <= 'z';
		bool more = (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		            c == '.';

		if (!alpha && (n == 0 || !more))
			break;
	}
	*in = str_after(*in, n);
	return str_first(name, n);
}

/* Cut slash and a number without zeros in front off the end of *s.  False: a
 * number there, but none of a prefix. */
static bool
cut_bits(struct str *s, struct str slash, unsigned most, unsigned *bits)
{
	size_t digits = 0, n;
	struct str number, before;

	while (digits < s->len && s->at[s->len - digits - 1] >= '0' &&
	       s->at[s->len - digits - 1] <= '9')
		digits++;
	number = str_after(*s, s->len - digits);
	before = str_first(*s, s->len - digits);
	*bits = most;
	if (digits == 0 || !str_ends_nocase(before, slash))
		return true;
	if (!str_to_size(number, most, &n) ||
	    (digits > 1 && number.at[0] == '0'))
		return false;
	*bits = (unsigned)n;
	*s = str_first(before, before.len - slash.len);
	return true;
}

/* What follows the ":" of ip4 and ip6. */
static const char *
parse_network(struct str rest, struct spf_term *t)
{
	bool v4 = t->kind == SPF_TERM_IP4;
	unsigned *bits = v4 ? &t->bits4 : &t->bits6;

	if (!str_take(&rest, ':'))
		return "an address is missing";
	if (!cut_bits(&rest, STR("/"), v4 ? 32 : 128, bits))
		return "the prefix length is wrong";
	if (!(v4 ? spf_ip_parse4 : spf_ip_parse6)(rest, t->network))
		return "the address is wrong";
	return NULL;
}

/* What follows a word; NULL: it is right. */
static const char *
parse_rest(struct str rest, unsigned has, struct spf_term *t)
{
	char sep = has & MODIFIER ? '=' : ':';

	if (has & NETWORK)
		return parse_network(rest, t);
	/* the slash of a prefix is no part of a name: it ends in a label or
	 * in "}" (s7.1), so the prefix can be cut off first */
	if (has & CIDR && (!cut_bits(&rest, STR("//"), 128, &t->bits6) ||
			      !cut_bits(&rest, STR("/"), 32, &t->bits4)))
		return "the prefix length is wrong";
	if (rest.len == 0)
		return has & MUST_SPEC ? "a domain is missing" : NULL;
	if (!(has & (MAY_SPEC | MUST_SPEC)) || !str_take(&rest, sep))
		return "it is followed by something it cannot have";
	if (!spf_macro_is_domain(rest))
		return "the domain or a macro in it is wrong";
	t->spec = rest;
	return NULL;
}

/* One term; NULL: it is right. */
static const char *
parse_term(struct str text, struct spf_term *t)
{
	struct str rest = text, name;
	bool qualified = false, modifier;

	*t = (struct spf_term){
	    .text = text, .qualifier = '+', .bits4 = 32, .bits6 = 128};
	for (const char *q = "+-~?"; *q != '\0' && !qualified; q++) {
		qualified = str_take(&rest, *q);
		if (qualified)
			t->qualifier = *q;
	}
	name = take_name(&rest);
	modifier = !qualified && name.len > 0 && rest.len > 0 &&
	           rest.at[0] == '=';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!str_eq_nocase(name, str_of(kinds[i].word)) ||
		    modifier != ((kinds[i].has & MODIFIER) != 0))
			continue;
		t->kind = kinds[i].kind;
		return parse_rest(rest, kinds[i].has, t);
	}
	t->kind = SPF_TERM_UNKNOWN;
	if (!modifier)
		return "there is no such mechanism";
	return spf_macro_is_string(str_after(rest, 1), SPF_IN_UNKNOWN)
	           ? NULL
	           : "a macro is wrong"; /* s6: syntax is checked all the same
	                                  */
}

static struct str
next_word(struct str *terms)
{
	struct str word = {0};

	while (word.len == 0 && terms->len > 0)
		word = str_cut(terms, ' ');
	return word;
}

/* s6: twice is an error.  False: it is. */
static bool
set_once(struct str *at, struct str spec)
{
	if (at->len > 0)
		return false;
	*at = spec;
	return true;
}

bool
spf_record_parse(struct str txt, struct spf_record *out)
{
	struct spf_term t;
	struct str rest, word;

	*out = (struct spf_record){.terms = str_after(txt, VERSION.len)};
	if (str_has_8bit(txt)) {
		out->why = "it is not ASCII"; /* s3.1 */
		return false;
	}
	rest = out->terms;
	while ((word = next_word(&rest)).len > 0) {
		out->bad = word;
		if ((out->why = parse_term(word, &t)) != NULL)
			return false;
		if ((t.kind == SPF_TERM_REDIRECT &&
			!set_once(&out->redirect, t.spec)) ||
		    (t.kind == SPF_TERM_EXP && !set_once(&out->exp, t.spec))) {
			out->why = "it is there twice";
			return false;
		}
	}
	out->bad = (struct str){0};
	return true;
}

bool
spf_term_next(struct str *terms, struct spf_term *out)
{
	struct str word = next_word(terms);

	return word.len > 0 && parse_term(word, out) == NULL;
}
