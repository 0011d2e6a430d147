/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim.h"

#include <stdlib.h>

#include "common/policy/canon.h"
#include "common/policy/dkim_fields.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

#define NOW    1700000000
#define ED     "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define HEADER "From: a@example.org\r\nSubject: s\r\n"
#define BODY   "Hi.\r\n\r\nBye.\r\n"

struct pair { /* that everything here is signed with */
	struct key_private *key;
	struct buf record; /* "k=ed25519; p=..." */
};

static void
pair_make(struct pair *p)
{
	struct buf secret, record;
	struct fail f = {0};

	buf_init(&secret, 1 * KB);
	buf_init(&record, 1 * KB);
	buf_init(&p->record, 1 * KB);
	CHECK(key_make(KEY_ED25519, &secret, &record, &f) == 0);
	p->key = key_private_read(buf_str(&secret), &f);
	buf_add(&p->record, str_after(buf_str(&record), strlen("v=DKIM1; ")));
	buf_release(&record);
	buf_release(&secret);
}

/* A field with these tags on top of the header, rightly signed whatever they
 * say; in tags $ is the hash of body. */
static void
sign(const struct pair *p, struct str name, struct str tags, enum canon how,
    struct str names, struct str header, struct str body, struct buf *out)
{
	struct dkim_fields *fields = dkim_fields_new(header);
	struct body_hashes *h = body_hashes_new();
	struct buf own, text, signature;
	uint8_t digest[KEY_DIGEST_LEN];
	struct fail f = {0};
	size_t place;

	buf_init(&own, 512 * KB);
	buf_init(&text, 512 * KB);
	buf_init(&signature, KEY_SIGNATURE_MAX);
	body_hashes_want(h, how, BODY_HASH_ALL, &place);
	body_hashes_feed(h, body);
	body_hashes_end(h);
	buf_add(&own, name);
	for (size_t i = 0; i < tags.len; i++)
		if (tags.at[i] == '$')
			enc_base64((struct str){(const char *)body_hashes_get(
						    h, place),
				       BODY_HASH_LEN},
			    &own);
		else
			buf_add_char(&own, tags.at[i]);
	buf_add(&own, STR(" b="));
	dkim_fields_add(fields, how, names, STR(""), &text);
	canon_field(how, buf_str(&own), &text);
	buf_cut(&text, text.len - 2);
	key_sha256(buf_str(&text), digest);
	CHECK(key_sign(p->key, digest, &signature, &f) == 0);
	enc_base64(buf_str(&signature), &own);
	buf_add(out, buf_str(&own));
	buf_add(out, STR("\r\n"));
	buf_add(out, header);
	buf_release(&signature);
	buf_release(&text);
	buf_release(&own);
	body_hashes_free(h);
	dkim_fields_free(fields);
}

/* Check; gives how many questions that took. */
static size_t
ask(struct dkim *d, const struct zone *z)
{
	struct facts *f = facts_new();
	size_t n = 0;

	while (!dkim_check(d, f)) {
		size_t more = zone_answer(z, f);

		CHECK(more > 0);
		if (more == 0)
			break;
		n += more;
	}
	facts_free(f);
	return n;
}

static struct dkim *
judge(struct str header, struct str body, const struct zone *z, size_t *asked)
{
	struct dkim *d = dkim_new(header, NOW);

	dkim_body(d, body);
	dkim_body_end(d);
	*asked = ask(d, z);
	return d;
}

/* The first signature's result, in words. */
static const char *
result(struct str header, struct str body, const struct zone *z)
{
	static char said[300];
	size_t asked;
	struct dkim *d = judge(header, body, z, &asked);
	const struct dkim_verdict *v = dkim_verdict(d, 0);

	snprintf(said, sizeof(said), "%s%s%s", dkim_word(v->result),
	    v->why[0] != '\0' ? " " : "", v->why);
	dkim_free(d);
	return said;
}

static struct zone *
zone_with(const struct pair *p, const char *name, const char *head)
{
	struct zone *z = zone_new();
	struct buf line;

	buf_init(&line, 4 * KB);
	buf_addf(&line, "%s TXT %s%s", name, head, p->record.data);
	CHECK(zone_add(z, buf_str(&line)));
	buf_release(&line);
	return z;
}

#define S "v=1; a=ed25519-sha256; c=relaxed/relaxed; "
#define D "d=example.org; s=sel; "
#define H "h=from:subject; bh=$;"

