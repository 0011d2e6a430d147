/* SPDX-License-Identifier: MIT */
/* `mailctl domain check': what DNS says of a domain, beside what it should. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/conf/conf.h"
#include "common/dns/asker.h"
#include "common/policy/dmarc.h"
#include "common/policy/iprev.h"
#include "common/policy/spf.h"
#include "common/policy/tags.h"
#include "common/util/mem.h"
#include "mailctl/commands.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/table.h"

#define WORDS_ROOM (2 * KB)
#define TIME_MS    20000

enum finding {
	FINDING_OK,
	FINDING_MISSING,
	FINDING_WRONG,
	FINDING_UNKNOWN, /* DNS does not answer */
	FINDING_PENDING, /* facts are wanted */
};

static const char *const finding_words[] = {
    [FINDING_OK] = "ok",
    [FINDING_MISSING] = "missing",
    [FINDING_WRONG] = "wrong",
    [FINDING_UNKNOWN] = "unknown",
};

struct check {
	struct loop *loop;
	struct facts *facts;
	struct inquiry *inquiry;
	const char *domain, *host;
	const json_t *records;
	json_t *findings; /* of the present round */
	bool pending, bad;
	struct buf words; /* about the record under way */
};

static enum finding
say(struct check *c, enum finding f, const char *words)
{
	buf_addf(&c->words, "%s", words);
	return f;
}

/* What an answer without records means. */
static enum finding
nothing(struct check *c, const struct fact *f)
{
	return f->status == FACT_TEMPFAIL
	           ? say(c, FINDING_UNKNOWN, "DNS does not answer")
	           : say(c, FINDING_MISSING, "publish it");
}

static enum finding
check_mx(struct check *c, const char *name, const char *value)
{
	const struct fact *f = facts_ask(c->facts, str_of(name), FACT_MX);

	(void)value;
	if (f == NULL)
		return FINDING_PENDING;
	if (f->status != FACT_OK)
		return nothing(c, f);
	for (size_t i = 0; i < f->n; i++)
		if (str_eq_nocase(str_after(f->records[i], 2), str_of(c->host)))
			return FINDING_OK;
	buf_addf(&c->words, "mail goes to %.*s, not to %s",
	    STR_FMT(str_after(f->records[0], 2)), c->host);
	return FINDING_WRONG;
}

/* Would mail from this address pass? */
static enum finding
check_spf_from(struct check *c, const char *name, struct str ip)
{
	struct buf sender;
	struct spf_output out;
	struct spf_input in = {
	    .ip = (const uint8_t *)ip.at,
	    .ip_len = ip.len,
	    .helo = str_of(name),
	    .receiver = str_of(c->host),
	    .now_s = time(NULL),
	};
	bool done;

	buf_init(&sender, KB);
	buf_addf(&sender, "postmaster@%s", name);
	in.sender = buf_str(&sender);
	done = spf_check(c->facts, &in, &out);
	buf_release(&sender);
	if (!done)
		return FINDING_PENDING;
	if (out.result == SPF_PASS)
		return FINDING_OK;
	if (out.result == SPF_NONE)
		return say(c, FINDING_MISSING, "publish it");
	if (out.result == SPF_TEMPERROR)
		return say(c, FINDING_UNKNOWN, "DNS does not answer");
	buf_addf(&c->words, "it says %s for the address of %s%s%s",
	    spf_word(out.result), c->host, out.problem[0] != '\0' ? ": " : "",
	    out.problem);
	return FINDING_WRONG;
}

static enum finding
check_spf(struct check *c, const char *name, const char *value)
{
	static const enum fact_type types[] = {FACT_A, FACT_AAAA};
	size_t n = 0;

	(void)value;
	for (size_t t = 0; t < 2; t++) {
		const struct fact *f = facts_ask(
		    c->facts, str_of(c->host), types[t]);

		if (f == NULL)
			return FINDING_PENDING;
		for (size_t i = 0; f->status == FACT_OK && i < f->n; i++) {
			enum finding one = check_spf_from(
			    c, name, f->records[i]);

			n++;
			if (one != FINDING_OK)
				return one;
		}
	}
	if (n > 0)
		return FINDING_OK;
	buf_addf(&c->words, "%s has no address to try it with", c->host);
	return FINDING_UNKNOWN;
}

/* Is one of the TXT records good?  Those of other kinds do not matter. */
static enum finding
check_txt(struct check *c, const char *name, const char *value,
    bool (*is_good)(struct str record, struct str wanted))
{
	const struct fact *f = facts_ask(c->facts, str_of(name), FACT_TXT);
	struct str kind = str_of(value);

	if (f == NULL)
		return FINDING_PENDING;
	if (f->status != FACT_OK)
		return nothing(c, f);
	kind = str_cut(&kind, ';');
	for (size_t i = 0; i < f->n; i++) {
		if (!str_starts_nocase(f->records[i], kind))
			continue;
		if (is_good == NULL || is_good(f->records[i], str_of(value)))
			return FINDING_OK;
		return say(c, FINDING_WRONG,
		    "it has another key: publish it as `domain dns' says");
	}
	return say(c, FINDING_MISSING, "publish it");
}

