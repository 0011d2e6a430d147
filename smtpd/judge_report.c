/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "common/policy/authres.h"
#include "common/util/mem.h"
#include "smtpd/judge_state.h"

#define COLUMN_MAX (2 * KB)

/* Room that is made at once, for most reports; what needs more grows. */
#define LINE_USUAL    200
#define REPORT_USUAL  (1 * KB)
#define RESULTS_USUAL (1 * KB)

/* One line of the report after the other, in the making. */
struct line {
	struct buf inputs, why;
};

static void
line_end(struct line *l, struct judge *j, const char *check, const char *result)
{
	report_add(&j->report, check, result, buf_str(&l->inputs),
	    buf_str(&l->why), "");
	buf_clear(&l->inputs);
	buf_clear(&l->why);
}

/* " name=value", where there is one. */
static void
line_input(struct line *l, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	if (l->inputs.len > 0)
		buf_add_char(&l->inputs, ' ');
	buf_add(&l->inputs, str_of(name));
	buf_add_char(&l->inputs, '=');
	buf_add(&l->inputs, str_of(value));
}

static void
line_why(struct line *l, const char *why)
{
	buf_add(&l->why, str_of(why));
}

static void
report_spf(struct judge *j, struct line *l)
{
	const struct spf_output *o = &j->spf;

	line_input(l, "ip", visit_ip(j->visit));
	line_input(l, "helo", j->helo);
	line_input(l, "mailfrom", j->sender[0] != '\0' ? j->sender : "<>");
	line_input(l, "domain", o->domain);
	if (o->term[0] != '\0') {
		line_why(l, o->term);
		line_why(l, " matched");
	} else if (o->problem[0] != '\0')
		line_why(l, o->problem);
	else if (o->result == SPF_NONE)
		line_why(l, "no record is published");
	else
		line_why(l, "no term matched");
	if (o->explain[0] != '\0')
		buf_addf(&l->why, "; the domain says: %s", o->explain);
	line_end(l, j, "spf", spf_word(o->result));
}

static void
report_signature(struct judge *j, struct line *l, const struct dkim_verdict *v)
{
	char bits[16] = "";

	if (v->bits > 0)
		snprintf(bits, sizeof(bits), "%u", v->bits);
	line_input(l, "d", v->domain);
	line_input(l, "s", v->selector);
	line_input(l, "i", v->identity);
	line_input(l, "a", v->algorithm);
	line_input(l, "bits", bits);
	line_input(l, "testing", v->testing ? "yes" : "");
	line_why(l, v->why[0] != '\0'        ? v->why
		    : v->result != DKIM_PASS ? ""
		    : v->partial
			? "signs only a part of the body (l=): no proof"
			: "signature and body hash are right");
	line_end(l, j, "dkim", dkim_word(v->result));
}

static void
report_dkim(struct judge *j, struct line *l)
{
	size_t looked = dkim_count(j->dkim), all = dkim_signatures(j->dkim);

	for (size_t i = 0; i < looked; i++)
		report_signature(j, l, dkim_verdict(j->dkim, i));
	if (looked > 0 && all <= looked)
		return;
	if (all > looked)
		buf_addf(&l->why, "%zu more signatures were not looked at",
		    all - looked);
	else
		line_why(l, "not signed");
	line_end(l, j, "dkim", dkim_word(DKIM_NONE));
}

static void
report_arc(struct judge *j, struct line *l)
{
	const struct arc_verdict *v = arc_verdict(j->arc);
	char sets[16];

	if (v->result == ARC_NONE) {
		line_why(l, "not forwarded under seal");
	} else {
		snprintf(sets, sizeof(sets), "%u", v->sets);
		line_input(l, "sets", sets);
		line_input(l, "sealers", v->sealers);
		line_why(l, v->why[0] != '\0' ? v->why : v->results);
	}
	line_end(l, j, "arc", arc_word(v->result));
}

