/* SPDX-License-Identifier: MIT */
/* Which servers were found by way of DNSSEC: RFC 7672 s2.2.1, s2.2.2. */
#include "common/util/rand.h"
#include "maild/relay/mx.h"
#include "tests/unit/maild/secure_zone.h"

static const struct answer_row zone[] = {
    {"d.test",           DNS_MX,    DNS_OK,       true,  NULL,      "10 mx.test"               },
    {"mx.test",          DNS_A,     DNS_OK,       true,  NULL,      "192.0.2.1"                },
    {"mx.test",          DNS_AAAA,  DNS_NODATA,   true,  NULL,      ""                         },
 /* an unsigned domain at a signed host */
    {"plain.test",       DNS_MX,    DNS_OK,       false, NULL,      "10 mx.test"               },
 /* a signed one at an unsigned host */
    {"out.test",         DNS_MX,    DNS_OK,       true,  NULL,      "10 mx.plain.test"         },
    {"mx.plain.test",    DNS_A,     DNS_OK,       false, NULL,      "192.0.2.2"                },
    {"mx.plain.test",    DNS_AAAA,  DNS_NODATA,   false, NULL,      ""                         },
 /* aliases */
    {"alias.test",       DNS_MX,    DNS_OK,       true,  NULL,      "10 al.test"               },
    {"al.test",          DNS_A,     DNS_OK,       true,  "mx.test", "192.0.2.1"                },
    {"al.test",          DNS_AAAA,  DNS_NODATA,   true,  "mx.test", ""                         },
    {"half.test",        DNS_MX,    DNS_OK,       true,  NULL,      "10 leaves.test"           },
    {"leaves.test",      DNS_A,     DNS_OK,       false, "x.plain", "192.0.2.3"                },
    {"leaves.test",      DNS_AAAA,  DNS_OK,       false, "x.plain", "2001:db8::3"              },
    {"leaves.test",      DNS_CNAME, DNS_OK,       true,  NULL,      ""                         },
    {"other.test",       DNS_MX,    DNS_OK,       true,  NULL,      "10 al.plain.test"         },
    {"al.plain.test",    DNS_A,     DNS_OK,       false, "mx.test", "192.0.2.1"                },
    {"al.plain.test",    DNS_CNAME, DNS_OK,       false, NULL,      ""                         },
    {"odd.test",         DNS_MX,    DNS_OK,       true,  NULL,      "10 odd.mx.test"           },
    {"odd.mx.test",      DNS_A,     DNS_OK,       false, "x.plain", "192.0.2.4"                },
    {"odd.mx.test",      DNS_CNAME, DNS_TEMPFAIL, false, NULL,      ""                         },
    {"spare.test",       DNS_MX,    DNS_OK,       true,  NULL,      "10 odd.mx.test,20 mx.test"},
    {"plain-alias.test", DNS_MX,    DNS_OK,       false, NULL,      "10 leaves.test"           },
 /* a domain that is an alias of another */
    {"aka.test",         DNS_MX,    DNS_OK,       true,  "d.test",  "10 mx.test"               },
    {"aka.plain.test",   DNS_MX,    DNS_OK,       false, "d.test",  "10 mx.test"               },
 /* no MX */
    {"implicit.test",    DNS_MX,    DNS_NODATA,   true,  NULL,      ""                         },
    {"implicit.test",    DNS_A,     DNS_OK,       true,  NULL,      "192.0.2.5"                },
    {"open.test",        DNS_MX,    DNS_NODATA,   false, NULL,      ""                         },
    {"open.test",        DNS_A,     DNS_OK,       true,  NULL,      "192.0.2.5"                },
 /* one family is forged */
    {"forged.test",      DNS_MX,    DNS_OK,       true,  NULL,      "10 forged.mx"             },
    {"forged.mx",        DNS_A,     DNS_OK,       true,  NULL,      "192.0.2.6"                },
    {"forged.mx",        DNS_AAAA,  DNS_TEMPFAIL, false, NULL,      ""                         },
    {"mixed.test",       DNS_MX,    DNS_OK,       true,  NULL,      "10 mixed.mx"              },
    {"mixed.mx",         DNS_A,     DNS_OK,       true,  "a.mx",    "192.0.2.7"                },
    {"mixed.mx",         DNS_AAAA,  DNS_OK,       false, NULL,      "2001:db8::7"              },
    {"storm.test",       DNS_MX,    DNS_TEMPFAIL, false, NULL,      ""                         },
};

