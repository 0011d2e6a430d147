/* SPDX-License-Identifier: MIT */
#include "mailctl/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/disk.h"
#include "common/util/mem.h"

char *
snapshot_path(const struct conf *conf, const char *word, struct fail *f)
{
	const char *dir = conf->backup_dir;
	struct backup_info *list;
	char *path = NULL;
	size_t n;

	if (strchr(word, '/') != NULL)
		return mem_dup(str_of(word));
	if (dir[0] == '\0') {
		fail(f, FAIL_PERM, "%s: give its path: backup.dir is not set",
		    word);
		return NULL;
	}
	if (strcmp(word, "newest") != 0)
		return disk_path(dir, word);
	if (backup_list(dir, &list, &n, f) == -1)
		return NULL;
	while (n > 0 && !list[n - 1].valid)
		n--;
	if (n > 0)
		path = disk_path(dir, list[n - 1].name);
	else
		fail(f, FAIL_PERM, "%s: there is no backup", dir);
	free(list);
	return path;
}

static void
tell(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_tell(p, what, PROGRESS_UNCOUNTED, done);
}

struct backup_watch
snapshot_watch(struct progress *p)
{
	return (struct backup_watch){.tell = tell, .arg = p};
}
