/* SPDX-License-Identifier: MIT */
#include "common/policy/key.h"

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define ED "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" /* RFC 8463 sA.2 */

static enum key_record
parse(struct str record, struct key_facts *facts)
{
	struct key_public *key;
	enum key_record r = key_record_parse(record, facts, &key);

	CHECK((r == KEY_RECORD_OK) == (key != NULL));
	CHECK((r == KEY_RECORD_BAD) == (facts->why[0] != '\0'));
	key_public_free(key);
	return r;
}

static void
check_records(void)
{
	static const struct {
		struct str record;
		enum key_record want;
		bool testing, strict;
	} vectors[] = {
	    {STR("v=DKIM1; k=ed25519; p=" ED),                                 KEY_RECORD_OK,      0, 0},
	    {STR("k=ed25519;p=" ED ";"),                                       KEY_RECORD_OK,      0, 0},
	    {STR(" v = DKIM1 ; k = ed25519 ; p = " ED " "),                    KEY_RECORD_OK,      0,
             0											 },
	    {STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg\r\n 7hcvPapi "
		 "Mlrw\tIaaPcHURo="),
             KEY_RECORD_OK,									0, 0},
 /* RFC 6376 s2.10 has "=" optional */
	    {STR("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
             KEY_RECORD_OK,									0, 0},
	    {STR("v=DKIM1; k=ed25519; t=y; p=" ED),                            KEY_RECORD_OK,      1, 0},
	    {STR("v=DKIM1; k=ed25519; t=s; p=" ED),                            KEY_RECORD_OK,      0, 1},
	    {STR("v=DKIM1; k=ed25519; t=x : s:y; p=" ED),                      KEY_RECORD_OK,      1, 1},
	    {STR("v=DKIM1; k=ed25519; t=Y:S; p=" ED),                          KEY_RECORD_OK,      0, 0},
	    {STR("v=DKIM1; k=ed25519; h=sha1:sha256; p=" ED),                  KEY_RECORD_OK,      0,
             0											 },
	    {STR("v=DKIM1; k=ed25519; s=*; p=" ED),                            KEY_RECORD_OK,      0, 0},
	    {STR("v=DKIM1; k=ed25519; s=web : email; p=" ED),                  KEY_RECORD_OK,      0,
             0											 },
	    {STR("v=DKIM1; k=ed25519; g=jl*; n=a note; x_1=; p=" ED),
             KEY_RECORD_OK,									0, 0},
	    {STR("v=DKIM1; p="),					       KEY_RECORD_REVOKED, 0, 0},
	    {STR("v=DKIM1; k=rsa; p= ;"),                                      KEY_RECORD_REVOKED, 0, 0},
	    {STR(""),							  KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1"),						   KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519"),					KEY_RECORD_BAD,     0, 0},
	    {STR("k=ed25519; v=DKIM1; p=" ED),                                 KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM2; k=ed25519; p=" ED),                                 KEY_RECORD_BAD,     0, 0},
	    {STR("v=dkim1; k=ed25519; p=" ED),                                 KEY_RECORD_BAD,     0, 0},
	    {STR("v=spf1 -all"),					       KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=unknown; p=" ED),                                 KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519-sha256; p=" ED),                          KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=rsa; p=" ED),                                     KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; p=" ED),					    KEY_RECORD_BAD,     0, 0}, /* rsa is default */
	    {STR("v=DKIM1; k=ed25519; h=sha1; p=" ED),                         KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519; h=; p=" ED),                             KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519; s=tlsrpt; p=" ED),                       KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519; p=" ED "; p=" ED),                       KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519; p=?!"),                                  KEY_RECORD_BAD,     0, 0},
	    {STR("v=DKIM1; k=ed25519; p=A==="),                                KEY_RECORD_BAD,     0, 0},
 /* 31 and 33 octets; wrapped as X.509 does it (RFC 8463 s4) */
	    {STR("k=ed25519; p=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
             KEY_RECORD_BAD,								       0, 0},
	    {STR("k=ed25519; p=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"),
             KEY_RECORD_BAD,								       0, 0},
	    {STR("k=ed25519; "
		 "p=MCowBQYDK2VwAyEA3SUqa9UbfciWkk7tlcJ9P1VD5pXAasg0JUn/"
		 "OgjVbKE="),
             KEY_RECORD_BAD,								       0, 0},
	};
	struct key_facts facts;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		enum key_record got = parse(vectors[i].record, &facts);

		if (got != vectors[i].want)
			fprintf(stderr, "%.*s: %s\n",
			    STR_FMT(vectors[i].record), facts.why);
		CHECK(got == vectors[i].want);
		if (got != KEY_RECORD_OK)
			continue;
		CHECK(facts.testing == vectors[i].testing);
		CHECK(facts.strict == vectors[i].strict);
		CHECK(facts.algorithm == KEY_ED25519 && facts.bits == 256);
	}
}

