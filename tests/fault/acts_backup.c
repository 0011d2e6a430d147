/* SPDX-License-Identifier: MIT */
/* Snapshots, and a store that is put back from one.  They are in a folder of
 * the store's directory, so that what becomes of them is seen, too. */
#include "common/store/backup.h"
#include "common/store/backup_restore.h"
#include "tests/fault/acts_parts.h"

#define DONE 1 /* marked: it was acknowledged */

static void
folder_of(const struct world *w, char folder[100])
{
	snprintf(folder, 100, "%s/snapshots", w->x.dir);
}

static int
make(struct world *w, int64_t now_ms, struct fail *f)
{
	char folder[100];
	struct backup_options o = {
	    .store = w->x.dir, .dir = folder, .now_ms = now_ms};
	struct backup_made made;

	folder_of(w, folder);
	return backup_make(&o, &made, f);
}

static void
deliver_later(struct world *w)
{
	struct fail f;

	if (acts_deliver(w, 80000, 50, 2, &f) == -1)
		exit(1);
	w->said = 0;
}

/* One there is; then more mail comes. */
void
act_prepare_backup(struct world *w)
{
	act_prepare_credentials(w);
	MUST(make(w, NOW, &why));
	deliver_later(w);
}

int
act_backup(struct world *w, struct fail *f)
{
	if (make(w, NOW + 3600000, f) == -1)
		return -1;
	w->marked |= DONE;
	return 0;
}

static int
restore(const char *folder, const char *name, const char *to, bool replace,
    struct fail *f)
{
	char snapshot[200];
	struct restore_options o = {
	    .snapshot = snapshot, .to = to, .replace = replace, .now_ms = NOW};
	struct restore_done done;

	snprintf(snapshot, sizeof(snapshot), "%.99s/%.90s", folder, name);
	return backup_restore(&o, &done, f);
}

/* Every snapshot that says it is one can be put back, which compares every hash
 * and checks the store; the old one is there still, and the new one if that
 * was said. */
bool
act_backup_holds(struct world *w, char why[WORLD_WHY_MAX])
{
	char folder[100], to[100];
	struct backup_info *list = NULL;
	struct fail f, not_one = {.text = ""};
	size_t n = 0, valid = 0;

	folder_of(w, folder);
	if (backup_list(folder, &list, &n, &f) == -1) {
		snprintf(why, WORLD_WHY_MAX, "no list: %.200s", f.text);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (!list[i].valid) {
			not_one = list[i].why;
			continue;
		}
		valid++;
		fixture_dir(to);
		rc = restore(folder, list[i].name, to, false, &f);
		fixture_remove_dir(to);
		if (rc == 0)
			continue;
		snprintf(why, WORLD_WHY_MAX, "snapshot %s: %.200s",
		    list[i].name, f.text);
		free(list);
		return false;
	}
	free(list);
	snprintf(why, WORLD_WHY_MAX, "only %zu snapshots of %zu: %.200s", valid,
	    n, not_one.text);
	return valid >= ((w->marked & DONE) != 0 ? 2 : 1);
}

/* The last of the two is put back in the place of what came after it. */
void
act_prepare_restore(struct world *w)
{
	act_prepare_credentials(w);
	MUST(make(w, NOW, &why));
	deliver_later(w);
}

int
act_restore(struct world *w, struct fail *f)
{
	char folder[100];
	struct backup_info *list = NULL;
	size_t n = 0;
	int rc;

	folder_of(w, folder);
	if (backup_list(folder, &list, &n, f) == -1)
		return -1;
	rc = n == 1 ? restore(folder, list[0].name, w->x.dir, true, f)
	            : fail(f, FAIL_PERM, "the snapshot is gone");
	free(list);
	if (rc == -1)
		return -1;
	w->marked |= DONE;
	return world_open(w, f);
}

/* The old store as it was, unless it was said that it is replaced. */
bool
act_restore_holds(struct world *w, bool crashed)
{
	(void)crashed;
	return (w->marked & DONE) == 0 &&
	       fixture_number(&w->x,
		   "SELECT (SELECT count(*) FROM message WHERE trace = 5000)"
		   " = 2 AND (SELECT count(*) FROM message) = 6"
		   " AND (SELECT max(uid_next) FROM mailbox_state) < 10") == 1;
}
