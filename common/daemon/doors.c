/* SPDX-License-Identifier: MIT */
#include "common/daemon/doors.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/util/mem.h"

struct socket {
	struct doors *all;
	struct door_entry where;
	struct listen_options options;
	struct listener *listener; /* owns fd once it is there */
	int fd;
};

struct door {
	struct socket sockets[DOOR_SOCKETS_MAX];
	size_t n;
};

struct doors {
	door_entered *fn;
	void *arg;
	size_t n;
	struct door each[];
};

static int
refuse(const struct conf *conf, const struct door_service *s, struct fail *f)
{
	struct fail why = *f;

	if (conf != NULL)
		return conf_refuse(conf, s->places, f, "%s", why.text);
	return fail(f, FAIL_SYNTAX, "listen.%s: %s", s->name, why.text);
}

/* The words of a service's list, each for one socket. */
struct word {
	struct address at;
	struct listen_options options;
	bool known; /* it is an address */
	bool used;
};

/* strict: a word that is no address is an error. */
static int
read_words(const struct conf *conf, const struct door_service *s, bool strict,
    struct word *words, struct fail *f)
{
	size_t comma;

	for (size_t i = 0; i < s->places->n; i++) {
		struct str text = str_of(s->places->items[i]);
		enum listen_word got = listen_options_parse(
		    text, &words[i].at, &words[i].options, f);

		if (!s->has_options && str_find(text, ',', &comma)) {
			fail(f, FAIL_SYNTAX,
			    "\"%s\": no options are known here",
			    s->places->items[i]);
			got = LISTEN_WORD_NO_OPTION;
		}
		if (got == LISTEN_WORD_NO_OPTION ||
		    (got == LISTEN_WORD_NO_ADDRESS && strict))
			return refuse(conf, s, f);
		words[i].known = got == LISTEN_WORD_OK;
	}
	return 0;
}

static bool
is_any(const struct address *a)
{
	struct address v4, v6;

	return (address_parse(STR("0.0.0.0:0"), &v4) &&
		   address_same_ip(a, &v4)) ||
	       (address_parse(STR("[::]:0"), &v6) && address_same_ip(a, &v6));
}

static bool
fits(const struct word *w, const struct address *at)
{
	if (!w->known || w->used ||
	    (address_port(&w->at) != 0 &&
		address_port(&w->at) != address_port(at)))
		return false;
	return is_any(&w->at) || address_same_ip(&w->at, at);
}

/* A socket that was handed in has the options of its address. */
static struct listen_options
options_of(int fd, struct word *words, size_t n)
{
	struct address at = {0};
	socklen_t len = sizeof(at.sa);
	size_t i = 0;

	getsockname(fd, (struct sockaddr *)&at.sa, &len);
	while (i < n && !fits(&words[i], &at))
		i++;
	if (i == n)
		return listen_options_default();
	words[i].used = true;
	return words[i].options;
}

static int
too_many(const struct conf *conf, const struct door_service *s, struct fail *f)
{
	fail(f, FAIL_SYNTAX, "more than %d sockets", DOOR_SOCKETS_MAX);
	return refuse(conf, s, f);
}

static int
open_door(const struct conf *conf, struct door *d, const struct door_service *s,
    struct fail *f)
{
	/* one more than allowed, to see that too many were handed in */
	int fds[DOOR_SOCKETS_MAX + 1];
	size_t handed = listen_activated(s->name, fds, DOOR_SOCKETS_MAX + 1);
	struct word *words = mem_new(s->places->n + 1, sizeof(*words));
	int rc = -1;

	for (size_t i = 0; i < handed && i < DOOR_SOCKETS_MAX; i++)
		d->sockets[d->n++].fd = fds[i];
	if (handed > DOOR_SOCKETS_MAX)
		close(fds[DOOR_SOCKETS_MAX]);
	if (handed > DOOR_SOCKETS_MAX ||
	    (handed == 0 && s->places->n > DOOR_SOCKETS_MAX)) {
		too_many(conf, s, f);
		goto out;
	}
	if (read_words(conf, s, handed == 0, words, f) == -1)
		goto out;
	for (size_t i = 0; i < handed; i++)
		d->sockets[i].options = options_of(fds[i], words, s->places->n);
	for (size_t i = 0; handed == 0 && i < s->places->n; i++) {
		int fd = listen_bind(&words[i].at, f);

		if (fd == -1)
			goto out;
		d->sockets[d->n].options = words[i].options;
		d->sockets[d->n++].fd = fd;
	}
	rc = 0;
out:
	free(words);
	return rc;
}

struct doors *
doors_open(const struct conf *conf, const struct door_service *services,
    size_t n, struct fail *f)
{
	struct doors *d = mem_new(1, sizeof(*d) + n * sizeof(d->each[0]));
	size_t sockets = 0;

	d->n = n;
	for (size_t i = 0; i < n; i++) {
		if (open_door(conf, &d->each[i], &services[i], f) == -1)
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
entered(void *arg, int fd, const struct address *peer, bool refused)
{
	const struct socket *s = arg;

	s->all->fn(s->all->arg, &s->where, fd, peer, refused);
}

void
doors_listen(struct doors *d, struct loop *l, door_entered *fn, void *arg)
{
	d->fn = fn;
	d->arg = arg;
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < d->each[i].n; j++) {
			struct socket *s = &d->each[i].sockets[j];

			s->all = d;
			s->where = (struct door_entry){i, &s->options};
			s->listener = listener_new(l, s->fd, entered, s);
		}
}

static void
close_door(struct door *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->sockets[i].listener != NULL)
			listener_free(d->sockets[i].listener);
		else
			close(d->sockets[i].fd);
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
