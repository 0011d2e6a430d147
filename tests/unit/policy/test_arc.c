/* SPDX-License-Identifier: MIT */
#include "common/policy/arc.h"

#include "common/mime/header.h"
#include "common/policy/canon.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

static const char message[] = "From: Ann <ann@a.example>\r\n"
			      "To: list@list.example\r\n"
			      "Subject: hello  there\r\n"
			      "DKIM-Signature: v=1; whatever\r\n"
			      "\r\n"
			      "One line,\r\n"
			      "another \t line\r\n"
			      "\r\n";

struct world {
	struct key_private *key;
	struct zone *zone;
};

static void
begin(struct world *w)
{
	struct buf secret, record, line;
	struct fail f = {0};

	buf_init(&secret, 8 * KB);
	buf_init(&record, 8 * KB);
	buf_init(&line, 8 * KB);
	CHECK(key_make(KEY_RSA, &secret, &record, &f) == 0);
	w->key = key_private_read(buf_str(&secret), &f);
	/* whatever else there is at its name, a key is found */
	w->zone = zone_of("k._domainkey.list.example TXT v=spf1 -all\n"
			  "k._domainkey.list.example TXT hello\n"
			  "k._domainkey.list.example TXT p=\n"
			  "k._domainkey.list.example TXT p=x\n"
			  "k._domainkey.list.example TXT k=ed25519; p=\n");
	buf_addf(&line, "k._domainkey.list.example TXT %s", record.data);
	CHECK(zone_add(w->zone, buf_str(&line)));
	CHECK(
	    zone_add(w->zone, STR("slow._domainkey.list.example ANY TIMEOUT")));
	buf_release(&line);
	buf_release(&record);
	buf_release(&secret);
}

static void
end(struct world *w)
{
	zone_free(w->zone);
	key_private_free(w->key);
}

/* The body in pieces of so many octets. */
static struct arc_verdict
check_in(const struct world *w, struct str text, size_t piece)
{
	struct facts *f = facts_new();
	struct arc_verdict v;
	struct str block, body;
	struct arc *a;

	header_split(text, &block, &body);
	a = arc_new(block, 0);
	for (; body.len > 0; body = str_after(body, piece))
		arc_body(a, str_first(body, piece));
	arc_body_end(a);
	while (!arc_check(a, f))
		CHECK(zone_answer(w->zone, f) > 0);
	v = *arc_verdict(a);
	arc_free(a);
	facts_free(f);
	return v;
}

static struct arc_verdict
check(const struct world *w, struct str text)
{
	return check_in(w, text, 1000);
}

static void
hash_body(struct str body, uint8_t out[BODY_HASH_LEN])
{
	struct body_hashes *h = body_hashes_new();
	size_t place = 0;

	CHECK(body_hashes_want(h, CANON_RELAXED, BODY_HASH_ALL, &place));
	body_hashes_feed(h, body);
	body_hashes_end(h);
	memcpy(out, body_hashes_get(h, place), BODY_HASH_LEN);
	body_hashes_free(h);
}

/* Put our seal on top of what is in text. */
static bool
seal(const struct world *w, struct buf *text, const char *selector,
    const char *results, enum arc_result chain)
{
	uint8_t digest[KEY_DIGEST_LEN], body_hash[BODY_HASH_LEN];
	struct arc_seal s = {
	    .domain = STR("list.example"),
	    .selector = str_of(selector),
	    .algorithm = KEY_RSA,
	    .now_s = 1795000000,
	    .results = str_of(results),
	    .body_hash = body_hash,
	    .chain = chain,
	};
	struct buf fields, signature;
	struct fail f = {0};
	struct str body;
	bool ok;

	buf_init(&fields, 64 * KB);
	buf_init(&signature, KEY_SIGNATURE_MAX);
	header_split(buf_str(text), &s.block, &body);
	hash_body(body, body_hash);
	if ((ok = arc_seal_begin(&s, &fields, digest))) {
		CHECK(key_sign(w->key, digest, &signature, &f) == 0);
		arc_seal_signed(&s, &fields, buf_str(&signature), digest);
		buf_clear(&signature);
		CHECK(key_sign(w->key, digest, &signature, &f) == 0);
		arc_seal_finish(&s, &fields, buf_str(&signature));
		buf_add(&fields, buf_str(text));
		buf_clear(text);
		buf_add(text, buf_str(&fields));
	}
	buf_release(&signature);
	buf_release(&fields);
	return ok;
}