/* Each signed rightly: what it says decides. */
static void
check_tags(const struct pair *p)
{
	static const struct {
		const char *tags, *want;
	} vectors[] = {
	    {S D H,					    "pass"				     },
	    {S D "h= From : Subject ; bh=$;",                  "pass"                                     },
	    {S "d=EXAMPLE.Org; s=SEL; " H,                     "pass"                                     },
	    {S D "i=@example.org; " H,                         "pass"                                     },
	    {S D "i=a=40b@Sub.Example.ORG; " H,                "pass"                                     },
	    {S D "i=a@b@x.example.org; " H,                    "pass"                                     },
	    {S D "q=dns/txt; " H,                              "pass"                                     },
	    {S D "q=x/y : dns/txt; " H,                        "pass"                                     },
	    {S D "l=13; " H,				   "pass"				     }, /* all there is */
	    {S D "t=1; x=1700000000; " H,                      "pass"                                     },
	    {S D "t=1800000000; " H,                           "pass"                                     }, /* a clock ahead */
	    {S D "z=From:a|x:=20; unknown=1; " H,              "pass"                                     },

	    {"a=ed25519-sha256; c=relaxed/relaxed; " D H,
             "neutral v= is missing"								      },
	    {"v=2; a=ed25519-sha256; c=relaxed/relaxed; " D H,
             "neutral v= is not 1"									},
	    {"v=1; c=relaxed/relaxed; " D H,                   "permerror a= is missing"                  },
	    {"v=1; a=rsa-sha1; c=relaxed/relaxed; " D H,
             "permerror a=rsa-sha1 is not believed any more"                                              },
	    {"v=1; a=ed25519-sha1; c=relaxed/relaxed; " D H,
             "permerror a= is no algorithm we know"						       },
	    {"v=1; a=rsa-sha256; c=relaxed/relaxed; " D H,
             "permerror the key record is of no use: k= is not for a="                                    },
	    {S "v=1; " D H,				    "neutral not a list of tags"               },
	    {S D H " =x;",				     "neutral not a list of tags"               },
	    {S D "q=http; " H,				 "neutral q= has no way to ask that we know"},
	    {"v=1; a=ed25519-sha256; c=relaxed/other; " D H,
             "neutral c= is no canonicalization we know"                                                  },
	    {"v=1; a=ed25519-sha256; c=relaxed/; " D H,
             "neutral c= is no canonicalization we know"                                                  },
	    {S D "h=from:subject; bh=AAAA;",                   "neutral bh= is no SHA-256"                },
	    {S D "h=from:subject;",                            "neutral bh= is missing"                   },
	    {S D "h=to:subject; bh=$;",                        "permerror h= does not have From"          },
	    {S D "bh=$;",				      "permerror h= is missing"                  },
	    {S D "h=; bh=$;",				  "permerror h= is no list of fields"        },
	    {S D "h=from::subject; bh=$;",                     "permerror h= is no list of fields"        },
	    {S D "h=from:subject:; bh=$;",                     "permerror h= is no list of fields"        },
	    {S D "h=from:sub ject; bh=$;",                     "permerror h= is no list of fields"        },
	    {S D "i=@example.net; " H,                         "permerror i= is not under d="             },
	    {S D "i=@xexample.org; " H,                        "permerror i= is not under d="             },
	    {S D "i=@org; " H,				 "permerror i= is no identity"              },
	    {S D "i=example.org; " H,                          "permerror i= is no identity"              },
	    {S D "i=a=0D@example.org; " H,                     "permerror i= is no identity"              },
	    {S D "i=a=4@example.org; " H,                      "permerror i= is no identity"              },
	    {S D "i=a=FF@example.org; " H,                     "permerror i= is no identity"              },
	    {S D "l=; " H,				     "permerror l= is no number of octets"      },
	    {S D "l=-1; " H,				   "permerror l= is no number of octets"      },
	    {S D "l=18446744073709551616; " H,
             "permerror l= is no number of octets"							},
	    {S D "l=18446744073709551614; " H,
             "fail the body is shorter than l= says"                                                      },
	    {S D "l=14; " H,				   "fail the body is shorter than l= says"    },
	    {S D "l=1; " H,				    "fail the body was changed"                },
	    {S D "t=2; x=1; " H,                               "neutral x= is not after t="               },
	    {S D "t=x; " H,				    "neutral t= or x= is no time"              },
	    {S D "x=1234567890123; " H,                        "neutral t= or x= is no time"              },
	    {S D "x=1699999999; " H,                           "permerror the signature has expired"      },
	};
	struct zone *z = zone_with(
	    p, "sel._domainkey.example.org", "v=DKIM1; ");
	struct buf header;

	buf_init(&header, 64 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&header);
		sign(p, STR("DKIM-Signature: "), str_of(vectors[i].tags),
		    CANON_RELAXED, STR("from:subject"), STR(HEADER), STR(BODY),
		    &header);
		CHECK_STR(
		    result(buf_str(&header), STR(BODY), z), vectors[i].want);
	}
	buf_release(&header);
	zone_free(z);
}

