/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_self.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

struct relay_self {
	const struct conf *conf;
	struct address *machine; /* addresses of this machine */
	size_t n;
};

static bool
is_unspecified(const struct address *a)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	char text[ADDRESS_TEXT_MAX];
	struct str ip;

	if (a->sa.ss_family == AF_INET6 &&
	    memcmp(&((const struct sockaddr_in6 *)&a->sa)->sin6_addr, &any,
		sizeof(any)) == 0)
		return true;
	/* all of 0/8 is "this host" (RFC 1122 s3.2.1.3); ::ffff:0/104 too */
	ip = str_of(address_ip_text(a, text));
	return str_starts(ip, STR("0."));
}

static bool
is_of_machine(const struct relay_self *s, const struct address *a)
{
	for (size_t i = 0; i < s->n; i++)
		if (address_same_ip(&s->machine[i], a))
			return true;
	return false;
}

/* Do we listen there for mail? */
static bool
is_listening(const struct relay_self *s, const struct address *a)
{
	const struct conf_list *at = &s->conf->listen_smtp;

	for (size_t i = 0; i < at->n; i++) {
		struct address own;

		if (!address_parse(str_of(at->items[i]), &own) ||
		    address_port(&own) != address_port(a))
			continue;
		if (is_unspecified(&own) ? is_of_machine(s, a)
					 : address_same_ip(&own, a))
			return true;
	}
	return false;
}

struct relay_self *
relay_self_new(const struct conf *conf)
{
	struct relay_self *s = MEM_NEW(struct relay_self);

	s->conf = conf;
	relay_self_refresh(s);
	return s;
}

void
relay_self_free(struct relay_self *s)
{
	if (s == NULL)
		return;
	free(s->machine);
	free(s);
}

void
relay_self_refresh(struct relay_self *s)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) == -1)
		return; /* what was true a moment ago will do */
	s->n = 0;
	for (i = list; i != NULL; i = i->ifa_next) {
		struct address *to;

		if (i->ifa_addr == NULL ||
		    (i->ifa_addr->sa_family != AF_INET &&
			i->ifa_addr->sa_family != AF_INET6))
			continue;
		s->machine = mem_grow(s->machine, s->n + 1, sizeof(*to));
		to = &s->machine[s->n++];
		*to = (struct address){0};
		memcpy(&to->sa, i->ifa_addr,
		    i->ifa_addr->sa_family == AF_INET
			? sizeof(struct sockaddr_in)
			: sizeof(struct sockaddr_in6));
	}
	freeifaddrs(list);
}

bool
relay_self_is_name(const struct relay_self *s, struct str name)
{
	return str_eq_nocase(name, str_of(s->conf->server_hostname)) ||
	       str_eq_nocase(name, STR("localhost")) ||
	       str_ends_nocase(name, STR(".localhost")); /* RFC 6761 s6.3 */
}

bool
relay_self_is_address(const struct relay_self *s, const struct address *a)
{
	if (is_unspecified(a) || is_listening(s, a))
		return true;
	return !s->conf->relay_local_addresses &&
	       (address_is_loopback(a) || is_of_machine(s, a));
}
