/* SPDX-License-Identifier: MIT */
#include "mailctl/actors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/throwaway.h"
#include "mailctl/actors_internal.h"

#define PATH_ROOM 4400
#define TRIES     100 /* to find a port that is free at all addresses */

struct actors {
	struct actors_options o;
	struct actor_server *servers;
	size_t n;
	uint16_t port;
};

static void
give_addresses(struct internet *i)
{
	for (size_t n = 0; n < i->n_servers; n++) {
		char address[32];

		if (i->servers[n].address != NULL)
			continue;
		snprintf(address, sizeof(address), "127.0.1.%zu", n + 1);
		i->servers[n].address = mem_dup(str_of(address));
	}
}

static void
close_all(struct actors *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->servers[i].fd != -1) {
			close(a->servers[i].fd);
			a->servers[i].fd = -1;
		}
}

static uint16_t
bound_port(int fd)
{
	struct address at = {0};
	socklen_t len = sizeof(at.sa);

	getsockname(fd, (struct sockaddr *)&at.sa, &len);
	return address_port(&at);
}

/* All at this port, or at one that the first is given.  1 bound, 0 some port is
 * taken, -1. */
static int
bind_all(struct actors *a, uint16_t port, struct fail *f)
{
	for (size_t i = 0; i < a->n; i++) {
		struct actor_server *s = &a->servers[i];
		struct address at;

		address_from_ip(str_of(s->rules->address), port, &at);
		s->fd = listen_bind(&at, f);
		if (s->fd == -1) {
			close_all(a);
			return i > 0 && a->o.port == 0 ? 0 : -1;
		}
		port = bound_port(s->fd);
	}
	a->port = port;
	return 1;
}

static int
open_ports(struct actors *a, struct fail *f)
{
	int got = 0;

	for (int i = 0; i < TRIES && got == 0; i++)
		got = bind_all(a, a->o.port, f);
	return got == 1 ? 0 : -1;
}

static int
make_dir(const char *path, struct fail *f)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return fail(f, FAIL_PERM, "mkdir %s: %s", path, strerror(errno));
}

/* Those that were kept in an earlier run are not written over. */
static void
count_messages(struct actor_server *s)
{
	char path[PATH_ROOM + 32];

	do
		snprintf(
		    path, sizeof(path), "%s/%zu.eml", s->dir, ++s->messages);
	while (access(path, F_OK) == 0);
	s->messages--;
}

static int
make_certificate(struct actor_server *s, struct throwaway *ca, struct fail *f)
{
	static const enum throwaway_kind kinds[ACTOR_TLS_N] = {
	    [ACTOR_TLS_GOOD] = THROWAWAY_GOOD,
	    [ACTOR_TLS_WRONG_NAME] = THROWAWAY_GOOD,
	    [ACTOR_TLS_EXPIRED] = THROWAWAY_EXPIRED,
	    [ACTOR_TLS_SELF_SIGNED] = THROWAWAY_SELF_SIGNED,
	};
	const struct actor_rules *r = s->rules;
	const char *name = r->tls == ACTOR_TLS_WRONG_NAME
	                       ? "somebody.else.invalid"
	                       : r->host;
	char certificate[PATH_ROOM], key[PATH_ROOM];

	if (r->tls == ACTOR_TLS_NONE || r->tls == ACTOR_TLS_BROKEN ||
	    r->tls == ACTOR_TLS_SILENT)
		return 0;
	if (throwaway_leaf(ca, r->host, kinds[r->tls], &name, 1, f) == -1)
		return -1;
	snprintf(certificate, sizeof(certificate), "%s.pem", s->dir);
	snprintf(key, sizeof(key), "%s.key", s->dir);
	s->tls = tls_server_new(certificate, key, NULL, f);
	return s->tls != NULL ? 0 : -1;
}

static void
accepted(void *arg, int fd, const struct address *peer, bool refuse)
{
	if (refuse)
		close(fd);
	else
		actor_session_start(arg, fd, peer);
}

static int
begin(struct actors *a, struct throwaway *ca, struct fail *f)
{
	for (size_t i = 0; i < a->n; i++) {
		struct actor_server *s = &a->servers[i];
		struct buf dir;

		buf_init(&dir, PATH_ROOM);
		buf_addf(&dir, "%s/%s", a->o.dir, s->rules->host);
		s->dir = buf_take(&dir);
		if (make_dir(s->dir, f) == -1 ||
		    make_certificate(s, ca, f) == -1)
			return -1;
		count_messages(s);
		s->listener = listener_new(a->o.loop, s->fd, accepted, s);
		s->fd = -1;
	}
	return 0;
}

struct actors *
actors_new(const struct actors_options *o, struct fail *f)
{
	struct actors *a = MEM_NEW(struct actors);
	struct throwaway *ca;
	int rc = -1;

	a->o = *o;
	a->n = o->internet->n_servers;
	a->servers = mem_new(a->n, sizeof(*a->servers));
	for (size_t i = 0; i < a->n; i++) {
		a->servers[i].o = &a->o;
		a->servers[i].rules = &o->internet->servers[i];
		a->servers[i].fd = -1;
	}
	give_addresses(o->internet);
	ca = throwaway_new(o->dir, f);
	if (ca != NULL && open_ports(a, f) == 0)
		rc = begin(a, ca, f);
	throwaway_free(ca);
	if (rc == 0)
		return a;
	actors_free(a);
	return NULL;
}

void
actors_stop(struct actors *a)
{
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct actor_server *s = &a->servers[i];

		listener_free(s->listener);
		s->listener = NULL;
		for (struct actor_session *at = s->sessions; at != NULL;
		     at = actor_session_next(at))
			actor_session_end(at);
	}
}

void
actors_free(struct actors *a)
{
	if (a == NULL)
		return;
	actors_stop(a);
	close_all(a);
	for (size_t i = 0; i < a->n; i++) {
		tls_free(a->servers[i].tls);
		free(a->servers[i].dir);
	}
	free(a->servers);
	free(a);
}

uint16_t
actors_port(const struct actors *a)
{
	return a->port;
}

json_t *
actors_describe(const struct actors *a)
{
	json_t *all = json_object();

	for (size_t i = 0; i < a->n; i++) {
		const struct actor_rules *r = a->servers[i].rules;

		json_object_set_new(all, r->host,
		    json_sprintf("%s:%u", r->address, (unsigned)a->port));
	}
	return all;
}