/* A116, A117: what is no name is not asked for, and told to nobody. */
static void
check_names(const struct pair *p)
{
#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
	static const struct {
		struct str tags;
		const char *domain;
	} vectors[] = {
	    {STR(S "d=legit.test'a.attack.test; s=sel; " H),                  ""           },
	    {STR(S "d=legit.test(.attack.test; s=sel; " H),                   ""           },
	    {STR(S "d=legit.test attack.test; s=sel; " H),                    ""           },
	    {STR(S "d=legit.test\r\n attack.test; s=sel; " H),                ""           },
	    {STR(S "d=\"legit.test\"; s=sel; " H),                            ""           },
	    {STR(S "d=legit..test; s=sel; " H),                               ""           },
	    {STR(S "d=.legit.test; s=sel; " H),                               ""           },
	    {STR(S "d=legit.test.; s=sel; " H),                               ""           },
	    {STR(S "d=test; s=sel; " H),                                      ""           },
	    {STR(S "d=; s=sel; " H),					  ""           },
	    {STR(S "d=-a.test; s=sel; " H),                                   ""           },
	    {STR(S "d=" L50 "aaaaabbbbbcccc.test; s=sel; " H),                ""           },
	    {STR(S "d=a.\xe2\x80\xa6.test; s=sel; " H),                       ""           },
	    {STR(S "d=example.org; s=a..b; " H),                              "example.org"},
	    {STR(S "d=example.org; s=; " H),                                  "example.org"},
	    {STR(S "d=example.org; s=a b; " H),                               "example.org"},
	    {STR(S "d=example.org; s=" L50 "aaaaabbbbbcccc; " H),
             "example.org"								 },
	    {STR(S "d=example.org; s=" L50 "." L50 "." L50 "." L50 "." L50
		   "." L50 "; " H),
             "example.org"								 },
	    {STR(S "d=example.org; s=" L50 "." L50 "." L50 "." L50 ".aaaaaaaaa"
		   "aaaaaaaaaaaaabbbbbbbb; " H),
             "example.org"								 },
	    {STR(S "d=example.org; " H),                                      "example.org"},
	    {STR(S "s=sel; " H),					      ""           },
	    {STR(S "d=example.org; s=sel._domainkey.attack.test.\0.any; " H),
             ""									    },
	};
	struct zone *z = zone_new();
	struct buf header;
	size_t asked;

	buf_init(&header, 64 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct dkim_verdict *v;
		struct dkim *d;

		buf_clear(&header);
		sign(p, STR("DKIM-Signature: "), vectors[i].tags, CANON_RELAXED,
		    STR("from:subject"), STR(HEADER), STR(BODY), &header);
		d = judge(buf_str(&header), STR(BODY), z, &asked);
		v = dkim_verdict(d, 0);
		CHECK(asked == 0);
		CHECK(v->result == DKIM_PERMERROR || v->result == DKIM_NEUTRAL);
		CHECK_STR(v->domain, vectors[i].domain);
		dkim_free(d);
	}
	buf_release(&header);
	zone_free(z);
}

/* RFC 8616: U-labels are asked for and told as A-labels. */
static void
check_international(const struct pair *p)
{
	struct zone *z = zone_with(
	    p, "sel._domainkey.xn--bcher-kva.example", "v=DKIM1; ");
	const struct dkim_verdict *v;
	struct buf header;
	struct dkim *d;
	size_t asked;

	buf_init(&header, 64 * KB);
	sign(p, STR("DKIM-Signature: "),
	    STR(S "d=b\xc3\xbc"
		  "cher.example; s=sel; "
		  "i=j\xc3\xb6rg@mail.xn--bcher-kva.example; " H),
	    CANON_RELAXED, STR("from:subject"), STR(HEADER), STR(BODY),
	    &header);
	d = judge(buf_str(&header), STR(BODY), z, &asked);
	v = dkim_verdict(d, 0);
	CHECK(asked == 1 && v->result == DKIM_PASS);
	CHECK_STR(v->domain, "xn--bcher-kva.example");
	CHECK_STR(v->identity, "j\xc3\xb6rg@mail.xn--bcher-kva.example");
	CHECK_STR(v->algorithm, "ed25519-sha256");
	CHECK(strlen(v->signature) == 8 && v->bits == 256);
	dkim_free(d);
	buf_release(&header);
	zone_free(z);
}

