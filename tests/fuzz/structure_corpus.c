/* SPDX-License-Identifier: MIT */
/*
 * structure_corpus: two parsers of MIME (mime/structure_compare.h) over every
 * file of PENNYPOST_CORPUS/messages: as it is, with CRLF line ends, and cut off
 * in the middle.  Skips (77) without a corpus.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/fuzz/mime/structure_compare.h"

/* Larger ones, and what has more of all than structure.h allows, are left to
 * other tests: the plain parser has no limits. */
#define FILE_MAX (4 * MB)

static struct {
	unsigned long files, comparisons, differences;
} count;

static void
compare(const char *path, const char *how, struct str message)
{
	struct buf why;

	buf_init(&why, 1 * MB);
	count.comparisons++;
	if (!structure_compare(message, 4096 + message.len % 7, &why)) {
		count.differences++;
		fprintf(stderr, "%s (%s): %.*s\n", path, how,
		    STR_FMT(buf_str(&why)));
	}
	buf_release(&why);
}

static void
with_crlf(struct str message, struct buf *out)
{
	for (size_t i = 0; i < message.len; i++) {
		if (message.at[i] == '\n' &&
		    (i == 0 || message.at[i - 1] != '\r'))
			buf_add_char(out, '\r');
		buf_add_char(out, message.at[i]);
	}
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct str message = {NULL, (size_t)st->st_size};
	struct buf crlf;
	void *data;
	int fd;

	(void)ftw;
	if (type != FTW_F || message.len == 0 || message.len > FILE_MAX)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	data = mmap(NULL, message.len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return 0;
	message.at = data;
	buf_init(&crlf, 2 * FILE_MAX);
	with_crlf(message, &crlf);
	count.files++;
	compare(path, "as it is", message);
	compare(path, "with CRLF", buf_str(&crlf));
	compare(path, "cut off", str_first(message, message.len / 2));
	buf_release(&crlf);
	munmap(data, message.len);
	return 0;
}

int
main(void)
{
	const char *corpus = getenv("PENNYPOST_CORPUS");
	struct buf folder;

	if (corpus == NULL || corpus[0] == '\0') {
		puts("skipped: PENNYPOST_CORPUS is not set");
		return 77;
	}
	buf_init(&folder, 4096);
	buf_addf(&folder, "%s/messages", corpus);
	if (nftw(folder.data, visit, 16, FTW_PHYS) == -1) {
		perror(folder.data);
		return 1;
	}
	buf_release(&folder);
	printf("%lu files, %lu comparisons, %lu differences\n", count.files,
	    count.comparisons, count.differences);
	return count.files == 0 || count.differences > 0;
}
