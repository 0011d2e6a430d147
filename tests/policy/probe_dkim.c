/* SPDX-License-Identifier: MIT */
/*
 * probe_dkim: commands on standard input, one a line, answers on standard
 * output.
 *
 *	zone LINE                  add to the DNS (zone.h)
 *	forget                     the DNS is empty again
 *	now SECONDS                what time it is
 *	piece N                    bodies are fed in pieces of N octets
 *	verify FILE                "dkim N of ALL", then a line for each of N:
 *	                           result, domain, selector, identity,
 *algorithm, whole or partial, bits, b=, why; tabs between key rsa|ed25519 make
 *the key to sign with: "key SECRET RECORD", the first one hexadecimal secret
 *HEX                 the key to sign with sign FILE DOMAIN SELECTOR  "field
 *HEX"
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mime/header.h"
#include "common/policy/canon.h"
#include "common/policy/dkim.h"
#include "common/policy/dkim_sign.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"

struct probe {
	struct zone *zone;
	int64_t now_s;
	size_t piece;
	struct key_private *key;
};

static void
die(const char *what, struct str line)
{
	fprintf(stderr, "probe_dkim: %s: %.*s\n", what, STR_FMT(line));
	exit(2);
}

static void
read_file(struct str path, struct buf *out)
{
	char *name = mem_dup(path), *room;
	FILE *file = fopen(name, "rb");
	size_t n;

	if (file == NULL)
		die("cannot read", path);
	while ((room = buf_reserve(out, 16 * KB)) != NULL &&
	       (n = fread(room, 1, 16 * KB, file)) > 0)
		buf_added(out, n);
	fclose(file);
	free(name);
}

static const char *
or_dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

static void
print(const struct dkim *d)
{
	printf("dkim %zu of %zu\n", dkim_count(d), dkim_signatures(d));
	for (size_t i = 0; i < dkim_count(d); i++) {
		const struct dkim_verdict *v = dkim_verdict(d, i);

		printf("%s\t%s\t%s\t%s\t%s\t%s\t%u\t%s\t%s\n",
		    dkim_word(v->result), or_dash(v->domain),
		    or_dash(v->selector), or_dash(v->identity),
		    or_dash(v->algorithm), v->partial ? "partial" : "whole",
		    v->bits, or_dash(v->signature), or_dash(v->why));
	}
}

static void
verify(const struct probe *p, struct str path)
{
	struct facts *facts = facts_new();
	struct buf message;
	struct str block, body;
	struct dkim *d;

	buf_init(&message, 64 * MB);
	read_file(path, &message);
	header_split(buf_str(&message), &block, &body);
	d = dkim_new(block, p->now_s);
	for (; body.len > 0; body = str_after(body, p->piece))
		dkim_body(d, str_first(body, p->piece));
	dkim_body_end(d);
	while (!dkim_check(d, facts))
		if (zone_answer(p->zone, facts) == 0)
			die("it waits for nothing", path);
	print(d);
	dkim_free(d);
	facts_free(facts);
	buf_release(&message);
}

static void
use_key(struct probe *p, struct str secret)
{
	struct fail f = {0};

	key_private_free(p->key);
	p->key = key_private_read(secret, &f);
	if (p->key == NULL)
		die(f.text, STR(""));
}

static void
make_key(struct probe *p, struct str kind)
{
	struct buf secret, record, hex;
	struct fail f = {0};

	buf_init(&secret, 8 * KB);
	buf_init(&record, 8 * KB);
	buf_init(&hex, 16 * KB);
	if (key_make(str_eq(kind, STR("rsa")) ? KEY_RSA : KEY_ED25519, &secret,
		&record, &f) == -1)
		die(f.text, kind);
	use_key(p, buf_str(&secret));
	enc_hex(buf_str(&secret), &hex);
	printf("key %s %s\n", hex.data, record.data);
	buf_release(&hex);
	buf_release(&record);
	buf_release(&secret);
}

static void
read_secret(struct probe *p, struct str hex)
{
	struct buf secret;

	buf_init(&secret, 16 * KB);
	if (!enc_hex_decode(hex, &secret))
		die("no secret", hex);
	use_key(p, buf_str(&secret));
	buf_release(&secret);
}

static void
sign(const struct probe *p, struct str args)
{
	struct str path = str_cut(&args, ' '), domain = str_cut(&args, ' ');
	struct body_hashes *hashes = body_hashes_new();
	struct buf message, field, signature, hex;
	uint8_t digest[KEY_DIGEST_LEN];
	struct str block, body;
	struct fail f = {0};
	size_t place;

	buf_init(&message, 64 * MB);
	buf_init(&field, 64 * KB);
	buf_init(&signature, KEY_SIGNATURE_MAX);
	buf_init(&hex, 128 * KB);
	read_file(path, &message);
	header_split(buf_str(&message), &block, &body);
	body_hashes_want(hashes, CANON_RELAXED, BODY_HASH_ALL, &place);
	body_hashes_feed(hashes, body);
	body_hashes_end(hashes);
	dkim_sign_digest(
	    &(struct dkim_sign){domain, args, key_private_algorithm(p->key),
		p->now_s, block, body_hashes_get(hashes, place)},
	    &field, digest);
	if (key_sign(p->key, digest, &signature, &f) == -1)
		die(f.text, path);
	dkim_sign_finish(&field, buf_str(&signature));
	enc_hex(buf_str(&field), &hex);
	printf("field %s\n", hex.data);
	body_hashes_free(hashes);
	buf_release(&hex);
	buf_release(&signature);
	buf_release(&field);
	buf_release(&message);
}

static void
obey(struct probe *p, struct str line)
{
	struct str rest = line, verb = str_cut(&rest, ' ');
	uint64_t n = 0;

	if (str_eq(verb, STR("zone"))) {
		if (!zone_add(p->zone, rest))
			die("no line of a zone", rest);
	} else if (str_eq(verb, STR("forget"))) {
		zone_free(p->zone);
		p->zone = zone_new();
	} else if (str_eq(verb, STR("now")) && str_to_u64(rest, INT64_MAX, &n))
		p->now_s = (int64_t)n;
	else if (str_eq(verb, STR("piece")) && str_to_u64(rest, SIZE_MAX, &n) &&
		 n > 0)
		p->piece = n;
	else if (str_eq(verb, STR("verify")))
		verify(p, rest);
	else if (str_eq(verb, STR("key")))
		make_key(p, rest);
	else if (str_eq(verb, STR("secret")))
		read_secret(p, rest);
	else if (str_eq(verb, STR("sign")) && p->key != NULL)
		sign(p, rest);
	else
		die("no command", line);
}

int
main(void)
{
	struct probe p = {zone_new(), 0, SIZE_MAX, NULL};
	size_t room = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		obey(&p, (struct str){line, (size_t)n});
		fflush(stdout);
	}
	free(line);
	key_private_free(p.key);
	zone_free(p.zone);
	return 0;
}
