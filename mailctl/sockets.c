/* SPDX-License-Identifier: MIT */
#include "mailctl/sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/daemon/listen_options.h"
#include "common/net/listen.h"

static const struct {
	const char *name, *program;
} services[] = {
#define S(name, program) {#name, program},
    SERVICES(S)
#undef S
};

const char *
service_name(enum service s)
{
	return services[s].name;
}

const char *
service_program(enum service s)
{
	return services[s].program;
}

static int
open_one(
    struct sockets *s, enum service service, const char *where, struct fail *f)
{
	struct listen_options options;
	struct address at;
	socklen_t len = sizeof(at.sa);
	struct fail why;
	int fd;

	if (listen_options_parse(str_of(where), &at, &options, &why) !=
	    LISTEN_WORD_OK)
		return fail(f, FAIL_PERM, "listen.%s: %s",
		    services[service].name, why.text);
	if (s->n == SOCKETS_MAX)
		return fail(f, FAIL_PERM,
		    "more than %d addresses to listen "
		    "at",
		    SOCKETS_MAX);
	fd = listen_bind(&at, f);
	if (fd == -1)
		return -1;
	s->at[s->n].service = service;
	s->at[s->n].fd = fd;
	if (getsockname(fd, (struct sockaddr *)&at.sa, &len) == -1) {
		close(fd);
		return fail(f, FAIL_TEMP, "%s: %s", where, strerror(errno));
	}
	s->at[s->n++].port = address_port(&at);
	return 0;
}

int
sockets_open(struct sockets *s, const struct conf *conf, struct fail *f)
{
	const struct conf_list *lists[] = {
#define S(name, program) &conf->listen_##name,
	    SERVICES(S)
#undef S
	};

	s->n = 0;
	for (int service = 0; service < SERVICE_COUNT; service++)
		for (size_t i = 0; i < lists[service]->n; i++)
			if (open_one(s, service, lists[service]->items[i], f) ==
			    -1) {
				sockets_close(s);
				return -1;
			}
	return 0;
}

void
sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		close(s->at[i].fd);
	s->n = 0;
}

uint16_t
sockets_port(const struct sockets *s, enum service service)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].service == service)
			return s->at[i].port;
	return 0;
}