/* want: a word for each target, "host/canonical" of a secure one, "(host)" of
 * one that is not; or what is said when there are none. */
static const struct row {
	const char *domain, *want, *expanded;
} rows[] = {
    {"d.test",           "mx.test/ ",					 ""      },
    {"plain.test",       "(mx.test) ",					""      },
    {"out.test",         "(mx.plain.test) ",                                  ""      },
    {"alias.test",       "al.test/mx.test ",                                  ""      },
    {"half.test",        "leaves.test/ leaves.test/ ",                        ""      },
    {"other.test",       "(al.plain.test) ",                                  ""      },
    {"odd.test",
     "4.4.3 odd.test cannot be found now: its mail server's name does not "
	"resolve (odd.mx.test: a storm)",				     NULL    },
    {"spare.test",       "mx.test/ ",					 ""      },
    {"plain-alias.test", "(leaves.test) (leaves.test) ",                      ""      },
    {"aka.test",         "mx.test/ ",					 "d.test"},
    {"aka.plain.test",   "(mx.test) ",					""      },
    {"implicit.test",    "implicit.test/ ",                                   ""      },
    {"open.test",        "(open.test) ",				      ""      },
    {"forged.test",      "forged.mx/ ",				       ""      },
    {"mixed.test",       "(mixed.mx) mixed.mx/a.mx ",                         ""      },
    {"[192.0.2.9]",      "([192.0.2.9]) ",                                    ""      },
    {"storm.test",       "4.4.3 storm.test cannot be looked up now: a storm", NULL    },
};

struct wait {
	struct loop *loop;
	const struct row *row;
	int calls;
};

static void
on_found(
    void *arg, const struct smtp_outcome *why, const struct mx_targets *targets)
{
	struct wait *w = arg;
	struct buf got;

	w->calls++;
	buf_init(&got, 64 * KB);
	if (why != NULL)
		buf_add(&got, buf_str(&why->text));
	for (size_t i = 0; why == NULL && i < targets->n; i++) {
		const struct mx_target *t = &targets->at[i];

		buf_addf(&got, t->secure ? "%s/%s " : "(%s%s) ", t->host,
		    t->canonical);
	}
	CHECK_STR(got.data, w->row->want);
	if (why == NULL && w->row->expanded != NULL)
		CHECK_STR(targets->expanded, w->row->expanded);
	CHECK((why != NULL) == (w->row->expanded == NULL));
	buf_release(&got);
	loop_stop(w->loop);
}

/* Without anything secure nobody is asked for more than without DNSSEC. */
static void
check_questions(const struct secure_zone *z, const struct row *row)
{
	bool alias = strcmp(row->domain, "half.test") == 0 ||
	             strcmp(row->domain, "other.test") == 0 ||
	             strcmp(row->domain, "odd.test") == 0 ||
	             strcmp(row->domain, "spare.test") == 0;
	size_t at;

	CHECK(str_find_str(buf_str(&z->asked), STR("CNAME"), &at) == alias);
}

int
main(void)
{
	struct conf *conf = conf_defaults();
	struct relay_self *self;
	struct secure_zone z;

	rand_init();
	conf->relay_local_addresses = true; /* whatever this machine has */
	self = relay_self_new(conf);
	zone_open(&z, zone, sizeof(zone) / sizeof(zone[0]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mx_options o = {.loop = z.loop,
		    .resolver = z.resolver,
		    .self = self,
		    .port = 2525};
		struct wait w = {z.loop, &rows[i], 0};
		struct mx *m;

		buf_clear(&z.asked);
		m = mx_new(&o, str_of(rows[i].domain), on_found, &w);
		loop_run(z.loop);
		CHECK(w.calls == 1);
		check_questions(&z, &rows[i]);
		mx_free(m);
		/* given up while asking */
		mx_free(mx_new(&o, str_of(rows[i].domain), on_found, &w));
		CHECK(w.calls == 1);
	}
	zone_close(&z);
	relay_self_free(self);
	conf_free(conf);
	return TEST_EXIT();
}