/* The message with that many sets. */
static void
chain_of(const struct world *w, unsigned n, struct buf *text)
{
	buf_init(text, 1 * MB);
	buf_add(text, str_of(message));
	for (unsigned i = 0; i < n; i++)
		CHECK(seal(w, text, "k", "list.example; dmarc=pass",
		    i == 0 ? ARC_NONE : ARC_PASS));
}

/* The first `from' becomes `to', which is as long. */
static void
change(struct buf *text, const char *from, const char *to)
{
	size_t at;

	CHECK(strlen(from) == strlen(to));
	CHECK(str_find_str(buf_str(text), str_of(from), &at));
	memcpy(text->data + at, to, strlen(to));
}

static void
good_chains(const struct world *w)
{
	struct arc_verdict v = check(w, str_of(message));

	CHECK(v.result == ARC_NONE && v.sets == 0 && !v.dmarc_pass);
	CHECK_STR(v.sealer, "");
	for (unsigned n = 1; n <= 3; n++) {
		struct buf text;

		chain_of(w, n, &text);
		v = check(w, buf_str(&text));
		CHECK(v.result == ARC_PASS && v.sets == n);
		CHECK(v.oldest_pass == 0 && v.dmarc_pass);
		CHECK_STR(v.sealer, "list.example");
		CHECK_STR(v.results, "list.example; dmarc=pass");
		CHECK(strlen(v.sealers) == n * strlen("list.example ") - 1);
		CHECK_STR(v.why, "");
		for (size_t piece = 1; piece < 40; piece++)
			CHECK(check_in(w, buf_str(&text), piece).result ==
			      ARC_PASS);
		buf_release(&text);
	}
}

