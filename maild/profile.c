/* SPDX-License-Identifier: MIT */
#include "maild/profile.h"

#include <stdlib.h>

#include "common/daemon/daemon.h"
#include "common/daemon/selftest.h"
#include "common/dns/child_server.h"

#define ALL                                                                    \
	(SANDBOX_READ | SANDBOX_WRITE | SANDBOX_LIST | SANDBOX_MAKE |          \
	    SANDBOX_FOLDERS)

/* The store is its own.  CAs of the system are read when one is looked for
 * that was not before: in /etc/ssl/certs are links to where packages and
 * administrators put them. */
static const struct confine_path paths[] = {
    {CONFINE_STORE,   "",				 ALL                        },
    {CONFINE_BACKUP,  "",                                 ALL                        },
    {CONFINE_RUNTIME, "",				 SANDBOX_SOCKETS            },
    {CONFINE_TRUST,   "",                                 SANDBOX_READ               },
    {CONFINE_SYSTEM,  "/etc/ssl/certs",                   SANDBOX_READ | SANDBOX_LIST},
    {CONFINE_SYSTEM,  "/usr/lib/ssl",                     SANDBOX_READ | SANDBOX_LIST},
    {CONFINE_SYSTEM,  "/usr/share/ca-certificates",       SANDBOX_READ               },
    {CONFINE_SYSTEM,  "/usr/local/share/ca-certificates", SANDBOX_READ               },
    {CONFINE_SYSTEM,  "/etc/pki/tls/certs",               SANDBOX_READ | SANDBOX_LIST},
    {CONFINE_SYSTEM,  "/dev/null",                        SANDBOX_READ               },
    {CONFINE_SYSTEM,  "/dev/urandom",                     SANDBOX_READ               },
    {CONFINE_SYSTEM,  "/proc/sys/vm/overcommit_memory",
     SANDBOX_READ								    }, /* malloc */
};

static const struct conf_list *
metrics_words(const struct conf *conf)
{
	return &conf->metrics_listen;
}

static const struct conf_list *
source_words(const struct conf *conf)
{
	return &conf->relay_source;
}

static const char *const strangers[] = {NULL};

/* It connects to any server by TCP, and takes connections where it has begun to
 * listen before its doors were closed. */
const struct confine_profile maild_profile = {
    .daemon = "maild",
    .may = SANDBOX_THREADS | SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_LOCAL |
           SANDBOX_TCP | SANDBOX_BIND | SANDBOX_LISTEN | SANDBOX_ENTER |
           SANDBOX_ADDRESSES,
    .paths = paths,
    .n_paths = sizeof(paths) / sizeof(paths[0]),
    .binds = metrics_words,
    .sources = source_words,
    .strangers = strangers,
};

int
maild_self_test(const char *conf_file, const struct log *log)
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
	    {"maild",               &maild_profile, NULL     },
	    {"maild, its resolver", NULL,           &resolver},
	};

	user = daemon_user(conf, "maild");
	code = selftest_run(conf, user, parts, 2);
	free(user);
	conf_free(conf);
	return code;
}
