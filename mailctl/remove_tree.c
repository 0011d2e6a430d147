/* SPDX-License-Identifier: MIT */
#include "mailctl/remove_tree.h"

#include <ftw.h>
#include <stdio.h>

#define OPEN_DIRS 16

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void
remove_tree(const char *path)
{
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
