/* SPDX-License-Identifier: MIT */
#include "smtpd/profile.h"

#include <stdlib.h>

#include "common/daemon/daemon.h"
#include "common/daemon/selftest.h"
#include "common/dns/child_server.h"

#define CHANGE (SANDBOX_READ | SANDBOX_WRITE)
#define KEEP   (CHANGE | SANDBOX_LIST | SANDBOX_MAKE)

/* Of the store the files it needs, one by one: auth.db is maild's. */
static const struct confine_path paths[] = {
    {CONFINE_STORE,  "",			       SANDBOX_LIST},
    {CONFINE_STORE,  "mail.db",                        CHANGE      },
    {CONFINE_STORE,  "mail.db-wal",                    CHANGE      },
    {CONFINE_STORE,  "mail.db-shm",                    CHANGE      },
    {CONFINE_STORE,  "lock.a",                         CHANGE      },
    {CONFINE_STORE,  "lock.b",                         CHANGE      },
    {CONFINE_STORE,  "routes",                         CHANGE      },
    {CONFINE_STORE,  "objects",                        KEEP        },
    {CONFINE_SYSTEM, "/dev/null",                      SANDBOX_READ}, /* listen.c */
    {CONFINE_SYSTEM, "/dev/urandom",                   SANDBOX_READ},
    {CONFINE_SYSTEM, "/proc/sys/vm/overcommit_memory",
     SANDBOX_READ						  }, /* malloc */
};

static const char *const strangers[] = {
    "auth.db", "auth.db-wal", "maild.lock", "search/search.db", NULL};

/* It takes connections and makes none, but for the Unix sockets of maild and
 * popd. */
const struct confine_profile smtpd_profile = {
    .daemon = "smtpd",
    .may = SANDBOX_THREADS | SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_LOCAL,
    .paths = paths,
    .n_paths = sizeof(paths) / sizeof(paths[0]),
    .mail = true,
    .tls = true,
    .strangers = strangers,
};

int
smtpd_self_test(const char *conf_file, const struct log *log)
{
	struct fail f = {0};
	struct conf *conf = conf_read(conf_file, &f);
	char *user;
	int code;

	if (conf == NULL)
		return daemon_refuse(log, DAEMON_CONFIG, &f);
	const struct resolver_options o = {.forward = conf->dns_forward};
	const struct sandbox_profile resolver = child_server_profile(&o);
	const struct selftest_part parts[] = {
	    {"smtpd",               &smtpd_profile, NULL     },
	    {"smtpd, its resolver", NULL,           &resolver},
	};

	user = daemon_user(conf, "smtpd");
	code = selftest_run(conf, user, parts, 2);
	free(user);
	conf_free(conf);
	return code;
}