static bool
has_our_key(struct str record, struct str wanted)
{
	struct tags theirs, ours;
	struct str p = {0}, q = {0};
	struct buf squeezed;
	bool same;

	if (!tags_parse(record, &theirs) || !tags_parse(wanted, &ours) ||
	    !tags_find(&theirs, "p", &p) || !tags_find(&ours, "p", &q))
		return false;
	buf_init(&squeezed, record.len + 1);
	tags_squeeze(p, &squeezed);
	same = str_eq(buf_str(&squeezed), q);
	buf_release(&squeezed);
	return same;
}

static enum finding
check_key(struct check *c, const char *name, const char *value)
{
	return check_txt(c, name, value, has_our_key);
}

static enum finding
check_kind(struct check *c, const char *name, const char *value)
{
	return check_txt(c, name, value, NULL);
}

static enum finding
check_dmarc(struct check *c, const char *name, const char *value)
{
	struct dmarc_input in = {.author = str_of(c->domain)};
	struct dmarc_output out;

	(void)name, (void)value;
	if (!dmarc_check(c->facts, &in, &out))
		return FINDING_PENDING;
	if (out.result == DMARC_TEMPERROR)
		return say(c, FINDING_UNKNOWN, "DNS does not answer");
	if (out.result == DMARC_NONE)
		return say(c, FINDING_MISSING, "publish it");
	if (out.published == DMARC_POLICY_NONE)
		return say(c, FINDING_OK,
		    "it only watches: forgeries still pass (p=none)");
	return FINDING_OK;
}

static unsigned
number_at(struct str s, size_t at)
{
	const unsigned char *p = (const unsigned char *)s.at + at;

	return (unsigned)(p[0] << 8 | p[1]);
}

static enum finding
check_srv(struct check *c, const char *name, const char *value)
{
	const struct fact *f = facts_ask(c->facts, str_of(name), FACT_SRV);
	unsigned priority, weight, port;

	if (f == NULL)
		return FINDING_PENDING;
	if (f->status != FACT_OK)
		return nothing(c, f);
	if (sscanf(value, "%u %u %u", &priority, &weight, &port) != 3)
		return FINDING_UNKNOWN;
	for (size_t i = 0; i < f->n; i++)
		if (f->records[i].len > 6 &&
		    number_at(f->records[i], 4) == port &&
		    str_eq_nocase(str_after(f->records[i], 6), str_of(c->host)))
			return FINDING_OK;
	buf_addf(
	    &c->words, "it leads elsewhere than to %s port %u", c->host, port);
	return FINDING_WRONG;
}

/* An alias, or an address of its own: what counts is that it is there. */
static enum finding
check_address(struct check *c, const char *name, const char *value)
{
	const struct fact *a = facts_ask(c->facts, str_of(name), FACT_A);
	const struct fact *aaaa = facts_ask(c->facts, str_of(name), FACT_AAAA);

	(void)value;
	if (a == NULL || aaaa == NULL)
		return FINDING_PENDING;
	if (a->status == FACT_OK || aaaa->status == FACT_OK)
		return FINDING_OK;
	return nothing(c, a->status == FACT_TEMPFAIL ? a : aaaa);
}

/* Does the address of our host lead back to its name?  Many refuse mail from
 * one that does not. */
static enum finding
check_reverse(struct check *c, const char *name, const char *value)
{
	static const enum fact_type types[] = {FACT_A, FACT_AAAA};

	(void)value;
	for (size_t t = 0; t < 2; t++) {
		const struct fact *f = facts_ask(
		    c->facts, str_of(name), types[t]);

		if (f == NULL)
			return FINDING_PENDING;
		for (size_t i = 0; f->status == FACT_OK && i < f->n; i++) {
			struct iprev_output out;

			if (!iprev_check(c->facts,
				(const uint8_t *)f->records[i].at,
				f->records[i].len, &out))
				return FINDING_PENDING;
			if (out.result == IPREV_TEMPERROR)
				return say(
				    c, FINDING_UNKNOWN, "DNS does not answer");
			if (out.result == IPREV_PASS &&
			    str_eq_nocase(str_of(out.name), str_of(name)))
				continue;
			if (out.name[0] == '\0')
				return say(c, FINDING_MISSING,
				    "ask who gives you the address to name it");
			buf_addf(
			    &c->words, "its address is named %s", out.name);
			return FINDING_WRONG;
		}
	}
	return FINDING_OK;
}

typedef enum finding check_fn(
    struct check *c, const char *name, const char *value);

static const struct {
	const char *type, *begin;
	check_fn *run;
} kinds[] = {
    {"MX",    "",         check_mx     },
    {"TXT",   "v=spf1",   check_spf    },
    {"TXT",   "v=DKIM1",  check_key    },
    {"TXT",   "v=DMARC1", check_dmarc  },
    {"TXT",   "",         check_kind   },
    {"SRV",   "",         check_srv    },
    {"CNAME", "",         check_address},
};

