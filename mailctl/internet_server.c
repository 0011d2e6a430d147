/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/net/address.h"
#include "mailctl/internet_reading.h"
#include "mailctl/internet_reply.h"

#define KNOWN_MOST 400
#define HOST_OCTETS                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static int
read_address(struct reading *r, const json_t *value, struct actor_rules *s)
{
	struct address a;

	if (!json_is_string(value) ||
	    !address_from_ip(reading_string(value), 0, &a) ||
	    !address_is_loopback(&a))
		return reading_refuse(r, false,
		    "it must be a loopback address like \"127.0.0.9\"");
	s->address = mem_dup(reading_string(value));
	return 0;
}

static int
read_replies(struct reading *r, const json_t *value, struct actor_rules *s)
{
	json_t *member;
	const char *key;
	int rc = json_is_object(value) ? 0 : -1;

	if (rc == -1)
		return reading_refuse(
		    r, false, "it must be like {\"RCPT\": \"450 4.2.1 busy\"}");
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		char why[200];
		size_t at;

		reading_enter(r, key);
		rc = internet_reply_read(key, member, s, &at, why, sizeof(why));
		if (rc == -1 && json_is_array(member) && at != SIZE_MAX)
			reading_enter_number(r, at);
		if (rc == -1) /* the reading ends here: nothing is left */
			return reading_refuse(r, at == SIZE_MAX, "%s", why);
		reading_leave(r);
	}
	return 0;
}

static int
read_tls(struct reading *r, const json_t *value, struct actor_rules *s)
{
	static const char *const words[] = {
#define T(name, word) word,
	    ACTOR_TLS_KINDS(T)
#undef T
	};
	int kind = reading_word(r, value, words, ACTOR_TLS_N);

	s->tls = kind != -1 ? (enum actor_tls)kind : s->tls;
	return kind != -1 ? 0 : -1;
}

static int
read_greylist(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return reading_duration(r, value, &s->greylist_ms);
}

static int
read_delay(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return reading_duration(r, value, &s->delay_ms);
}

static int
read_drip(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return reading_duration(r, value, &s->drip_ms);
}

static int
read_size(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return reading_count(r, value, &s->size);
}

static int
read_window(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return reading_count(r, value, &s->window);
}

static int
read_people(struct reading *r, const json_t *value, struct actor_words *out)
{
	const json_t *one;

	for (size_t n = 0; (one = reading_element(value, n)) != NULL; n++) {
		if (!json_is_string(one))
			return reading_refuse(r, false,
			    "it must be names like [\"bob\"], or addresses");
		actor_words_add(out, reading_string(one));
	}
	return 0;
}

static int
read_full(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return read_people(r, value, &s->full);
}

static int
read_unknown(struct reading *r, const json_t *value, struct actor_rules *s)
{
	return read_people(r, value, &s->unknown);
}

static int
read_accept(struct reading *r, const json_t *value, struct actor_rules *s)
{
	s->refuses = json_is_false(value);
	return json_is_boolean(value)
	           ? 0
	           : reading_refuse(r, false, "it must be true or false");
}

static const struct member {
	const char *name;
	int (*read)(
	    struct reading *r, const json_t *value, struct actor_rules *s);
} members[] = {
    {"address",  read_address },
    {"replies",  read_replies },
    {"tls",      read_tls     },
    {"greylist", read_greylist},
    {"delay",    read_delay   },
    {"drip",     read_drip    },
    {"size",     read_size    },
    {"window",   read_window  },
    {"full",     read_full    },
    {"unknown",  read_unknown },
    {"accept",   read_accept  },
};
#define N_MEMBERS (sizeof(members) / sizeof(*members))

static int
refuse_member(struct reading *r, const char *key)
{
	struct buf known;

	buf_init(&known, KNOWN_MOST);
	for (size_t i = 0; i < N_MEMBERS; i++)
		buf_addf(&known, "%s%s", i == 0 ? "" : ", ", members[i].name);
	reading_refuse(r, true, "a server has no \"%s\", only: %.*s", key,
	    STR_FMT(buf_str(&known)));
	buf_release(&known);
	return -1;
}

int
internet_read_server(struct reading *r, const char *host, json_t *value)
{
	struct internet *i = r->out;
	struct actor_rules *s;
	const char *key;
	json_t *member;
	int rc = 0;

	if (i->n_servers == INTERNET_SERVERS_MAX)
		return reading_refuse(
		    r, true, "%d servers are the most", INTERNET_SERVERS_MAX);
	if (strspn(host, HOST_OCTETS) != strlen(host))
		return reading_refuse(r, true, "\"%s\" is no host name", host);
	if (!json_is_object(value))
		return reading_refuse(r, false,
		    "it must be {} or what it does, "
		    "like {\"greylist\": \"5m\"}");
	i->servers = mem_grow(
	    i->servers, i->n_servers + 1, sizeof(*i->servers));
	s = &i->servers[i->n_servers++];
	*s = (struct actor_rules){.host = reading_name(str_of(host))};
	json_object_foreach(value, key, member)
	{
		size_t m = 0;

		while (m < N_MEMBERS && strcmp(members[m].name, key) != 0)
			m++;
		reading_enter(r, key);
		rc = m < N_MEMBERS ? members[m].read(r, member, s)
		                   : refuse_member(r, key);
		if (rc == -1)
			return -1;
		reading_leave(r);
	}
	return 0;
}
