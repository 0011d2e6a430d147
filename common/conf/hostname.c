/* SPDX-License-Identifier: MIT */
#include "common/conf/hostname.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/buf.h"
#include "common/util/mem.h"

#define HOSTS_MAX (256 * KB)

/* The next word of *line. */
static struct str
take_word(struct str *line)
{
	size_t n = 0;
	struct str word;

	*line = str_trim(*line);
	while (n < line->len && line->at[n] != ' ' && line->at[n] != '\t')
		n++;
	word = str_first(*line, n);
	*line = str_after(*line, n);
	return word;
}

static bool
has_dot(struct str s)
{
	size_t at;

	return str_find(s, '.', &at);
}

bool
hostname_complete(struct str hosts, struct str name, struct str *out)
{
	while (hosts.len > 0) {
		struct str all = str_cut(&hosts, '\n');
		struct str line = str_cut(&all, '#'), word, dotted = {0};
		bool ours = false;

		take_word(&line); /* the address */
		while ((word = take_word(&line)).len > 0) {
			ours |= str_eq_nocase(word, name);
			if (dotted.len == 0 && has_dot(word))
				dotted = word;
		}
		if (ours && dotted.len > 0) {
			*out = dotted;
			return true;
		}
	}
	return false;
}

static void
read_hosts(struct buf *out)
{
	char piece[4096];
	size_t n;
	FILE *f = fopen("/etc/hosts", "re");

	if (f == NULL)
		return;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, (struct str){piece, n});
	fclose(f);
}

char *
hostname_of_system(void)
{
	char name[256] = "";
	struct buf hosts;
	struct str whole;

	if (gethostname(name, sizeof(name) - 1) == -1 || name[0] == '\0')
		return mem_dup(STR("localhost"));
	whole = str_of(name);
	buf_init(&hosts, HOSTS_MAX);
	if (!has_dot(whole)) {
		read_hosts(&hosts);
		hostname_complete(buf_str(&hosts), str_of(name), &whole);
	}
	char *result = mem_dup(whole);
	buf_release(&hosts);
	return result;
}
