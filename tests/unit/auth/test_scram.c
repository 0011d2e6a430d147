/* SPDX-License-Identifier: MIT */
#include "common/auth/scram.h"

#include "common/util/enc.h"
#include "tests/test.h"

/* RFC 7677 s3 */
#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define CHALLENGE                                                              \
	"r=rOprNGfwEbeRWgbNEkqO" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define WITHOUT_PROOF "c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE
#define PROOF         ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

#define BINDING       STR("0123456789abcdef0123456789ABCDEF") /* some octets */

static struct scram_keys
pencil(void)
{
	struct scram_keys k;
	struct buf salt;

	buf_init(&salt, SCRAM_SALT_LEN + 2);
	enc_base64_decode(STR("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt);
	scram_keys_make(&k, STR("pencil"), (const uint8_t *)salt.data, 4096);
	buf_release(&salt);
	return k;
}

/* The last word of an exchange with the given messages: the server's
 * signature, or "malformed", "wrong"; "first" if it ended there. */
static const char *
outcome(struct str first, enum scram_binding b, struct str last,
    struct str bound, struct buf *out)
{
	struct scram_keys k = pencil();
	struct scram s;
	bool malformed = false;
	struct buf challenge;

	buf_clear(out);
	buf_init(&challenge, SCRAM_MESSAGE_MAX);
	scram_init(&s);
	if (!scram_first(&s, first, b)) {
		buf_add(out, STR("first"));
	} else {
		scram_challenge(&s, &k, STR(NONCE), &challenge);
		if (!scram_final(&s, &k, last, bound, out, &malformed))
			buf_add(
			    out, malformed ? STR("malformed") : STR("wrong"));
	}
	scram_release(&s);
	buf_release(&challenge);
	return out->data;
}

static void
test_rfc7677(void)
{
	struct scram_keys k = pencil();
	struct scram s;
	bool malformed = true;
	struct buf out;

	buf_init(&out, SCRAM_MESSAGE_MAX);
	scram_init(&s);
	CHECK(scram_first(&s, STR(FIRST), SCRAM_NO_BINDING));
	CHECK_STR(s.user.data, "user");
	scram_challenge(&s, &k, STR(NONCE), &out);
	CHECK_STR(out.data, CHALLENGE);
	buf_clear(&out);
	CHECK(scram_final(
	    &s, &k, STR(WITHOUT_PROOF PROOF), STR(""), &out, &malformed));
	CHECK(!malformed);
	CHECK_STR(out.data, SIGNATURE);
	scram_release(&s);
	scram_release(&s); /* as after init */
	buf_release(&out);
}

/* RFC 5802 s7, A087: what the client's first message may be. */
static void
test_first(void)
{
	static const struct {
		struct str message;
		enum scram_binding b;
		const char *user; /* NULL: refused */
	} cases[] = {
#define NO   SCRAM_NO_BINDING
#define MAY  SCRAM_BINDING_OFFERED
#define USED SCRAM_BINDING_USED
	    {STR("n,,n=user,r=abc"),              NO,   "user"         },
	    {STR("y,,n=user,r=abc"),              NO,   "user"         },
	    {STR("n,,n=user,r=abc"),              MAY,  "user"         },
	    {STR("n,a=user,n=user,r=abc"),        NO,   "user"         },
	    {STR("n,,n=a=2Cb=3Dc,r=abc"),         NO,   "a,b=c"        },
	    {STR("n,,n=J\xc3\xbcrgen,r=abc"),     NO,   "J\xc3\xbcrgen"},
	    {STR("n,,n=user,r=abc,x=1,Y=2=3"),    NO,   "user"         },
	    {STR("p=tls-exporter,,n=user,r=abc"), USED, "user"         },
 /* nobody: it goes on, and fails like any unknown name */
	    {STR("n,a=other,n=user,r=abc"),       NO,   ""             },
	    {STR("n,,n=us\ter,r=abc"),            NO,   ""             },
	    {STR("n,,n=us\x7f"
		 "er,r=abc"),
					   NO,					""             },
 /* the flag (RFC 5802 s6) */
	    {STR("y,,n=user,r=abc"),              MAY,  NULL           },
	    {STR("p=tls-exporter,,n=user,r=abc"), NO,   NULL           },
	    {STR("p=tls-exporter,,n=user,r=abc"), MAY,  NULL           },
	    {STR("n,,n=user,r=abc"),              USED, NULL           },
	    {STR("y,,n=user,r=abc"),              USED, NULL           },
	    {STR("p=tls-unique,,n=user,r=abc"),   USED, NULL           },
	    {STR("p=TLS-EXPORTER,,n=user,r=abc"), USED, NULL           },
	    {STR("p=,,n=user,r=abc"),             USED, NULL           },
	    {STR("p,,n=user,r=abc"),              USED, NULL           },
	    {STR("N,,n=user,r=abc"),              NO,   NULL           },
	    {STR("nn,,n=user,r=abc"),             NO,   NULL           },
	    {STR(",,n=user,r=abc"),               NO,   NULL           },
 /* the rest */
	    {STR(""),			     NO,   NULL           },
	    {STR("n"),			    NO,   NULL           },
	    {STR("n,"),			   NO,   NULL           },
	    {STR("n,,"),			  NO,   NULL           },
	    {STR("n,,n=alice"),                   NO,   NULL           },
	    {STR("n,,r=x"),                       NO,   NULL           },
	    {STR("n,,r=x,n=user"),                NO,   NULL           },
	    {STR("n,,n=,r=x"),                    NO,   NULL           },
	    {STR("n,,n=user,r="),                 NO,   NULL           },
	    {STR("n,,n=user,r=a b"),              NO,   NULL           },
	    {STR("n,,n=user,r=a\x80"),            NO,   NULL           },
	    {STR("n,,n=user,r=abc,"),             NO,   NULL           },
	    {STR("n,,n=user,r=abc,,x=1"),         NO,   NULL           },
	    {STR("n,,n=user,r=abc,x"),            NO,   NULL           },
	    {STR("n,,n=user,r=abc,x="),           NO,   NULL           },
	    {STR("n,,n=user,r=abc,1=1"),          NO,   NULL           },
	    {STR("n,,n=user,r=abc,m=1"),          NO,   NULL           },
	    {STR("n,,m=1,n=user,r=abc"),          NO,   NULL           },
	    {STR("n,,n=user,r=abc,n=other"),      NO,   NULL           },
	    {STR("n,b=user,n=user,r=abc"),        NO,   NULL           },
	    {STR("n,a=,n=user,r=abc"),            NO,   NULL           },
	    {STR("n,a=us=er,n=user,r=abc"),       NO,   NULL           },
	    {STR("n,,n=a=XX,r=abc"),              NO,   NULL           },
	    {STR("n,,n=a=2c,r=abc"),              NO,   NULL           },
	    {STR("n,,n=a=,r=abc"),                NO,   NULL           },
	    {STR("n,,n=a\0b,r=abc"),              NO,   NULL           },
	    {STR("n,,n=a\xff,r=abc"),             NO,   NULL           },
	    {STR("n,,n=user,r=abc,x=\xff"),       NO,   NULL           },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scram s;
		bool good;

		scram_init(&s);
		good = scram_first(&s, cases[i].message, cases[i].b);
		if (good != (cases[i].user != NULL))
			fprintf(
			    stderr, "case %zu: %s\n", i, cases[i].message.at);
		CHECK(good == (cases[i].user != NULL));
		if (good)
			CHECK(str_eq(buf_str(&s.user), str_of(cases[i].user)));
		scram_release(&s);
	}
}

static void
test_lengths(void)
{
	struct buf message;
	struct scram s;

	buf_init(&message, 2 * SCRAM_MESSAGE_MAX);
	for (size_t n = SCRAM_NONCE_MAX; n <= SCRAM_NONCE_MAX + 1; n++) {
		buf_clear(&message);
		buf_add(&message, STR("n,,n=user,r="));
		for (size_t i = 0; i < n; i++)
			buf_add_char(&message, 'r');
		scram_init(&s);
		CHECK(scram_first(&s, buf_str(&message), SCRAM_NO_BINDING) ==
		      (n <= SCRAM_NONCE_MAX));
		scram_release(&s);
	}
	/* a name nobody can have, and a message that is too long */
	for (size_t n = 255; n < 5000; n += n == 255 ? 1 : 4000) {
		buf_clear(&message);
		buf_add(&message, STR("n,,n="));
		for (size_t i = 0; i < n; i++)
			buf_add_char(&message, 'n');
		buf_add(&message, STR(",r=abc"));
		scram_init(&s);
		CHECK(scram_first(&s, buf_str(&message), SCRAM_NO_BINDING) ==
		      (n < 4000));
		CHECK(s.user.len == (n == 255 ? 255 : 0));
		scram_release(&s);
	}
	buf_release(&message);
}

/* A087, A088: the client's last. */
static void
test_final(void)
{
	static const struct {
		struct str message;
		const char *want;
	} cases[] = {
	    {STR(WITHOUT_PROOF PROOF),					      SIGNATURE  },
	    {STR(WITHOUT_PROOF
		 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR="),
             "malformed"								       },
	    {STR(WITHOUT_PROOF
		 ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
             "wrong"									   },
	    {STR(WITHOUT_PROOF),						    "malformed"},
	    {STR(WITHOUT_PROOF ",p"),					       "malformed"},
	    {STR(WITHOUT_PROOF ",p="),					      "malformed"},
	    {STR(WITHOUT_PROOF ",p.a"),					     "malformed"},
	    {STR(WITHOUT_PROOF ",p=dHzbZapW"),                                      "malformed"},
	    {STR(WITHOUT_PROOF
		 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"),
             "malformed"								       },
	    {STR(WITHOUT_PROOF
		 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgs\nqmmiz7AndVQ="),
             "malformed"								       },
	    {STR(WITHOUT_PROOF PROOF ","),                                          "malformed"},
	    {STR(WITHOUT_PROOF "," PROOF),                                          "malformed"},
	    {STR(WITHOUT_PROOF PROOF PROOF),                                        "malformed"},
	    {STR(WITHOUT_PROOF ",m=1" PROOF),                                       "malformed"},
	    {STR(WITHOUT_PROOF ",c=biws" PROOF),                                    "malformed"},
 /* an extension is hashed too, so with it the proof is another's */
	    {STR(WITHOUT_PROOF ",x=1" PROOF),                                       "wrong"    },
	    {STR("r=rOprNGfwEbeRWgbNEkqO" NONCE PROOF),                             "malformed"},
	    {STR("r=rOprNGfwEbeRWgbNEkqO" NONCE ",c=biws" PROOF),                   "malformed"},
	    {STR("c=biws" PROOF),						   "malformed"},
	    {STR("c=biws,r=" PROOF),						"malformed"},
	    {STR("c=biws,r=rOprNGfwEbeRWgbNEkqO" PROOF),                            "wrong"    },
	    {STR("c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE "x" PROOF),                  "wrong"    },
	    {STR("c=,r=rOprNGfwEbeRWgbNEkqO" NONCE PROOF),                          "wrong"    },
	    {STR("c=eSws,r=rOprNGfwEbeRWgbNEkqO" NONCE PROOF),                      "wrong"    },
	    {STR("p="),							     "malformed"},
	    {STR("p"),							      "malformed"},
	    {STR(""),							       "malformed"},
	    {STR(","),							      "malformed"},
	};
	struct buf out;

	buf_init(&out, SCRAM_MESSAGE_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_STR(outcome(STR(FIRST), SCRAM_NO_BINDING,
			      cases[i].message, STR(""), &out),
		    cases[i].want);
	/* what has no binding must not be bound */
	CHECK_STR(outcome(STR(FIRST), SCRAM_NO_BINDING,
		      STR(WITHOUT_PROOF PROOF), BINDING, &out),
	    "wrong");
	buf_release(&out);
}

/* Whole exchanges, the client's messages made by another implementation
 * (Python's hmac and hashlib). */
static void
test_binding(void)
{
	static const struct {
		struct str first;
		enum scram_binding b;
		struct str last, bound;
		const char *want;
	} cases[] = {
	    {STR("n,,n=user,r=abc"),              SCRAM_NO_BINDING,
             STR("c=biws,r=abc" NONCE
		    ",p=C8oSETRS5G7mew5aPpmpg49mnnur0+yPohjNCgns1P8="),
             STR(""), "v=eao6uOF3Y4hCLgyJodL1fqSyy5gw7WgGnh8UxWJMmGM="},
	    {STR("y,,n=user,r=abc"),              SCRAM_NO_BINDING,
             STR("c=eSws,r=abc" NONCE
		    ",p=4JuY2XCBNdxf2e9WgYwCmfG0REiLTbMuhpPB51U/DNk="),
             STR(""), "v=OT4yM/fhongPdvWuhZukl/WX8xhXd0mkjWbaEyecHWQ="},
	    {STR("n,,n=user,r=abc"),              SCRAM_BINDING_OFFERED,
             STR("c=biws,r=abc" NONCE
		    ",p=C8oSETRS5G7mew5aPpmpg49mnnur0+yPohjNCgns1P8="),
             STR(""), "v=eao6uOF3Y4hCLgyJodL1fqSyy5gw7WgGnh8UxWJMmGM="},
	    {STR("n,a=user,n=user,r=abc"),        SCRAM_NO_BINDING,
             STR("c=bixhPXVzZXIs,r=abc" NONCE
		    ",p=DEcSh0Xbmn2L4rueq0q6T6DGPRshXkdKn5jy2WtHySk="),
             STR(""), "v=uAF2QtZDv1xCE7gC0PJi3aKP58v+oOYX5esuhOMV7gE="},
	    {STR("n,,n=user,r=abc"),              SCRAM_NO_BINDING,
             STR("c=biws,r=abc" NONCE
		    ",x=1,p=niKq+cFG6TYbcLYpWiLN+k8U1d3SOrrEYR9YUpgMmnE="),
             STR(""), "v=FTako3HM3xpJWaPW+Uetj0sll5lB0IOdJl3r07krFE0="},
	    {STR("n,,n=user,r=abc"),              SCRAM_NO_BINDING,
             STR("c=biws,r=abc" NONCE
		    ",p=Q1XYz7D6a7nXSXvqDkOXO7IAYkbn+TueHeRDnkv+OCk="),
             STR(""), "wrong"					 },
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c="
		    "cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5QU"
		    "JDREVG,r=abc" NONCE
		    ",p=I42pB908fqkQg+0ozZzCyXa8JNDVCMW61kLy/H6eWxI="),
             BINDING, "v=m1tcaHT6zC7uJY4TUFZ32h9Sd4w/W3Ex85t/PZziUik="},
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c="
		    "cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5QU"
		    "JDREVG,r=abc" NONCE
		    ",p=Ngbrn5S1zG5CQ6WdATN84iUql9j6IHOOt9Ja2gng9tA="),
             BINDING, "wrong"					 },
 /* of another connection, cut, none, or where there can be none */
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c="
		    "cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5QU"
		    "JDREVH,r=abc" NONCE
		    ",p=2shPFW0v8oYEVTCnva7zHq4sqIdHsX6Api8NoQBsP+c="),
             BINDING, "wrong"					 },
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c="
		    "cD10bHMtZXhwb3J0ZXIsLDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5QU"
		    "JDREU=,r=abc" NONCE
		    ",p=FytrLDosA6bfIU37CaFaEA+V2whcAobNG/YdZC82pTg="),
             BINDING, "wrong"					 },
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c=cD10bHMtZXhwb3J0ZXIsLA==,r=abc" NONCE
		    ",p=b1JiEBaNnmIhkJ/rpUzo0an5gHKDe7c8Nyrun1Bps2I="),
             BINDING, "wrong"					 },
	    {STR("p=tls-exporter,,n=user,r=abc"), SCRAM_BINDING_USED,
             STR("c=cD10bHMtZXhwb3J0ZXIsLA==,r=abc" NONCE
		    ",p=b1JiEBaNnmIhkJ/rpUzo0an5gHKDe7c8Nyrun1Bps2I="),
             STR(""), "wrong"					 },
	    {STR("n,,n=user,r=abc"),              SCRAM_NO_BINDING,
             STR("c=biwsMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=,r="
		    "abc" NONCE
		    ",p=ec4YxWzxStKbDB8XJ/UdC4a1XRF85EpGBpFc9iP9n9o="),
             STR(""), "wrong"					 },
	};
	struct buf out;

	buf_init(&out, SCRAM_MESSAGE_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_STR(outcome(cases[i].first, cases[i].b, cases[i].last,
			      cases[i].bound, &out),
		    cases[i].want);
	buf_release(&out);
}