/* What the zone says of the key, for a signature that is right. */
static void
check_keys(const struct pair *p)
{
#define NAME "sel._domainkey.example.org TXT "
#define USED "permerror the key record is of no use: "
	static const struct {
		const char *lines; /* % is the key, "k=...; p=..." */
		const char *want;
	} vectors[] = {
	    {NAME "%",				"pass"				    },
	    {NAME "v=DKIM1; %",                       "pass"                                    },
	    {NAME "t=y; %",                           "pass"				    },
	    {NAME "t=s; %",
             "permerror i= is below d=, and the key's t=s forbids it"                           },
	    {"",				      "permerror there is no key"               },
	    {"sel._domainkey.example.org ANY NODATA",
             "permerror there is no key"							},
	    {NAME "TIMEOUT",                          "temperror the key could not be asked for"},
	    {NAME "k=ed25519; p=",                    "permerror the key is revoked"            },
	    {NAME "k=ed25519; p=AAAA",                USED "p= is no Ed25519 key"               },
	    {NAME "h=sha1; %",                        USED "h= does not allow sha256"           },
	    {NAME "s=web; %",                         USED "s= is not for email"                },
	    {NAME "x; %",			     USED "not a list of tags"                 },
 /* several: those that are keys count, in any order */
	    {NAME "v=spf1 -all\n" NAME "%",           "pass"                                    },
	    {NAME "%\n" NAME "v=spf1 -all",           "pass"                                    },
	    {NAME "k=ed25519; p=" ED "\n" NAME "%",   "pass"                                    },
	    {NAME "%\n" NAME "k=ed25519; p=" ED,      "pass"                                    },
	    {NAME "p=\n" NAME "%",                    "pass"                                    },
	    {NAME "t=s; %\n" NAME "%",                "pass"                                    },
	    {NAME "%\n" NAME "t=s; %",                "pass"                                    },
	    {NAME "x\n" NAME "y",
             "permerror of 2 records none is a key for this signature"                          },
	    {NAME "k=ed25519; p=" ED,
             "fail the signature is not of this header"                                         },
	    {NAME "%\n" NAME "n=1; %\n" NAME "n=2; %\n" NAME "n=3; %\n" NAME
		  "n=4; %",              "permerror too many keys at one name"     },
	};
	struct buf header, lines;

	buf_init(&header, 64 * KB);
	buf_init(&lines, 64 * KB);
	sign(p, STR("DKIM-Signature: "), STR(S D "i=@sub.example.org; " H),
	    CANON_RELAXED, STR("from:subject"), STR(HEADER), STR(BODY),
	    &header);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct zone *z;

		buf_clear(&lines);
		buf_add(&lines, STR("\n"));
		for (const char *c = vectors[i].lines; *c != '\0'; c++)
			if (*c == '%')
				buf_add(&lines, buf_str(&p->record));
			else
				buf_add_char(&lines, *c);
		z = zone_of(lines.data);
		CHECK_STR(
		    result(buf_str(&header), STR(BODY), z), vectors[i].want);
		/* a wrong body is told even if nobody answers */
		if (str_starts(str_of(vectors[i].want), STR("temp")))
			CHECK_STR(result(buf_str(&header), STR("x\r\n"), z),
			    "fail the body was changed");
		zone_free(z);
	}
	buf_release(&lines);
	buf_release(&header);
}

/* Fields are counted from the bottom, and those that are not there sign that
 * they are not (RFC 6376 s5.4.2). */
