/* SPDX-License-Identifier: MIT */
/*
 * What do SPF, DKIM and DMARC make of a message?  Lines on stdin:
 *
 *	zone LINE           as zone.h
 *	reset               forget the zone
 *	message IP HELO FROM MESSAGE
 *	                    -> author result policy published record's-domain
 *	                       organization spf dkim... | why
 *	strip HOST BLOCK    -> what authres_strip() leaves
 *	results HOST ...    -> a field: the rest is METHOD RESULT and, after
 *	                       each, TYPE NAME VALUE; "-" ends a method
 *
 * IP is an address in hexadecimal, FROM may be "<>"; MESSAGE, BLOCK, VALUE and
 * what is given back are hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/policy/author.h"
#include "common/policy/authres.h"
#include "common/policy/dkim.h"
#include "common/policy/dmarc.h"
#include "common/policy/spf.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"

#define LINE_MAX_BYTES (8 * MB)
#define PROOFS_MAX     (DKIM_SIGNATURES_MAX + 1)

static void
unhex(struct str text, struct buf *out)
{
	buf_init(out, LINE_MAX_BYTES);
	if (!enc_hex_decode(text, out)) {
		fprintf(stderr, "not hexadecimal\n");
		exit(2);
	}
}

static void
print_hex(struct str bytes)
{
	struct buf hex;

	buf_init(&hex, LINE_MAX_BYTES);
	enc_hex(bytes, &hex);
	printf("%s\n", hex.len > 0 ? hex.data : "");
	buf_release(&hex);
}

struct question {
	struct str ip, helo, sender, message;
};

/* Everything that was shown, for DMARC. */
struct shown {
	struct dmarc_proof proofs[PROOFS_MAX];
	size_t n;
	bool unsure;
	struct spf_output spf;
	struct dkim *dkim;
};

static void
show(const struct zone *z, struct facts *f, const struct question *q,
    struct str block, struct str body, struct shown *out)
{
	struct spf_input in = {
	    .ip = (const uint8_t *)q->ip.at,
	    .ip_len = q->ip.len,
	    .helo = q->helo,
	    .sender = q->sender,
	    .receiver = STR("mx.d.test"),
	};
	struct str local, domain;

	while (!spf_check(f, &in, &out->spf))
		zone_answer(z, f);
	out->dkim = dkim_new(block, 0);
	dkim_body(out->dkim, body);
	dkim_body_end(out->dkim);
	while (!dkim_check(out->dkim, f))
		zone_answer(z, f);
	if (out->spf.result == SPF_PASS) {
		domain = q->helo;
		if (q->sender.len > 0)
			addr_split(q->sender, &local, &domain);
		out->proofs[out->n++] = (struct dmarc_proof){.domain = domain};
	}
	out->unsure = out->spf.result == SPF_TEMPERROR;
	for (size_t i = 0; i < dkim_count(out->dkim); i++) {
		const struct dkim_verdict *v = dkim_verdict(out->dkim, i);

		out->unsure |= v->result == DKIM_TEMPERROR;
		if (v->result == DKIM_PASS && !v->partial)
			out->proofs[out->n++] = (struct dmarc_proof){
			    .domain = str_of(v->domain), .dkim = true};
	}
}

static void
do_message(const struct zone *z, struct str line)
{
	struct buf ip, message;
	struct question q;
	struct facts *f = facts_new();
	struct shown shown = {0};
	struct dmarc_output out = {0};
	struct author author;
	struct fail why = {0};
	struct str block, body;

	unhex(str_cut(&line, ' '), &ip);
	q.ip = buf_str(&ip);
	q.helo = str_cut(&line, ' ');
	q.sender = str_cut(&line, ' ');
	if (str_eq(q.sender, STR("<>")))
		q.sender.len = 0;
	unhex(line, &message);
	header_split(buf_str(&message), &block, &body);
	if (author_find(block, &author, &why) == -1) {
		printf("- unclear | %s\n", why.text);
	} else {
		struct dmarc_input in = {.author = str_of(author.domain)};

		show(z, f, &q, block, body, &shown);
		in.proofs = shown.proofs;
		in.n = shown.n;
		in.unsure = shown.unsure;
		while (!dmarc_check(f, &in, &out))
			zone_answer(z, f);
		printf("%s %s %s %s %s %s %s", author.domain,
		    dmarc_word(out.result), dmarc_policy_word(out.policy),
		    dmarc_policy_word(out.published),
		    out.domain[0] != '\0' ? out.domain : "-", out.organization,
		    spf_word(shown.spf.result));
		for (size_t i = 0; i < dkim_count(shown.dkim); i++)
			printf(" %s",
			    dkim_word(dkim_verdict(shown.dkim, i)->result));
		printf(" | %s\n", out.why);
		dkim_free(shown.dkim);
	}
	facts_free(f);
	buf_release(&message);
	buf_release(&ip);
}

static void
do_strip(struct str line)
{
	struct str host = str_cut(&line, ' ');
	struct buf block, out;
	size_t removed;

	unhex(line, &block);
	buf_init(&out, LINE_MAX_BYTES);
	authres_strip(buf_str(&block), host, &out, &removed);
	print_hex(buf_str(&out));
	buf_release(&out);
	buf_release(&block);
}

static void
do_results(struct str line)
{
	struct authres a;
	struct buf out;

	buf_init(&out, LINE_MAX_BYTES);
	authres_begin(&a, &out, str_cut(&line, ' '));
	while (line.len > 0) {
		char *method = mem_dup(str_cut(&line, ' '));
		char *result = mem_dup(str_cut(&line, ' '));
		struct str word;

		authres_method(&a, method, result, NULL);
		free(result);
		free(method);
		while (word = str_cut(&line, ' '),
		    word.len > 0 && !str_eq(word, STR("-"))) {
			char *type = mem_dup(word);
			char *name = mem_dup(str_cut(&line, ' '));
			struct buf value;

			unhex(str_cut(&line, ' '), &value);
			authres_property(&a, type, name, buf_str(&value));
			buf_release(&value);
			free(name);
			free(type);
		}
	}
	authres_end(&a);
	print_hex(buf_str(&out));
	buf_release(&out);
}

int
main(void)
{
	struct zone *z = zone_new();
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		struct str rest = {line, (size_t)n - 1};
		struct str verb = str_cut(&rest, ' ');

		if (str_eq(verb, STR("reset"))) {
			zone_free(z);
			z = zone_new();
		} else if (str_eq(verb, STR("zone")))
			zone_add(z, rest);
		else if (str_eq(verb, STR("message")))
			do_message(z, rest);
		else if (str_eq(verb, STR("strip")))
			do_strip(rest);
		else if (str_eq(verb, STR("results")))
			do_results(rest);
		else
			exit(2);
		fflush(stdout);
	}
	free(line);
	zone_free(z);
	return 0;
}
