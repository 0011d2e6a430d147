/* SPDX-License-Identifier: MIT */
/*
 * structure_dump: what our parser says of messages, for structure.py.
 *
 * stdin: for each message its octets' number, '\n', the octets.  stdout: for
 * each "name n\n", n octets and '\n' for every string, a line "part SECTION
 * KIND HEADER_AT HEADER_LEN BODY_AT BODY_LEN DECODED LINES" for every section
 * a client can name, and "end\n".
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/mime/parts.h"
#include "common/mime/structure.h"

#define NUMBERS_MAX 200
#define PIECE       4096

static void
say(const char *name, struct str s)
{
	printf("%s %zu\n", name, s.len);
	if (s.len > 0)
		fwrite(s.at, 1, s.len, stdout);
	putchar('\n');
}

static void
say_part(const uint32_t *numbers, size_t n, const struct part *p)
{
	printf("part ");
	for (size_t i = 0; i < n; i++)
		printf("%s%u", i > 0 ? "." : "", numbers[i]);
	printf(" %d %llu %llu %llu %llu %llu %u\n", (int)p->kind,
	    (unsigned long long)p->header_at, (unsigned long long)p->header_len,
	    (unsigned long long)p->body_at, (unsigned long long)p->body_len,
	    (unsigned long long)p->decoded_len, p->lines);
}

static void
say_parts(struct str packed, uint32_t numbers[NUMBERS_MAX], size_t n)
{
	struct part p, inner;

	for (numbers[n] = 1; n + 1 < NUMBERS_MAX &&
			     parts_find(packed, numbers, n + 1, &p, &inner);
	     numbers[n]++) {
		say_part(numbers, n + 1, &p);
		say_parts(packed, numbers, n + 1);
	}
}

static void
say_message(struct str message)
{
	struct structure *s = structure_new();
	const struct structure_result *r;
	uint32_t numbers[NUMBERS_MAX];
	struct buf body;

	while (message.len > 0) {
		structure_feed(s, str_first(message, PIECE));
		message = str_after(message, PIECE);
	}
	r = structure_finish(s);
	buf_init(&body, 32 * MB);
	structure_strip(r->body_structure, &body);
	say("envelope", r->envelope);
	say("bodystructure", r->body_structure);
	say("body", buf_str(&body));
	say("refs", r->refs);
	say("preview", r->preview);
	say_parts(r->parts, numbers, 0);
	printf("end\n");
	fflush(stdout);
	buf_release(&body);
	structure_free(s);
}

int
main(void)
{
	size_t len;

	while (scanf("%zu", &len) == 1 && getchar() == '\n') {
		struct buf message;
		char *room;

		buf_init(&message, len + 1);
		room = buf_reserve(&message, len);
		if (len > 0 && fread(room, 1, len, stdin) != len)
			return EXIT_FAILURE;
		buf_added(&message, len);
		say_message(buf_str(&message));
		buf_release(&message);
	}
	return EXIT_SUCCESS;
}