/* One octet is another: it fails, and says where. */
static void
spoilt_chains(const struct world *w)
{
	static const struct {
		const char *from, *to, *why;
	} cases[] = {
	    {"Ann <",			    "Eve <",
             "message signature of instance 2: the signature is wrong"                                        },
	    {"One line",			 "Two line",
             "message signature of instance 2: the body was changed"                                          },
	    {"list.example; dmarc=pass",         "list.example; dmarc=fail",
             "seal of instance 2: the signature is wrong"                                                     },
	    {"ARC-Seal: i=2",                    "ARC-Seal: i=3",            "an ARC set is not complete"     },
	    {"ARC-Seal: i=2",                    "ARC-Seal: i=1",            "an ARC field is there twice"    },
	    {"ARC-Seal: i=2",                    "ARC-Seal: i=0",            "an ARC field cannot be read"    },
	    {"ARC-Seal: i=2",                    "ARC-Seal: j=2",            "an ARC field cannot be read"    },
	    {"ARC-Seal: i=2",                    "ARX-Seal: i=2",            "an ARC set is not complete"     },
	    {"ARC-Authentication-Results: i=2;",
             "ARC-Authentication-Results: i=2 ",			     "an ARC field cannot be read"    },
	    {"ARC-Authentication-Results: i=2",
             "ARC-Authentication-Results:i=52",			      "there are more than 50 ARC sets"},
	    {"cv=pass",			  "cv=none",
             "a seal says that the chain was broken before"                                                   },
	    {"cv=pass",			  "cv=fail",                  "the newest seal says cv=fail"   },
	    {"cv=pass",			  "cv=FAIL",                  "the newest seal says cv=fail"   },
 /* RFC 8617 s3.9: these words have no case */
	    {"cv=pass",			  "cv=PasS",
             "seal of instance 2: the signature is wrong"                                                     },
	    {"cv=none",			  "cv=None",
             "seal of instance 2: the signature is wrong"                                                     },
 /* RFC 8617 s4.1.2, RFC 6376 s6.1.1 */
	    {"h=From:From:",                     "h=Fron:Fron:",
             "message signature of instance 2: h= does not have From"                                         },
	    {"cv=none",			  "cv=pass",
             "a seal says that the chain was broken before"                                                   },
	    {"s=k; t=1795000000; cv",            "s=x; t=1795000000; cv",
             "seal of instance 2: there is no key"							    },
	    {"s=k; t=1795000000; cv",            "s=k; t=1795000000; c ",
             "a seal says that the chain was broken before"                                                   },
	    {"s=k; t=1795000000; cv",            "s=k; h=1795000000; cv",
             "seal of instance 2: a seal has no h="							   },
	    {"s=k; t=1795000000; cv",            "s=k; t=179500000x; cv",
             "seal of instance 2: t= or x= is no time"                                                        },
	    {"s=k; t=1795000000; c=",            "s=k; l=0000000000; c=",
             "message signature of instance 2: l= leaves out a part of the "
		"body"											},
	    {"a=rsa-sha256",                     "a=rsa-sha999",
             "seal of instance 2: a= is no algorithm we know"                                                 },
	    {"c=relaxed/relaxed",                "c=relaxed/relaxes",
             "message signature of instance 2: c= is no canonicalization we "
		"know"											},
	    {"d=list.example",                   "d=list..xample",
             "seal of instance 2: d= is no domain name"                                                       },
	    {"To: list",			 " o: list",
             "message signature of instance 2: the signature is wrong"                                        },
	    {"To: list",			 "To; list",
             "the header can be read in more than one way"                                                    },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arc_verdict v;
		struct buf text;

		chain_of(w, 2, &text);
		change(&text, cases[i].from, cases[i].to);
		v = check(w, buf_str(&text));
		CHECK(v.result == ARC_FAIL && !v.dmarc_pass);
		CHECK_STR(v.why, cases[i].why);
		buf_release(&text);
	}
}

/* A list that puts its name into the subject, then seals. */
static void
changed_on_the_way(const struct world *w)
{
	struct arc_verdict v;
	struct buf text;

	chain_of(w, 2, &text);
	change(&text, "hello", "HELLO");
	CHECK(seal(w, &text, "k",
	    "list.example 1 (x);\r\n\tdmarc=fail (y); "
	    "spf=pass",
	    ARC_PASS));
	CHECK(seal(w, &text, "k", "list.example; none", ARC_PASS));
	v = check(w, buf_str(&text));
	CHECK(v.result == ARC_PASS && v.sets == 4 && v.oldest_pass == 3);
	CHECK(!v.dmarc_pass);
	CHECK_STR(v.results, "list.example; none");
	buf_release(&text);
}