static check_fn *
find_check(const char *type, const char *value)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].type, type) == 0 &&
		    str_starts(str_of(value), str_of(kinds[i].begin)))
			return kinds[i].run;
	return NULL;
}

static void
note(struct check *c, check_fn *run, const char *type, const char *name,
    const char *value, const char *need)
{
	enum finding f;

	buf_clear(&c->words);
	f = run(c, name, value);
	if (f == FINDING_PENDING) {
		c->pending = true;
		return;
	}
	if (f != FINDING_OK && strcmp(need, "needed") == 0)
		c->bad = true;
	json_array_append_new(c->findings,
	    json_pack("{s:s, s:s, s:s, s:s, s:s%}", "result", finding_words[f],
		"type", type, "name", name, "need", need, "words",
		c->words.len > 0 ? c->words.data : "", c->words.len));
}

/* All of it from the beginning; what DNS has yet to say makes it pending. */
static void
run_round(struct check *c)
{
	const json_t *record;
	size_t i;

	json_decref(c->findings);
	c->findings = json_array();
	c->pending = c->bad = false;
	note(c, check_address, "A", c->host, "", "needed");
	note(c, check_reverse, "PTR", c->host, "", "needed");
	json_array_foreach(c->records, i, record)
	{
		const char *type = show_text(record, "type");
		const char *value = show_text(record, "value");
		check_fn *run = find_check(type, value);

		if (run != NULL)
			note(c, run, type, show_text(record, "name"), value,
			    show_text(record, "need"));
	}
}

static void
go_on(void *arg)
{
	struct check *c = arg;

	do
		run_round(c);
	while (c->pending && inquiry_ask(c->inquiry));
	if (!c->pending)
		loop_stop(c->loop);
}

static int
ask_dns(struct check *c, const struct conf *conf, struct fail *f)
{
	struct resolver_options o = {
	    .forward = conf->dns_forward,
	    .anchor = conf->dns_trust_anchor,
	};
	struct resolver *r;
	struct asker *a;

	c->loop = loop_new();
	r = resolver_new(c->loop, &o, f);
	if (r == NULL) {
		loop_free(c->loop);
		return -1;
	}
	a = asker_new(c->loop, r, &clock_system);
	c->facts = facts_new();
	c->inquiry = inquiry_new(a, c->facts, go_on, c);
	inquiry_deadline(c->inquiry, TIME_MS);
	buf_init(&c->words, WORDS_ROOM);
	run_round(c);
	if (c->pending && inquiry_ask(c->inquiry))
		go_on(c);
	if (c->pending)
		loop_run(c->loop);
	buf_release(&c->words);
	inquiry_free(c->inquiry);
	facts_free(c->facts);
	asker_free(a);
	resolver_free(r);
	loop_free(c->loop);
	return 0;
}

static void
print_findings(const struct check *c)
{
	static const char *const headings[] = {
	    "RESULT", "TYPE", "NAME", "NEED", "", NULL};
	struct table *t = table_new(headings);
	const json_t *one;
	size_t i;

	json_array_foreach(c->findings, i, one)
	{
		table_add(t, str_of(show_text(one, "result")));
		table_add(t, str_of(show_text(one, "type")));
		table_add(t, str_of(show_text(one, "name")));
		table_add(t, str_of(show_text(one, "need")));
		table_add(t, str_of(show_text(one, "words")));
	}
	table_print(t, stdout, "nothing to check");
	if (c->bad)
		printf("\nSomething needed is not right.  What to publish: "
		       "mailctl domain dns %s\n",
		    c->domain);
}

static int
report(struct cli *cli, struct check *c)
{
	if (cli->json) {
		json_t *all = json_pack("{s:b, s:s, s:s, s:O}", "good", !c->bad,
		    "domain", c->domain, "hostname", c->host, "findings",
		    c->findings);

		json_print(all, JSON_COMPACT);
		putchar('\n');
		json_decref(all);
	} else {
		print_findings(c);
	}
	return c->bad ? CLI_FAILED : CLI_OK;
}

int
cmd_domain_check(struct cli *cli, int argc, char **argv)
{
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 1, 1, &n, &done);
	struct check c = {0};
	struct conf *conf;
	json_t *reply;
	struct fail f;

	if (done)
		return code;
	reply = cli_ask(cli,
	    json_pack("{s:s, s:s}", "command", "domain.dns", "domain", argv[0]),
	    &code);
	if (reply == NULL)
		return code;
	c.domain = show_text(reply, "domain");
	c.host = show_text(reply, "hostname");
	c.records = json_object_get(reply, "records");
	conf = conf_read(cli->conf_file, &f);
	code = conf != NULL && ask_dns(&c, conf, &f) == 0 ? report(cli, &c)
	                                                  : cli_failed(&f);
	conf_free(conf);
	json_decref(c.findings);
	json_decref(reply);
	return code;
}
