/* SPDX-License-Identifier: MIT */
#include "common/daemon/doors.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/util/mem.h"

struct door {
	struct doors *all;
	size_t service;
	/* one more than allowed, to see that too many were handed in */
	int fds[DOOR_SOCKETS_MAX + 1];
	struct listener *listeners[DOOR_SOCKETS_MAX]; /* they own the fds */
	size_t n;
};

struct doors {
	door_entered *fn;
	void *arg;
	size_t n;
	struct door each[];
};

static int
open_door(struct door *d, const struct door_service *s, struct fail *f)
{
	struct address at;

	d->n = listen_activated(s->name, d->fds, DOOR_SOCKETS_MAX + 1);
	if (d->n > DOOR_SOCKETS_MAX ||
	    (d->n == 0 && s->places->n > DOOR_SOCKETS_MAX))
		return fail(f, FAIL_SYNTAX, "listen.%s: more than %d sockets",
		    s->name, DOOR_SOCKETS_MAX);
	if (d->n > 0)
		return 0;
	for (size_t i = 0; i < s->places->n; i++) {
		if (!address_parse(str_of(s->places->items[i]), &at))
			return fail(f, FAIL_SYNTAX,
			    "listen.%s: \"%s\" is no address:port", s->name,
			    s->places->items[i]);
		d->fds[i] = listen_bind(&at, f);
		if (d->fds[i] == -1)
			return -1;
		d->n++;
	}
	return 0;
}

struct doors *
doors_open(const struct door_service *services, size_t n, struct fail *f)
{
	struct doors *d = mem_new(1, sizeof(*d) + n * sizeof(d->each[0]));
	size_t sockets = 0;

	d->n = n;
	for (size_t i = 0; i < n; i++) {
		d->each[i].all = d;
		d->each[i].service = i;
		if (open_door(&d->each[i], &services[i], f) == -1)
			goto failed;
		sockets += d->each[i].n;
	}
	if (sockets > 0)
		return d;
	fail(f, FAIL_SYNTAX, "no socket was handed in and [listen] names none");
failed:
	doors_close(d);
	return NULL;
}

static void
entered(void *arg, int fd, const struct address *peer, bool refuse)
{
	const struct door *d = arg;

	d->all->fn(d->all->arg, d->service, fd, peer, refuse);
}

void
doors_listen(struct doors *d, struct loop *l, door_entered *fn, void *arg)
{
	d->fn = fn;
	d->arg = arg;
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < d->each[i].n; j++)
			d->each[i].listeners[j] = listener_new(
			    l, d->each[i].fds[j], entered, &d->each[i]);
}

static void
close_door(struct door *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (i < DOOR_SOCKETS_MAX && d->listeners[i] != NULL)
			listener_free(d->listeners[i]);
		else
			close(d->fds[i]);
}

void
doors_close(struct doors *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		close_door(&d->each[i]);
	free(d);
}
