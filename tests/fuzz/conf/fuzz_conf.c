/* SPDX-License-Identifier: MIT */
/* Any file is read or refused; what was read, printed and read is the same. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *
read_bytes(struct str bytes)
{
	char name[64];
	struct fail f = {0};
	struct conf *c;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	if (fd == -1 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len)
		abort();
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	c = conf_read(name, &f);
	close(fd);
	if ((c == NULL) != (f.text[0] != '\0'))
		abort();
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *one = read_bytes((struct str){(const char *)data, size});
	struct conf *two;
	struct buf a, b;

	if (one == NULL)
		return 0;
	buf_init(&a, MB);
	buf_init(&b, MB);
	conf_print(one, true, &a);
	if ((two = read_bytes(buf_str(&a))) == NULL)
		abort();
	conf_print(two, true, &b);
	if (!str_eq(buf_str(&a), buf_str(&b)))
		abort();
	conf_free(one);
	conf_free(two);
	buf_release(&a);
	buf_release(&b);
	return 0;
}