static void
report_dmarc(struct judge *j, struct line *l)
{
	const struct dmarc_output *o = &j->dmarc;

	line_input(l, "from", j->author.domain);
	if (o->domain[0] != '\0') {
		line_input(l, "domain", o->domain);
		line_input(l, "policy", dmarc_policy_word(o->policy));
	}
	line_input(l, o->by_dkim ? "dkim" : "spf", o->aligned);
	line_input(l, "record", o->record);
	line_why(l, o->why);
	line_end(l, j, "dmarc", dmarc_word(o->result));
}

static void
report_reputation(struct judge *j, struct line *l)
{
	char score[16];

	if (!j->d->conf->policy_reputation)
		return;
	snprintf(score, sizeof(score), "%d", j->reputation);
	line_input(l, "author", j->proven_author);
	line_input(l, "domain", j->proven_domain);
	line_input(l, "network", visit_network(j->visit));
	line_why(l, j->reputation == 0  ? "nothing is known"
		    : j->reputation > 0 ? "people here answer it or keep it"
					: "people here move it to Junk");
	line_end(l, j, "reputation", j->reputation != 0 ? score : "none");
}

static void
write_report(struct judge *j)
{
	const struct judgement *g = &j->result.judgement;
	struct line l;

	buf_init(&l.inputs, COLUMN_MAX);
	buf_init(&l.why, COLUMN_MAX);
	buf_reserve(&l.inputs, LINE_USUAL);
	buf_reserve(&l.why, LINE_USUAL);
	buf_reserve(&j->report, REPORT_USUAL);
	visit_report(j->visit, &j->report);
	report_spf(j, &l);
	report_dkim(j, &l);
	report_arc(j, &l);
	if (j->has_author) {
		report_dmarc(j, &l);
	} else {
		line_why(&l, j->unclear.text);
		line_end(&l, j, "author", j->program ? "program" : "unclear");
	}
	report_reputation(j, &l);
	report_add(&j->report, "decision", judgement_word(g->action), STR(""),
	    str_of(g->why), g->setting);
	buf_release(&l.inputs);
	buf_release(&l.why);
}

/* ---- Authentication-Results ---- */

static void
result_iprev(struct judge *j, struct authres *a)
{
	const struct visit_findings *f = visit_findings(j->visit);

	if (f == NULL)
		return;
	authres_method(a, "iprev", iprev_word(f->iprev.result),
	    f->iprev.result == IPREV_PASS ? f->iprev.name : NULL);
	authres_property(a, "policy", "iprev", str_of(visit_ip(j->visit)));
}

static void
result_spf(struct judge *j, struct authres *a)
{
	authres_method(a, "spf", spf_word(j->spf.result), NULL);
	if (j->spf.by_helo || j->sender[0] == '\0')
		authres_property(a, "smtp", "helo", str_of(j->helo));
	else
		authres_property(a, "smtp", "mailfrom", str_of(j->sender));
}

static void
result_dkim(struct judge *j, struct authres *a)
{
	char bits[32];

	for (size_t i = 0; i < dkim_count(j->dkim); i++) {
		const struct dkim_verdict *v = dkim_verdict(j->dkim, i);

		snprintf(bits, sizeof(bits), "%u-bit key%s", v->bits,
		    v->partial ? ", part of the body" : "");
		authres_method(
		    a, "dkim", dkim_word(v->result), v->bits > 0 ? bits : NULL);
		if (v->domain[0] != '\0')
			authres_property(a, "header", "d", str_of(v->domain));
		if (v->selector[0] != '\0')
			authres_property(a, "header", "s", str_of(v->selector));
		if (v->algorithm[0] != '\0')
			authres_property(
			    a, "header", "a", str_of(v->algorithm));
		if (v->signature[0] != '\0')
			authres_property(
			    a, "header", "b", str_of(v->signature));
	}
	if (dkim_count(j->dkim) == 0)
		authres_method(a, "dkim", dkim_word(DKIM_NONE), NULL);
}

