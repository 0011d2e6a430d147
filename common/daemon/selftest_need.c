/* SPDX-License-Identifier: MIT */
#include "common/daemon/selftest_need.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/store/stage.h"
#include "common/util/mem.h"

#define LARGE (1024 * KB) /* more than memory takes: through files */

static int
words(int rc, struct fail *f)
{
	return rc == -1 ? fail(f, FAIL_PERM, "%s", strerror(errno)) : 0;
}

static int
nothing(struct db *db, void *arg, struct fail *f)
{
	(void)db;
	(void)arg;
	(void)f;
	return 0;
}

static int
write_store(const struct selftest_means *m, struct fail *f)
{
	struct db *db = db_open(m->conf->server_store, DB_MAIL, DB_WRITER, f);
	int rc = db != NULL ? db_write(db, nothing, NULL, f) : -1;

	db_close(db);
	return rc;
}

/* Octets that do not become smaller: they go through a file without a name to
 * one with its own. */
static int
write_object(const struct selftest_means *m, struct fail *f)
{
	struct stage *s = stage_new(m->conf->server_store);
	uint32_t state = 1;
	int rc;

	for (size_t n = 0; n < LARGE; n += sizeof(state)) {
		state = state * 1664525 + 1013904223; /* Numerical Recipes */
		stage_add(s, (struct str){(char *)&state, sizeof(state)});
	}
	rc = stage_seal(s, STR("Subject: large\r\n\r\n"), f);
	stage_free(s);
	return rc;
}

static void *
do_nothing(void *arg)
{
	return arg;
}

static int
start_thread(const struct selftest_means *m, struct fail *f)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, do_nothing, NULL);

	(void)m;
	if (rc != 0)
		return fail(f, FAIL_PERM, "%s", strerror(rc));
	pthread_join(thread, NULL);
	return 0;
}

/* As threads do that are to leave the processor to others. */
static void *
step_back(void *arg)
{
	int *err = arg, now = getpriority(PRIO_PROCESS, 0);

	*err = setpriority(PRIO_PROCESS, 0, now) == -1 ? errno : 0;
	return NULL;
}

static int
stand_back(const struct selftest_means *m, struct fail *f)
{
	pthread_t thread;
	int err = 0, rc = pthread_create(&thread, NULL, step_back, &err);

	(void)m;
	if (rc == 0)
		pthread_join(thread, NULL);
	else
		err = rc;
	return err != 0 ? fail(f, FAIL_PERM, "%s", strerror(err)) : 0;
}

static int
accept_one(const struct selftest_means *m, struct fail *f)
{
	int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd != -1)
		close(fd);
	return words(fd, f);
}

static int
connect_to(const struct address *a, struct fail *f)
{
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd == -1)
		return words(-1, f);
	rc = words(
	    connect(fd, (const struct sockaddr *)&a->sa, address_len(a)), f);
	close(fd);
	return rc;
}

static int
connect_auth(const struct selftest_means *m, struct fail *f)
{
	struct address a;

	if (!address_from_path(m->auth, &a))
		return fail(f, FAIL_PERM, "the path is too long");
	return connect_to(&a, f);
}

static int
connect_server(const struct selftest_means *m, struct fail *f)
{
	struct address a;

	if (!address_from_ip(STR("127.0.0.1"), m->port, &a))
		return fail(f, FAIL_PERM, "no address");
	return connect_to(&a, f);
}

static int
send_datagram(const struct selftest_means *m, struct fail *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)m;
	if (fd != -1)
		close(fd);
	return words(fd, f);
}

/* What could not be read before is not the sandbox's doing. */
static int
read_certificate(const struct selftest_means *m, struct fail *f)
{
	const char *path = m->conf->tls_certificate;
	int fd;

	if (access(path, R_OK) == -1)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		close(fd);
	return words(fd, f);
}

const struct selftest_need selftest_needs[] = {
    {"start a thread",                    SANDBOX_THREADS,              false, start_thread    },
    {"let others go first",               SANDBOX_THREADS,              false, stand_back      },
    {"write in the store",                SANDBOX_FILES,                false, write_store     },
    {"store a large message",             SANDBOX_FILES,                false, write_object    },
    {"read the certificate again",        0,                            true,  read_certificate},
    {"accept a connection",               SANDBOX_ACCEPT,               false, accept_one      },
    {"connect to auth.sock",              SANDBOX_LOCAL,                false, connect_auth    },
    {"connect to another server",         SANDBOX_TCP | SANDBOX_ACCEPT, false,
     connect_server									    },
    {"a socket for questions to the DNS", SANDBOX_UDP,                  false, send_datagram   },
};

const size_t selftest_n_needs = sizeof(selftest_needs) /
                                sizeof(selftest_needs[0]);
