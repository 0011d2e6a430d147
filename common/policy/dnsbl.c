/* SPDX-License-Identifier: MIT */
#include "common/policy/dnsbl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/policy/iprev.h"
#include "common/policy/spf_ip.h"

#define ZONE_MAX   189 /* with the 64 octets of an IPv6 address it is a name */
#define WEIGHT_MAX 100

static bool
is_label(struct str label)
{
	if (label.len == 0 || label.len > 63)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = str_lower(label.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

static bool
is_zone(struct str zone)
{
	size_t dot;

	if (zone.len > ZONE_MAX || !str_find(zone, '.', &dot))
		return false;
	while (zone.len > 0)
		if (zone.at[zone.len - 1] == '.' ||
		    !is_label(str_cut(&zone, '.')))
			return false;
	return true;
}

static bool
parse_weight(struct str text, int *out)
{
	bool minus = str_take(&text, '-');
	uint64_t n;

	if (!str_to_u64(text, WEIGHT_MAX, &n))
		return false;
	*out = minus ? -(int)n : (int)n;
	return true;
}

/* "127.a.b.c" */
static bool
parse_codes(struct str text, uint8_t codes[4])
{
	uint64_t n = 0;
	int i = 0;

	for (; text.len > 0 && i < 4; i++) {
		size_t before = text.len;
		struct str number = str_cut(&text, '.');

		if (!str_to_u64(number, 255, &n) || (i == 0 && n != 127) ||
		    (i < 3) != (number.len < before))
			return false;
		codes[i] = (uint8_t)n;
	}
	codes[0] = 0;
	return i == 4;
}

bool
dnsbl_parse(struct str word, struct dnsbl_list *out)
{
	size_t at;

	*out = (struct dnsbl_list){.weight = 1};
	if (!str_find(word, '=', &at)) {
		out->zone = word;
		return is_zone(word);
	}
	out->zone = str_cut(&word, '=');
	if (!is_zone(out->zone))
		return false;
	if (!str_find(word, '.', &at))
		return parse_weight(word, &out->weight);
	if (str_find(word, '*', &at)) {
		if (!parse_weight(str_after(word, at + 1), &out->weight))
			return false;
		word = str_first(word, at);
	}
	return parse_codes(word, out->codes);
}

static bool
has_codes(const struct dnsbl_list *l, const uint8_t answer[4])
{
	for (int i = 1; i < 4; i++)
		if (l->codes[i] != 0 && l->codes[i] != answer[i])
			return false;
	return true;
}

/* What a list says.  Is it a listing?  problem: what else, or NULL. */
static bool
is_listed(
    const struct dnsbl_list *l, const struct fact *f, const char **problem)
{
	bool listed = false;

	*problem = f->status == FACT_TEMPFAIL ? " gives no answer" : NULL;
	for (size_t i = 0; i < f->n; i++) {
		const uint8_t *a = (const uint8_t *)f->records[i].at;

		if (f->records[i].len != 4 || a[0] != 127)
			*problem = " answers what is no listing";
		else if (a[1] == 255 && a[2] == 255)
			*problem = " refuses to answer us";
		else
			listed = listed || has_codes(l, a);
	}
	return listed && *problem == NULL;
}

/* Append to a list of things, if it fits. */
static void
append(char *to, size_t room, const char *between, struct str what,
    const char *predicate)
{
	size_t len = strlen(to);

	if (len + strlen(between) + what.len + strlen(predicate) >= room)
		return;
	snprintf(to + len, room - len, "%s%.*s%s", len > 0 ? between : "",
	    STR_FMT(what), predicate);
}

/* The first words a list has for its listing, without what no reply may
 * have. */
static void
set_reason(const struct fact *txt, struct dnsbl_output *out)
{
	struct str text;
	size_t n = 0;

	if (txt->n == 0)
		return;
	text = str_first(txt->records[0], sizeof(out->reason) - 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] >= ' ' && text.at[i] <= '~')
			out->reason[n++] = text.at[i];
	out->reason[n] = '\0';
}

static void
query_name(const uint8_t *ip, size_t ip_len, struct str zone, char out[256])
{
	char text[ZONE_MAX + 1];

	assert(zone.len <= ZONE_MAX);
	memcpy(text, zone.at, zone.len);
	text[zone.len] = '\0';
	iprev_name(ip, ip_len, text, out);
}

bool
dnsbl_check(struct facts *f, const uint8_t *ip, size_t ip_len,
    const struct dnsbl_list *lists, size_t n, struct dnsbl_output *out)
{
	const struct dnsbl_list *heaviest = NULL;
	char name[256];
	bool waiting = false;

	assert(ip_len == 4 || ip_len == 16);
	spf_ip_unmap(&ip, &ip_len);
	*out = (struct dnsbl_output){0};
	for (size_t i = 0; i < n; i++) {
		const struct fact *fact;
		const char *problem;

		query_name(ip, ip_len, lists[i].zone, name);
		fact = facts_ask(f, str_of(name), FACT_A);
		waiting = waiting || fact == NULL;
		if (fact == NULL)
			continue;
		if (is_listed(&lists[i], fact, &problem)) {
			out->weight += lists[i].weight;
			append(out->lists, sizeof(out->lists), " ",
			    lists[i].zone, "");
			if (heaviest == NULL ||
			    lists[i].weight > heaviest->weight)
				heaviest = &lists[i];
		}
		if (problem != NULL)
			append(out->problem, sizeof(out->problem), "; ",
			    lists[i].zone, problem);
	}
	if (waiting)
		return false;
	if (heaviest == NULL || heaviest->weight <= 0)
		return true;
	query_name(ip, ip_len, heaviest->zone, name);
	const struct fact *txt = facts_ask(f, str_of(name), FACT_TXT);
	if (txt == NULL)
		return false;
	set_reason(txt, out);
	return true;
}
