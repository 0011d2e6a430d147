/* SPDX-License-Identifier: MIT */
#include "mailctl/dev_internet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/daemon/daemon.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "common/util/mem.h"
#include "mailctl/actors.h"
#include "mailctl/box_conf.h"
#include "mailctl/stubdns.h"

#define PATH_ROOM 4200
#define PORT_SMTP 25 /* relay.port unless it is set */

struct dev_internet {
	struct loop *loop;
	const struct log *log;
	struct internet *world;
	struct stubdns *dns;
	struct clock clock;
	struct actors *actors; /* NULL: not started */
	char dir[PATH_ROOM];
};

static void
add_habit(struct stubdns *dns, const struct internet_habit *h)
{
	static const int rcodes[INTERNET_MOODS_N] = {/* RFC 1035 s4.1.1 */
	    [INTERNET_SERVFAIL] = 2,
	    [INTERNET_NXDOMAIN] = 3,
	    [INTERNET_REFUSED] = 5};

	stubdns_behave(dns, &(struct stubdns_habit){.name = h->name,
				.type = h->type,
				.rcode = rcodes[h->mood],
				.empty = h->mood == INTERNET_NODATA,
				.silent = h->mood == INTERNET_DROP,
				.delay_ms = h->delay_ms});
}

struct dev_internet *
dev_internet_new(
    struct loop *l, const struct log *log, const char *file, struct fail *f)
{
	struct dev_internet *d = MEM_NEW(struct dev_internet);

	d->loop = l;
	d->log = log;
	d->world = internet_read(file, f);
	if (d->world != NULL)
		d->dns = stubdns_new(l, f);
	if (d->dns == NULL) {
		dev_internet_free(d);
		return NULL;
	}
	for (size_t i = 0; i < d->world->n_records; i++) {
		const struct internet_record *r = &d->world->records[i];

		stubdns_add(d->dns, r->name, r->type, buf_str(&r->rdata));
	}
	for (size_t i = 0; i < d->world->n_habits; i++)
		add_habit(d->dns, &d->world->habits[i]);
	return d;
}

const char *
dev_internet_dns(const struct dev_internet *d)
{
	return stubdns_address(d->dns);
}

/* Does the file itself say something of this name? */
static bool
is_said(const struct internet *world, const char *name)
{
	for (size_t i = 0; i < world->n_records; i++)
		if (strcmp(world->records[i].name, name) == 0 &&
		    (world->records[i].type == DNS_A ||
			world->records[i].type == DNS_AAAA))
			return true;
	return false;
}

/* Where the servers are, unless the file has them elsewhere. */
static void
publish(struct dev_internet *d)
{
	for (size_t i = 0; i < d->world->n_servers; i++) {
		const struct actor_rules *s = &d->world->servers[i];
		struct address at;
		uint8_t octets[16];
		size_t n;

		if (is_said(d->world, s->host))
			continue;
		address_from_ip(str_of(s->address), 0, &at);
		n = address_ip_bytes(&at, octets);
		stubdns_add(d->dns, s->host, n == 4 ? DNS_A : DNS_AAAA,
		    (struct str){(const char *)octets, n});
	}
}

static int
set_up(struct dev_internet *d, struct conf *conf, struct fail *f)
{
	char word[PATH_ROOM + 32];

	snprintf(word, sizeof(word), "relay.port=%u",
	    (unsigned)actors_port(d->actors));
	if (box_conf_set(conf, word, f) == -1)
		return -1;
	if (conf->relay_trust[0] != '\0')
		return 0;
	snprintf(word, sizeof(word), "relay.trust=%s/%s", d->dir, ACTORS_CA);
	return box_conf_set(conf, word, f);
}

int
dev_internet_start(
    struct dev_internet *d, const char *dir, struct conf *conf, struct fail *f)
{
	struct actors_options o = {
	    .loop = d->loop,
	    .clock = &d->clock,
	    .log = d->log,
	    .internet = d->world,
	    .dir = d->dir,
	};

	snprintf(d->dir, sizeof(d->dir), "%.4000s/internet", dir);
	if (d->world->n_servers == 0)
		return 0;
	if (mkdir(d->dir, 0700) == -1 && errno != EEXIST)
		return fail(
		    f, FAIL_PERM, "mkdir %s: %s", d->dir, strerror(errno));
	if (daemon_clock(conf, &d->clock, f) == -1)
		return -1;
	/* one that was asked for with --set, or any that is free */
	if (conf->relay_port != PORT_SMTP)
		o.port = (uint16_t)conf->relay_port;
	d->actors = actors_new(&o, f);
	if (d->actors == NULL)
		return -1;
	publish(d);
	return set_up(d, conf, f);
}

json_t *
dev_internet_describe(const struct dev_internet *d)
{
	json_t *all = json_pack("{s:s}", "dns", stubdns_address(d->dns));

	if (d->actors != NULL)
		json_object_update_new(
		    all, json_pack("{s:s, s:o, s:o}", "dir", d->dir, "ca",
			     json_sprintf("%s/%s", d->dir, ACTORS_CA),
			     "servers", actors_describe(d->actors)));
	return all;
}

void
dev_internet_stop(struct dev_internet *d)
{
	if (d == NULL)
		return;
	actors_stop(d->actors);
	stubdns_free(d->dns);
	d->dns = NULL;
}

void
dev_internet_free(struct dev_internet *d)
{
	if (d == NULL)
		return;
	actors_free(d->actors);
	stubdns_free(d->dns);
	clock_moved_release(&d->clock);
	internet_free(d->world);
	free(d);
}
