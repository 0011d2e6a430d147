/* SPDX-License-Identifier: MIT */
/*
 * What do we find in ARC chains, and how do we seal?  Lines on stdin:
 *
 *	zone LINE                       as zone.h
 *	reset                           forget the zone
 *	check MESSAGE                   -> result sets oldest_pass dmarc_pass
 *why seal D S NOW KEY RESULTS MESSAGE -> the three fields, or "none"
 *
 * MESSAGE, KEY (PKCS#8 DER), RESULTS, and the fields are hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/mime/header.h"
#include "common/policy/arc.h"
#include "common/policy/canon.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"

#define LINE_MAX_BYTES (8 * MB)

static void
unhex(struct str text, struct buf *out)
{
	buf_init(out, LINE_MAX_BYTES);
	if (!enc_hex_decode(text, out)) {
		fprintf(stderr, "not hexadecimal\n");
		exit(2);
	}
}

/* The verdict on it, for as long as a lives. */
static struct arc *
check(const struct zone *z, struct str message)
{
	struct facts *f = facts_new();
	struct str block, body;
	struct arc *a;

	header_split(message, &block, &body);
	a = arc_new(block, 0);
	for (size_t i = 0; i < body.len; i += 7) /* cut anywhere */
		arc_body(a, str_first(str_after(body, i), 7));
	arc_body_end(a);
	while (!arc_check(a, f))
		zone_answer(z, f);
	facts_free(f);
	return a;
}

static void
do_check(const struct zone *z, struct str line)
{
	const struct arc_verdict *v;
	struct buf message;
	struct arc *a;

	unhex(line, &message);
	a = check(z, buf_str(&message));
	v = arc_verdict(a);
	printf("%s %u %u %d %s\n",
	    v->result == ARC_TEMPERROR ? "temperror" : arc_word(v->result),
	    v->sets, v->oldest_pass, v->dmarc_pass, v->why);
	arc_free(a);
	buf_release(&message);
}

static void
sign(const struct key_private *key, const uint8_t digest[KEY_DIGEST_LEN],
    struct buf *out)
{
	struct fail f = {0};

	buf_clear(out);
	if (key_sign(key, digest, out, &f) == -1) {
		fprintf(stderr, "%s\n", f.text);
		exit(2);
	}
}

/* The SHA-256 of the relaxed body. */
static void
hash_body(struct str body, uint8_t out[BODY_HASH_LEN])
{
	struct body_hashes *h = body_hashes_new();
	size_t place = 0;

	body_hashes_want(h, CANON_RELAXED, BODY_HASH_ALL, &place);
	body_hashes_feed(h, body);
	body_hashes_end(h);
	for (size_t i = 0; i < BODY_HASH_LEN; i++)
		out[i] = body_hashes_get(h, place)[i];
	body_hashes_free(h);
}

static void
do_seal(const struct zone *z, struct str line)
{
	struct arc_seal s = {.algorithm = KEY_RSA};
	uint8_t digest[KEY_DIGEST_LEN], body_hash[BODY_HASH_LEN];
	struct buf der, results, message, fields, signature, hex;
	struct key_private *key;
	struct fail f = {0};
	struct str body;
	struct arc *a;
	uint64_t now = 0;

	s.domain = str_cut(&line, ' ');
	s.selector = str_cut(&line, ' ');
	str_to_u64(str_cut(&line, ' '), INT64_MAX, &now);
	s.now_s = (int64_t)now;
	unhex(str_cut(&line, ' '), &der);
	unhex(str_cut(&line, ' '), &results);
	unhex(line, &message);
	if ((key = key_private_read(buf_str(&der), &f)) == NULL) {
		fprintf(stderr, "%s\n", f.text);
		exit(2);
	}
	a = check(z, buf_str(&message));
	s.chain = arc_verdict(a)->result;
	arc_free(a);
	s.results = buf_str(&results);
	header_split(buf_str(&message), &s.block, &body);
	hash_body(body, body_hash);
	s.body_hash = body_hash;
	buf_init(&fields, LINE_MAX_BYTES);
	buf_init(&signature, KEY_SIGNATURE_MAX);
	buf_init(&hex, LINE_MAX_BYTES);
	if (arc_seal_begin(&s, &fields, digest)) {
		sign(key, digest, &signature);
		arc_seal_signed(&s, &fields, buf_str(&signature), digest);
		sign(key, digest, &signature);
		arc_seal_finish(&s, &fields, buf_str(&signature));
		enc_hex(buf_str(&fields), &hex);
		printf("%s\n", hex.data);
	} else {
		printf("none\n");
	}
	buf_release(&hex);
	buf_release(&signature);
	buf_release(&fields);
	key_private_free(key);
	buf_release(&message);
	buf_release(&results);
	buf_release(&der);
}

int
main(void)
{
	struct zone *z = zone_new();
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		struct str rest = str_first(
		    (struct str){line, (size_t)n}, (size_t)n - 1);
		struct str verb = str_cut(&rest, ' ');

		if (str_eq(verb, STR("reset"))) {
			zone_free(z);
			z = zone_new();
		} else if (str_eq(verb, STR("zone")))
			zone_add(z, rest);
		else if (str_eq(verb, STR("check")))
			do_check(z, rest);
		else if (str_eq(verb, STR("seal")))
			do_seal(z, rest);
		else
			exit(2);
		fflush(stdout);
	}
	free(line);
	zone_free(z);
	return 0;
}