static void
check_fields(const struct pair *p)
{
	static const struct {
		const char *name; /* of the signature */
		const char *above, *header, *want;
	} vectors[] = {
	    {"DKIM-Signature: ",  "",                          "X: 1\r\nX: 2\r\n" HEADER,      "pass"     },
	    {"dkim-SIGNATURE : ", "",                          "X: 1\r\nX: 2\r\n" HEADER,      "pass"     },
 /* X is signed twice: a third on top is not seen */
	    {"DKIM-Signature: ",  "X: 0\r\n",                  "X: 1\r\nX: 2\r\n" HEADER,      "pass"     },
	    {"DKIM-Signature: ",  "X: 0\r\n",                  "X: 2\r\n" HEADER,              "fail"     },
	    {"DKIM-Signature: ",  "X: 0\r\n",                  HEADER,                         "fail"     },
	    {"DKIM-Signature: ",  "Subject: 0\r\n",            HEADER,                         "pass"     },
	    {"DKIM-Signature: ",  "From: eve@example.net\r\n", HEADER,                         "policy"   },
	    {"DKIM-Signature: ",  "Received: x\r\n",           HEADER,                         "pass"     },
 /* its own field is none of those it signs */
	    {"DKIM-Signature: ",  "",                          "DKIM-Signature: x\r\n" HEADER, "pass"     },
	    {"DKIM-Signature: ",  "DKIM-Signature: x\r\n",     HEADER,                         "fail"     },
 /* A103: read in one way only, or not at all */
	    {"DKIM-Signature: ",  "",                          "X: a\r\n \r\n" HEADER,         "permerror"},
	    {"DKIM-Signature: ",  "",                          "X: a\r\n\t \r\n b\r\n" HEADER,
             "permerror"										  },
	    {"DKIM-Signature: ",  " From: x\r\n",              HEADER,                         "permerror"},
	    {"DKIM-Signature: ",  "no colon\r\n",              HEADER,                         "permerror"},
	    {"DKIM-Signature: ",  "",                          "X Y: a\r\n" HEADER,            "permerror"},
	    {"DKIM-Signature: ",  "",                          "X\xff: a\r\n" HEADER,          "permerror"},
	    {"DKIM-Signature: ",  "",                          "X: a\rb\r\n" HEADER,           "permerror"},
	    {"DKIM-Signature: ",  "",                          "X: a\nb\r\n" HEADER,           "permerror"},
	    {"DKIM-Signature: ",  "",                          "X: a\n\nb\r\n" HEADER,         "permerror"},
	    {"DKIM-Signature: ",  "",                          HEADER "\r hack\r\n",           "permerror"},
	};
	struct zone *z = zone_with(
	    p, "sel._domainkey.example.org", "v=DKIM1; ");
	struct buf header, all;

	buf_init(&header, 64 * KB);
	buf_init(&all, 64 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t asked, own;
		struct dkim *d;

		buf_clear(&header);
		buf_clear(&all);
		sign(p, str_of(vectors[i].name),
		    STR("v=1; a=ed25519-sha256; c=simple/simple; " D
			"h=x:from:subject:x:dkim-signature; bh=$;"),
		    CANON_SIMPLE, STR("x:from:subject:x:dkim-signature"),
		    str_of(vectors[i].header), STR(BODY), &header);
		buf_add(&all, str_of(vectors[i].above));
		buf_add(&all, buf_str(&header));
		d = judge(buf_str(&all), STR(BODY), z, &asked);
		own = str_starts(buf_str(&all), STR("DKIM-Signature: x"));
		CHECK_STR(
		    dkim_word(dkim_verdict(d, own)->result), vectors[i].want);
		dkim_free(d);
	}
	buf_release(&all);
	buf_release(&header);
	zone_free(z);
}

/* A120 */
static void
check_partial(const struct pair *p)
{
	struct zone *z = zone_with(
	    p, "sel._domainkey.example.org", "v=DKIM1; ");
	struct buf header;
	struct dkim *d;
	size_t asked;

	buf_init(&header, 64 * KB);
	sign(p, STR("DKIM-Signature: "), STR(S D "l=13; " H), CANON_RELAXED,
	    STR("from:subject"), STR(HEADER), STR(BODY), &header);
	CHECK_STR(result(buf_str(&header), STR(BODY "\r\n \r\n"), z), "pass");
	d = judge(buf_str(&header), STR(BODY "more\r\n"), z, &asked);
	CHECK(dkim_verdict(d, 0)->result == DKIM_POLICY);
	CHECK(dkim_verdict(d, 0)->partial);
	dkim_free(d);
	buf_release(&header);
	zone_free(z);
}

/* A121: eight from the top, all asked at once, before the body if one wants;
 * whatever the pieces of the body. */