static void
test_fake(void)
{
	static const uint8_t one[SCRAM_KEY_LEN] = {1}, two[SCRAM_KEY_LEN] = {2};
	struct scram_keys a, b;

	scram_keys_fake(&a, STR("nobody@d.test"), one);
	scram_keys_fake(&b, STR("nobody@d.test"), one);
	CHECK(memcmp(a.salt, b.salt, sizeof(a.salt)) == 0);
	CHECK(memcmp(a.stored, b.stored, sizeof(a.stored)) == 0);
	CHECK(a.iterations == SCRAM_ITERATIONS);
	CHECK(memcmp(a.stored, a.server, sizeof(a.stored)) != 0);
	scram_keys_fake(&b, STR("nobody2@d.test"), one);
	CHECK(memcmp(a.salt, b.salt, sizeof(a.salt)) != 0);
	scram_keys_fake(&b, STR("nobody@d.test"), two);
	CHECK(memcmp(a.salt, b.salt, sizeof(a.salt)) != 0);
	scram_keys_fake(&b, STR(""), one);
	CHECK(b.iterations == SCRAM_ITERATIONS);
}

int
main(void)
{
	test_rfc7677();
	test_first();
	test_lengths();
	test_final();
	test_binding();
	test_fake();
	return TEST_EXIT();
}
