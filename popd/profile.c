/* SPDX-License-Identifier: MIT */
#include "popd/profile.h"

#include <stdlib.h>

#include "common/daemon/daemon.h"
#include "common/daemon/selftest.h"

#define CHANGE (SANDBOX_READ | SANDBOX_WRITE)
#define KEEP   (CHANGE | SANDBOX_LIST | SANDBOX_MAKE)

/* Of the store the files it needs, one by one: auth.db is maild's.  search.db
 * has a folder, whose rule holds for one that maild begins anew, too.  popd
 * makes no files there: its log and shared memory are there when the writer has
 * opened it. */
static const struct confine_path paths[] = {
    {CONFINE_STORE,  "",			       SANDBOX_LIST},
    {CONFINE_STORE,  "mail.db",                        CHANGE      },
    {CONFINE_STORE,  "mail.db-wal",                    CHANGE      },
    {CONFINE_STORE,  "mail.db-shm",                    CHANGE      },
    {CONFINE_STORE,  "search",                         CHANGE      },
    {CONFINE_STORE,  "lock.a",                         CHANGE      },
    {CONFINE_STORE,  "lock.b",                         CHANGE      },
    {CONFINE_STORE,  "objects",                        KEEP        },
    {CONFINE_SYSTEM, "/dev/null",                      SANDBOX_READ}, /* listen.c */
    {CONFINE_SYSTEM, "/dev/urandom",                   SANDBOX_READ},
    {CONFINE_SYSTEM, "/proc/sys/vm/overcommit_memory",
     SANDBOX_READ						  }, /* malloc */
};

static const char *const strangers[] = {
    "auth.db", "auth.db-wal", "maild.lock", NULL};

/* It takes connections and makes none, but for auth.sock of maild. */
const struct confine_profile popd_profile = {
    .daemon = "popd",
    .may = SANDBOX_THREADS | SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_LOCAL,
    .paths = paths,
    .n_paths = sizeof(paths) / sizeof(paths[0]),
    .mail = true,
    .search = true,
    .tls = true,
    .strangers = strangers,
};

int
popd_self_test(const char *conf_file, const struct log *log)
{
	const struct selftest_part part = {"popd", &popd_profile, NULL};
	struct fail f = {0};
	struct conf *conf = conf_read(conf_file, &f);
	char *user;
	int code;

	if (conf == NULL)
		return daemon_refuse(log, DAEMON_CONFIG, &f);
	user = daemon_user(conf, "popd");
	code = selftest_run(conf, user, &part, 1);
	free(user);
	conf_free(conf);
	return code;
}