static void
check_many(const struct pair *p)
{
	struct buf header, one, tags, lines;
	struct zone *z;

	buf_init(&header, 256 * KB);
	buf_init(&one, 64 * KB);
	buf_init(&tags, 1 * KB);
	buf_init(&lines, 64 * KB);
	buf_add(&lines, STR("\n"));
	for (int i = 0; i < 40; i++) {
		buf_clear(&tags);
		buf_clear(&one);
		buf_addf(&tags, S "d=d%d.example; s=sel; %s " H, i,
		    i % 2 == 0 ? "" : "l=13;");
		sign(p, STR("DKIM-Signature: "), buf_str(&tags), CANON_RELAXED,
		    STR("from:subject"), STR(HEADER), STR(BODY), &one);
		buf_add(&header,
		    str_first(buf_str(&one), one.len - strlen(HEADER)));
		buf_addf(&lines, "sel._domainkey.d%d.example TXT %s\n", i,
		    p->record.data);
	}
	buf_add(&header, STR(HEADER));
	z = zone_of(lines.data);
	for (size_t n = 1; n <= strlen(BODY); n++) {
		struct dkim *d = dkim_new(buf_str(&header), NOW);
		struct facts *f = facts_new();
		struct str body = STR(BODY);

		CHECK(!dkim_check(d, f));
		CHECK(zone_answer(z, f) == DKIM_SIGNATURES_MAX);
		CHECK(!dkim_check(d, f));
		for (; body.len > 0; body = str_after(body, n))
			dkim_body(d, str_first(body, n));
		dkim_body_end(d);
		CHECK(dkim_check(d, f) && dkim_check(d, f));
		CHECK(zone_answer(z, f) == 0);
		CHECK(dkim_count(d) == DKIM_SIGNATURES_MAX);
		CHECK(dkim_signatures(d) == 40);
		for (size_t i = 0; i < dkim_count(d); i++) {
			char want[32];

			snprintf(want, sizeof(want), "d%zu.example", i);
			CHECK_STR(dkim_verdict(d, i)->domain, want);
			CHECK(dkim_verdict(d, i)->result == DKIM_PASS);
		}
		facts_free(f);
		dkim_free(d);
	}
	zone_free(z);
	buf_release(&lines);
	buf_release(&tags);
	buf_release(&one);
	buf_release(&header);
}

/* RFC 8463 sA.2, sA.3: both signatures of its message. */
static void
check_example(void)
{
	static const char zone[] =
	    "\n"
	    "brisbane._domainkey.football.example.com TXT "
	    "v=DKIM1; k=ed25519; p=" ED "\n"
	    "test._domainkey.football.example.com TXT "
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTz"
	    "WRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3"
	    "FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLz"
	    "BfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n";
	static const struct str header = STR(
	    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	    " subject : date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	    " date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	    "From: Joe SixPack <joe@football.example.com>\r\n"
	    "To: Suzie Q <suzie@shopping.example.net>\r\n"
	    "Subject: Is dinner ready?\r\n"
	    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n");
	static const struct str body = STR("Hi.\r\n\r\nWe lost the game.  Are "
					   "you hungry yet?\r\n\r\nJoe.\r\n");
	struct zone *z = zone_of(zone);
	size_t asked;
	struct dkim *d = judge(header, body, z, &asked);

	CHECK(asked == 2 && dkim_count(d) == 2);
	for (size_t i = 0; i < 2; i++) {
		const struct dkim_verdict *v = dkim_verdict(d, i);

		CHECK(v->result == DKIM_PASS);
		CHECK_STR(v->domain, "football.example.com");
		CHECK_STR(v->identity, "@football.example.com");
		CHECK(v->bits == (i == 0 ? 256 : 1024));
	}
	CHECK_STR(dkim_verdict(d, 0)->signature, "/gCrinpc");
	dkim_free(d);
	zone_free(z);
}

static void
check_none(void)
{
	struct zone *z = zone_new();
	size_t asked;
	struct dkim *d = judge(STR(HEADER), STR(BODY), z, &asked);

	CHECK(dkim_count(d) == 0 && dkim_signatures(d) == 0 && asked == 0);
	CHECK_STR(dkim_word(DKIM_NONE), "none");
	dkim_free(d);
	dkim_free(NULL);
	zone_free(z);
}

int
main(void)
{
	struct pair p;

	pair_make(&p);
	check_tags(&p);
	check_names(&p);
	check_international(&p);
	check_keys(&p);
	check_fields(&p);
	check_partial(&p);
	check_many(&p);
	check_example();
	check_none();
	key_private_free(p.key);
	buf_release(&p.record);
	return TEST_EXIT();
}