static void
result_arc(struct judge *j, struct authres *a)
{
	const struct arc_verdict *v = arc_verdict(j->arc);
	char oldest[16];

	authres_method(a, "arc", arc_word(v->result), NULL);
	if (v->result != ARC_PASS)
		return;
	/* RFC 8617 s10.2 */
	snprintf(oldest, sizeof(oldest), "%u", v->oldest_pass);
	authres_property(a, "header", "oldest-pass", str_of(oldest));
	authres_property(a, "smtp", "remote-ip", str_of(visit_ip(j->visit)));
}

static void
result_dmarc(struct judge *j, struct authres *a)
{
	char policy[32];

	if (!j->has_author)
		return;
	snprintf(
	    policy, sizeof(policy), "p=%s", dmarc_policy_word(j->dmarc.policy));
	authres_method(a, "dmarc", dmarc_word(j->dmarc.result),
	    j->dmarc.domain[0] != '\0' ? policy : NULL);
	authres_property(a, "header", "from", str_of(j->author.domain));
}

/* RFC 7208 s9.1.  As a quoted string what a peer said ends nothing. */
static void
add_pair(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, ";\r\n\t%s=\"", key);
	for (; *value != '\0'; value++) {
		bool plain = *value >= ' ' && *value <= '~';

		if (*value == '"' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, plain ? *value : '?');
	}
	buf_add_char(out, '"');
}

static void
write_received_spf(struct judge *j)
{
	struct buf *out = &j->results;

	buf_addf(out, "Received-SPF: %s\r\n\treceiver=%s",
	    spf_word(j->spf.result), j->d->conf->server_hostname);
	add_pair(out, "client-ip", visit_ip(j->visit));
	add_pair(out, "envelope-from", j->sender);
	add_pair(out, "helo", j->helo);
	add_pair(out, "identity",
	    j->spf.by_helo || j->sender[0] == '\0' ? "helo" : "mailfrom");
	if (j->spf.term[0] != '\0')
		add_pair(out, "mechanism", j->spf.term);
	buf_add(out, STR("\r\n"));
}

static void
write_results(struct judge *j)
{
	struct authres a;

	buf_reserve(&j->results, RESULTS_USUAL);
	authres_begin(&a, &j->results, str_of(j->d->conf->server_hostname));
	result_iprev(j, &a);
	result_spf(j, &a);
	result_dkim(j, &a);
	result_arc(j, &a);
	result_dmarc(j, &a);
	authres_end(&a);
	if (j->d->conf->policy_received_spf)
		write_received_spf(j);
}

/* "spf=pass dmarc=pass -> accepted" */
static void
write_summary(struct judge *j)
{
	static const char *const outcomes[] = {
	    [JUDGE_ACCEPT] = "accepted",
	    [JUDGE_JUNK] = "Junk",
	    [JUDGE_DEFER] = "deferred",
	    [JUDGE_REFUSE] = "refused",
	};
	struct judge_result *r = &j->result;
	size_t len;

	r->outcome = outcomes[r->judgement.action];
	report_summary(buf_str(&j->report), r->summary,
	    sizeof(r->summary) - sizeof(" -> accepted"));
	len = strlen(r->summary);
	snprintf(
	    r->summary + len, sizeof(r->summary) - len, " -> %s", r->outcome);
}

void
judge_report(struct judge *j)
{
	struct judge_result *r = &j->result;

	write_report(j);
	write_results(j);
	write_summary(j);
	r->results = buf_str(&j->results);
	r->verdict = (struct verdict){
	    .author = str_of(j->proven_author),
	    .domain = str_of(j->proven_domain),
	    .network = str_of(visit_network(j->visit)),
	    .report = buf_str(&j->report),
	    .summary = str_of(r->summary),
	};
}
