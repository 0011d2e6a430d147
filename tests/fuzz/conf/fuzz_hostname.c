/* SPDX-License-Identifier: MIT */
/* A name, LF, /etc/hosts: what is found is a dotted word of its lines. */
#include <assert.h>

#include "common/conf/hostname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str hosts = {(const char *)data, size}, found;
	struct str name = str_cut(&hosts, '\n');
	size_t at;

	if (!hostname_complete(hosts, name, &found))
		return 0;
	assert(found.at > hosts.at && found.len > 0);
	assert(found.at + found.len <= hosts.at + hosts.len);
	assert(str_find(found, '.', &at) && !str_find(found, ' ', &at));
	assert(!str_find(found, '\n', &at) && !str_find(found, '#', &at));
	return 0;
}