static void
testimony(const struct world *w)
{
	static const struct {
		const char *results;
		bool pass;
	} cases[] = {
	    {"list.example; spf=fail; dmarc=pass header.from=a.example", true },
	    {"list.example;\r\n\tDMARC = PASS (p=reject)",               true },
	    {"list.example; dmarc=fail; spf=pass",                       false},
	    {"list.example; dmarc=pass; dmarc=fail",                     false},
	    {"list.example; x=\"dmarc=pass\"",                           false},
	    {"list.example; spf=pass (dmarc=pass; dmarc=pass)",          false},
	    {"list.example; dmarc=pass; (",                              false},
	    {"list.example; x-tls.subject=a.b; dmarc=pass",              true },
	    {"list.example; dmarc=pass.not",                             false},
	    {"list.example; dmarc=pass/not",                             false},
	    {"list.example; dmarc=pass(yes)",                            true },
	    {"list.example; dmarc.x=pass",                               false},
	    {"dmarc=pass",					       false},
	    {"",							 false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arc_verdict v;
		struct buf text;

		chain_of(w, 0, &text);
		CHECK(seal(w, &text, "k", cases[i].results, ARC_NONE));
		v = check(w, buf_str(&text));
		CHECK(v.result == ARC_PASS);
		CHECK(v.dmarc_pass == cases[i].pass);
		buf_release(&text);
	}
}

/* A key that is not to be had. */
static void
no_answers(const struct world *w)
{
	struct arc_verdict v;
	struct buf text;

	chain_of(w, 1, &text);
	CHECK(seal(w, &text, "slow", "list.example; dmarc=pass", ARC_PASS));
	v = check(w, buf_str(&text));
	CHECK(v.result == ARC_TEMPERROR && !v.dmarc_pass);
	CHECK_STR(v.why, "message signature of instance 2: its key could not "
			 "be asked for");
	CHECK_STR(arc_word(v.result), "fail"); /* RFC 8617 s5.2.1 */
	/* what is wrong for sure is wrong whatever DNS says */
	change(&text, "One line", "Two line");
	CHECK(check(w, buf_str(&text)).result == ARC_FAIL);
	buf_release(&text);
}

/* RFC 8617 s5.1: what may be sealed, and how. */
static void
sealing(const struct world *w)
{
	struct header_field field;
	struct buf text;

	chain_of(w, 1, &text);
	CHECK(!seal(w, &text, "k", "x; none", ARC_TEMPERROR));
	CHECK(!seal(w, &text, "k", "x; none", ARC_NONE));
	change(&text, "One line", "Two line");
	CHECK(seal(w, &text, "k", "x; none", ARC_FAIL));
	CHECK(header_find(buf_str(&text), STR("ARC-Seal"), &field));
	CHECK(str_starts(field.value, STR(" i=2; a=rsa-sha256; d=list.example;"
					  "\r\n\ts=k; t=1795000000; cv=fail;"
					  "\r\n\tb=")));
	CHECK(check(w, buf_str(&text)).result == ARC_FAIL);
	CHECK(!seal(w, &text, "k", "x; none", ARC_FAIL));
	buf_release(&text);

	chain_of(w, 2, &text);
	change(&text, "cv=pass", "cv=FAIL");
	CHECK(!seal(w, &text, "k", "x; none", ARC_FAIL));
	buf_release(&text);

	/* a chain that cannot be counted is one that failed */
	chain_of(w, 1, &text);
	change(&text, "ARC-Seal", "ARX-Seal");
	CHECK(!seal(w, &text, "k", "x; none", ARC_PASS));
	CHECK(!seal(w, &text, "k", "x; none", ARC_NONE));
	CHECK(seal(w, &text, "k", "x; none", ARC_FAIL));
	buf_release(&text);
}

/* No line of ours is long, however much is covered. */
static void
long_headers(const struct world *w)
{
	struct buf text, many;
	struct str rest;

	buf_init(&text, 1 * MB);
	buf_init(&many, 1 * MB);
	for (size_t i = 0; i < 200; i++)
		buf_add(&many, STR("DKIM-Signature: x\r\nReceived: y\r\n"));
	buf_add(&many, str_of(message));
	buf_add(&text, buf_str(&many));
	CHECK(seal(w, &text, "k", "list.example; dmarc=pass", ARC_NONE));
	CHECK(check(w, buf_str(&text)).result == ARC_PASS);
	rest = str_first(buf_str(&text), text.len - many.len);
	while (rest.len > 0)
		CHECK(str_cut(&rest, '\n').len <= 100);
	buf_release(&many);
	buf_release(&text);
}

int
main(void)
{
	struct world w;

	begin(&w);
	good_chains(&w);
	spoilt_chains(&w);
	changed_on_the_way(&w);
	testimony(&w);
	no_answers(&w);
	sealing(&w);
	long_headers(&w);
	end(&w);
	return TEST_EXIT();
}