/* ---- RSA keys of any shape ---- */

static void
der(uint8_t tag, struct str contents, struct buf *out)
{
	buf_add_char(out, (char)tag);
	if (contents.len >= 256) {
		buf_add(out, STR("\x82"));
		buf_add_char(out, (char)(contents.len >> 8));
	} else if (contents.len >= 128)
		buf_add(out, STR("\x81"));
	buf_add_char(out, (char)contents.len);
	buf_add(out, contents);
}

/* 2^bits - 1, or less one. */
static void
number(unsigned bits, bool odd, struct buf *out)
{
	struct buf raw;

	buf_init(&raw, 16 * KB);
	buf_add_char(&raw, (char)(bits % 8 > 0 ? (1 << bits % 8) - 1 : 0));
	for (unsigned i = 0; i < bits / 8; i++)
		buf_add_char(&raw, '\xff');
	if (!odd)
		raw.data[raw.len - 1] &= '\xfe';
	der(0x02, buf_str(&raw), out);
	buf_release(&raw);
}

/* An RSAPublicKey, bare or in a SubjectPublicKeyInfo. */
static void
rsa_key(unsigned bits, bool odd, struct str e, bool bare, struct buf *out)
{
	static const struct str algorithm = STR(
	    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
	struct buf numbers, key, info;

	buf_init(&numbers, 32 * KB);
	buf_init(&key, 32 * KB);
	buf_init(&info, 32 * KB);
	number(bits, odd, &numbers);
	der(0x02, e, &numbers);
	if (bare)
		der(0x30, buf_str(&numbers), out);
	else {
		buf_add_char(&key, '\0');
		der(0x30, buf_str(&numbers), &key);
		buf_add(&info, algorithm);
		der(0x03, buf_str(&key), &info);
		der(0x30, buf_str(&info), out);
	}
	buf_release(&info);
	buf_release(&key);
	buf_release(&numbers);
}

static enum key_record
parse_der(struct str bytes, struct key_facts *facts)
{
	struct buf record;
	enum key_record r;

	buf_init(&record, 64 * KB);
	buf_add(&record, STR("v=DKIM1; k=rsa; p="));
	enc_base64(bytes, &record);
	r = parse(buf_str(&record), facts);
	buf_release(&record);
	return r;
}

static void
check_rsa_keys(void)
{
	static const struct {
		unsigned bits;
		bool odd;
		struct str e;
		bool ok;
	} vectors[] = {
	    {512,   true,  STR("\1\0\1"),                             false},
	    {768,   true,  STR("\1\0\1"),                             false},
	    {1023,  true,  STR("\1\0\1"),                             false},
	    {1024,  true,  STR("\1\0\1"),                             true },
	    {1025,  true,  STR("\1\0\1"),                             true },
	    {2048,  true,  STR("\3"),                                 true },
	    {2048,  true,  STR("\0\1\0\1"),                           true },
	    {2048,  false, STR("\1\0\1"),                             false},
	    {4096,  true,  STR("\1\0\1"),                             true },
	    {8192,  true,  STR("\1\0\1"),                             true },
	    {8193,  true,  STR("\1\0\1"),                             false},
	    {16384, true,  STR("\1\0\1"),                             false},
	    {2048,  true,  STR("\1"),                                 false},
	    {2048,  true,  STR("\0"),                                 false},
	    {2048,  true,  STR(""),				   false},
	    {2048,  true,  STR("\2"),                                 false},
	    {2048,  true,  STR("\1\0\2"),                             false},
	    {2048,  true,  STR("\x83"),                               false},
	    {2048,  true,  STR("\1\0\0\0\0\0\0\0\0"),                 false},
	    {2048,  true,  STR("\1\0\0\0\0\0\0\0\1"),                 false},
	    {2048,  true,  STR("\0\xff\xff\xff\xff\xff\xff\xff\xff"), true },
	};
	struct key_facts facts;
	struct buf key;

	buf_init(&key, 64 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (int bare = 0; bare < 2; bare++) {
			enum key_record want = vectors[i].ok ? KEY_RECORD_OK
			                                     : KEY_RECORD_BAD;

			buf_clear(&key);
			rsa_key(vectors[i].bits, vectors[i].odd, vectors[i].e,
			    bare == 1, &key);
			CHECK(parse_der(buf_str(&key), &facts) == want);
			CHECK(!vectors[i].ok || facts.bits == vectors[i].bits);
		}
	buf_release(&key);
}

/* No octet may miss, be too many, or say another length. */
static void
check_rsa_damage(void)
{
	struct key_facts facts;
	struct buf key;

	buf_init(&key, 4 * KB);
	for (int bare = 0; bare < 2; bare++) {
		buf_clear(&key);
		rsa_key(1024, true, STR("\1\0\1"), bare == 1, &key);
		for (size_t n = 1; n < key.len; n++)
			CHECK(parse_der(str_first(buf_str(&key), n), &facts) ==
			      KEY_RECORD_BAD);
		for (size_t i = 0; i < 40 && i < key.len; i++)
			for (int bit = 0; bit < 8; bit++) {
				key.data[i] ^= (char)(1 << bit);
				parse_der(buf_str(&key), &facts);
				key.data[i] ^= (char)(1 << bit);
			}
		buf_add_char(&key, 'x');
		CHECK(parse_der(buf_str(&key), &facts) == KEY_RECORD_BAD);
	}
	buf_release(&key);
}

static void
check_long_record(void)
{
	struct key_facts facts;
	struct buf record;

	buf_init(&record, 128 * KB);
	buf_add(&record, STR("v=DKIM1; k=ed25519; p=" ED "; n="));
	while (record.len < 64 * KB)
		buf_add_char(&record, 'x');
	CHECK(parse(buf_str(&record), &facts) == KEY_RECORD_BAD);
	buf_release(&record);
}

/* ---- our own ---- */

static void
check_pair(enum key_algorithm a)
{
	uint8_t digest[KEY_DIGEST_LEN], other[KEY_DIGEST_LEN];
	struct buf secret, record, signature;
	struct key_private *mine;
	struct key_public *its;
	struct key_facts facts;
	struct fail f = {0};

	buf_init(&secret, 4 * KB);
	buf_init(&record, 4 * KB);
	buf_init(&signature, KEY_SIGNATURE_MAX);
	CHECK(key_make(a, &secret, &record, &f) == 0);
	CHECK(str_starts(buf_str(&record), STR("v=DKIM1; k=")));
	CHECK(
	    key_record_parse(buf_str(&record), &facts, &its) == KEY_RECORD_OK);
	CHECK(facts.algorithm == a);
	CHECK(facts.bits == (a == KEY_RSA ? 2048 : 256));
	mine = key_private_read(buf_str(&secret), &f);
	CHECK(mine != NULL && key_private_algorithm(mine) == a);
	key_sha256(STR("a"), digest);
	key_sha256(STR("b"), other);
	CHECK(key_sign(mine, digest, &signature, &f) == 0);
	CHECK(signature.len == (a == KEY_RSA ? 256 : 64));
	CHECK(key_verify(its, digest, buf_str(&signature)));
	CHECK(!key_verify(its, other, buf_str(&signature)));
	CHECK(!key_verify(its, digest, STR("")));
	for (size_t n = 0; n < signature.len; n += 9) {
		CHECK(!key_verify(
		    its, digest, str_first(buf_str(&signature), n)));
		signature.data[n] ^= 1;
		CHECK(!key_verify(its, digest, buf_str(&signature)));
		signature.data[n] ^= 1;
	}
	for (size_t n = 0; n < secret.len; n += 5)
		CHECK(key_private_read(str_first(buf_str(&secret), n), &f) ==
		      NULL);
	buf_add_char(&secret, '\0');
	CHECK(key_private_read(buf_str(&secret), &f) == NULL);
	CHECK(f.kind == FAIL_PERM);
	key_private_free(mine);
	key_public_free(its);
	buf_release(&signature);
	buf_release(&record);
	buf_release(&secret);
}

static void
check_base64(void)
{
	struct buf out;

	buf_init(&out, 16);
	CHECK(key_base64(STR("Zm9v\r\n YmFy"), &out));
	CHECK(str_eq(buf_str(&out), STR("foobar")));
	CHECK(key_base64(STR("Zg"), &out) && key_base64(STR("Z g = ="), &out));
	CHECK(str_eq(buf_str(&out), STR("foobarff")));
	CHECK(!key_base64(STR("Z"), &out));
	CHECK(!key_base64(STR("Zm9v*"), &out));
	CHECK(out.len == 8);
	CHECK(!key_base64(STR("Zm9vZm9vZm9v"), &out)); /* no room */
	buf_release(&out);
}

int
main(void)
{
	check_records();
	check_rsa_keys();
	check_rsa_damage();
	check_long_record();
	check_pair(KEY_RSA);
	check_pair(KEY_ED25519);
	check_base64();
	key_private_free(NULL);
	key_public_free(NULL);
	return TEST_EXIT();
}
