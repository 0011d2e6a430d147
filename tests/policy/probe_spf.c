/* SPDX-License-Identifier: MIT */
/*
 * probe_spf: SPF of what standard input says, a command a line, tabs between:
 *
 *	clear                           an empty zone
 *	zone	LINE                    tests/policy/zone.h
 *	check	IP	HELO	SENDER  an answer line for each
 *
 * "\DDD" is an octet in HELO and SENDER.  An answer: result, explanation, term,
 * problem, domain, how many questions DNS was asked; tabs between.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/spf.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"

/* "\DDD" undone in place. */
static struct str
octets(char *text)
{
	size_t n = 0;
	uint64_t code;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\' &&
		    str_to_u64(str_first(str_of(p + 1), 3), 255, &code) &&
		    strlen(p) >= 4) {
			text[n++] = (char)code;
			p += 3;
		} else {
			text[n++] = *p;
		}
	}
	text[n] = '\0';
	return (struct str){text, n};
}

static void
check(const struct zone *z, char *ip, char *helo, char *sender)
{
	struct facts *f = facts_new();
	struct spf_output out;
	uint8_t bytes[16];
	size_t questions = 0;
	struct spf_input in = {.ip = bytes,
	    .ip_len = 4,
	    .helo = octets(helo),
	    .sender = octets(sender),
	    .receiver = STR("receiver.test"),
	    .now_s = 1767225600};

	if (inet_pton(AF_INET, ip, bytes) != 1) {
		in.ip_len = 16;
		if (inet_pton(AF_INET6, ip, bytes) != 1) {
			fprintf(stderr, "no address: %s\n", ip);
			exit(2);
		}
	}
	while (!spf_check(f, &in, &out))
		questions += zone_answer(z, f);
	printf("%s\t%s\t%s\t%s\t%s\t%zu\n", spf_word(out.result), out.explain,
	    out.term, out.problem, out.domain, questions);
	fflush(stdout);
	facts_free(f);
}

int
main(void)
{
	struct zone *z = zone_new();
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		char *words[4] = {0}, *rest = line;

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		for (int i = 0; i < 4 && rest != NULL; i++)
			words[i] = i == 1 && strcmp(words[0], "zone") == 0
			               ? rest
			               : strsep(&rest, "\t");
		if (strcmp(words[0], "clear") == 0) {
			zone_free(z);
			z = zone_new();
		} else if (strcmp(words[0], "zone") == 0 && words[1] != NULL &&
			   zone_add(z, str_of(words[1]))) {
			continue;
		} else if (strcmp(words[0], "check") == 0 && words[3] != NULL) {
			check(z, words[1], words[2], words[3]);
		} else {
			fprintf(stderr, "no command: %s\n", line);
			return 2;
		}
	}
	zone_free(z);
	free(line);
	return 0;
}
