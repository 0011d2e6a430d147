/* SPDX-License-Identifier: MIT */
/* Which TLS a server must have: DANE, MTA-STS, a smarthost's row, or nobody's
 * word.  First the rules alone, then against a server, where mail must never
 * leave in the clear. */
#include "maild/relay/safety.h"

#include "common/store/sql.h"
#include "tests/unit/maild/world.h"

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")
#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx.e.test\nmax_age: 86400\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.e.test\nmax_age: 86400\n"
#define NOT_IT  "version: STSv1\nmode: enforce\nmx: *.o.test\nmax_age: 86400\n"
#define NOT_IT_TESTING                                                         \
	"version: STSv1\nmode: testing\nmx: *.o.test\nmax_age: 86400\n"

/* ---- the rules */

struct rule {
	const char *policy;
	enum dane_result dane;
	bool secure;
	enum safety_law law;
	enum safety_bar bar;
	enum smtp_tls tls;
	bool guessed;
	const char *good, *bad; /* safety_tell() */
};

static const struct rule rules[] = {
    {NULL,	   DANE_NONE,     false, SAFETY_NONE,    SAFETY_OPEN,      SMTP_TLS_MAY,    true,
     ", opportunistic",																 ", opportunistic"   },
    {NULL,	   DANE_NONE,     true,  SAFETY_NONE,    SAFETY_OPEN,      SMTP_TLS_MAY,    false,
     ", opportunistic",																 ", opportunistic"   },
    {NULL,	   DANE_USABLE,   true,  SAFETY_DANE,    SAFETY_OPEN,      SMTP_TLS_VERIFY, false,
     ", verified by DANE",															      ", not verified"    },
    {NULL,	   DANE_UNUSABLE, true,  SAFETY_DANE,    SAFETY_OPEN,      SMTP_TLS_MUST,   false,
     ", required by DANE",															      ", required by DANE"},
    {NULL,	   DANE_UNKNOWN,  true,  SAFETY_DANE,    SAFETY_UNKNOWN,   SMTP_TLS_VERIFY,
     false,											  ", required by DANE",                              ", required by DANE"},
    {ENFORCE,        DANE_NONE,     false, SAFETY_STS,     SAFETY_OPEN,      SMTP_TLS_VERIFY, false,
     ", verified (MTA-STS)",															    ", not verified"    },
    {NOT_IT,         DANE_NONE,     false, SAFETY_STS,     SAFETY_NOT_NAMED, SMTP_TLS_VERIFY,
     true,											   ", verified (MTA-STS)",                            ", not verified"    },
    {TESTING,        DANE_NONE,     false, SAFETY_TESTING, SAFETY_OPEN,      SMTP_TLS_MAY,
     false,											  ", opportunistic (MTA-STS testing: verified)",
     ", opportunistic (MTA-STS testing: not verified)"														      },
    {NOT_IT_TESTING, DANE_NONE,     false, SAFETY_TESTING, SAFETY_OPEN,
     SMTP_TLS_MAY,									    true,  ", opportunistic (MTA-STS testing: not verified)",
     ", opportunistic (MTA-STS testing: not verified)"														      },
 /* DANE before MTA-STS; but where its records are of no use MTA-STS still
  * asks for more, and a policy that is only tested takes nothing away */
    {NOT_IT,         DANE_USABLE,   true,  SAFETY_DANE,    SAFETY_OPEN,      SMTP_TLS_VERIFY,
     false,											  ", verified by DANE",                              ", not verified"    },
    {ENFORCE,        DANE_UNUSABLE, true,  SAFETY_STS,     SAFETY_OPEN,      SMTP_TLS_VERIFY,
     false,											  ", verified (MTA-STS)",                            ", not verified"    },
    {TESTING,        DANE_UNUSABLE, true,  SAFETY_DANE,    SAFETY_OPEN,      SMTP_TLS_MUST,
     false,											  ", required by DANE",                              ", required by DANE"},
    {ENFORCE,        DANE_UNKNOWN,  true,  SAFETY_DANE,    SAFETY_UNKNOWN,   SMTP_TLS_VERIFY,
     false,											  ", required by DANE",                              ", required by DANE"},
};

static void
check_words(const struct safety *s, bool verified, const char *want)
{
	struct buf words;

	buf_init(&words, 200);
	safety_tell(s, verified, &words);
	CHECK_STR(words.data, want);
	buf_release(&words);
}

static void
test_rules(void)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		struct mtasts_policy policy;
		const char *why;
		struct safety_facts f = {
		    .dane = r->dane,
		    .secure = r->secure,
		    .domain = STR("e.test"),
		    .host = STR("mx.e.test"),
		};
		struct safety s;

		if (r->policy != NULL) {
			CHECK(mtasts_policy_parse(
			    str_of(r->policy), &policy, &why));
			f.sts = &policy;
		}
		s = safety_of(&f);
		CHECK(s.law == r->law && s.bar == r->bar && s.tls == r->tls);
		CHECK(s.guessed == r->guessed && !s.inside);
		CHECK(s.records == (r->dane == DANE_USABLE));
		check_words(&s, true, r->good);
		check_words(&s, false, r->bad);
		CHECK((safety_who(&s) != NULL) == (s.tls >= SMTP_TLS_MUST));
		f.host = f.domain; /* named by the sender */
		CHECK(!safety_of(&f).guessed);
	}
}

/* Who a person has named is asked for nothing else. */
static void
test_named(void)
{
	struct mtasts_policy policy;
	const char *why;
	struct safety_facts f = {
	    .named = true,
	    .dane = DANE_UNKNOWN,
	    .sts = &policy,
	    .domain = STR("e.test"),
	    .host = STR("smart.test"),
	};
	struct safety s;

	CHECK(mtasts_policy_parse(STR(NOT_IT), &policy, &why));
	s = safety_of(&f);
	CHECK(s.law == SAFETY_NONE && s.tls == SMTP_TLS_MAY && !s.guessed);
	f.login = true; /* never a password in the clear */
	s = safety_of(&f);
	CHECK(s.law == SAFETY_ADMIN && s.tls == SMTP_TLS_VERIFY && !s.inside);
	f.smarthost = SMARTHOST_TLS_INSIDE;
	s = safety_of(&f);
	CHECK(s.tls == SMTP_TLS_VERIFY && s.inside);
	f.login = false;
	f.smarthost = SMARTHOST_TLS_VERIFY;
	s = safety_of(&f);
	CHECK(s.tls == SMTP_TLS_VERIFY && !s.inside && s.bar == SAFETY_OPEN);
	check_words(&s, true, ", verified (smarthost)");
}

/* ---- against a server */

static const struct zone_row zone[] = {
    {"e.test",           DNS_MX,  "10 mx.e.test"       },
    {"mx.e.test",        DNS_A,   "127.0.0.2"          },
    {"_mta-sts.e.test",  DNS_TXT, "v=STSv1; id=1;"     },
    {"good.test",        DNS_MX,  "10 mx.good.test"    },
    {"mx.good.test",     DNS_A,   "127.0.0.2"          },
    {"bad.test",         DNS_MX,  "10 mx.bad.test"     },
    {"mx.bad.test",      DNS_A,   "127.0.0.2"          },
    {"unusable.test",    DNS_MX,  "10 mx.unusable.test"},
    {"mx.unusable.test", DNS_A,   "127.0.0.2"          },
    {"unknown.test",     DNS_MX,  "10 mx.unknown.test" },
    {"mx.unknown.test",  DNS_A,   "127.0.0.2"          },
};

#define N_ZONE (sizeof(zone) / sizeof(zone[0]))
#define N_TLSA 4

struct scene {
	struct world w;
	struct actor a;
	struct buf text;
	/* what port TLSA is for is known when it has been bound */
	struct zone_row zone[N_ZONE + N_TLSA];
	char names[N_TLSA][64];
};

static void
add_row(struct scene *s, size_t i, const char *host, const char *data)
{
	snprintf(
	    s->names[i], sizeof(s->names[i]), "_%u._tcp.%s", s->w.port, host);
	s->zone[N_ZONE + i] = (struct zone_row){s->names[i], DNS_TLSA, data};
}

static void
begin(struct scene *s)
{
	static const char other[] =
	    "030101"
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

	*s = (struct scene){0};
	memcpy(s->zone, zone, sizeof(zone));
	world_init(&s->w, s->zone, N_ZONE + N_TLSA);
	s->w.port = actor_start(&s->a, s->w.loop, "127.0.0.2", 0);
	s->a.tls = s->w.server;
	buf_init(&s->text, 1 * MB);
	add_row(s, 0, "mx.good.test", "CERT");
	add_row(s, 1, "mx.bad.test", other);
	add_row(s, 2, "mx.unusable.test", "000000");
	add_row(s, 3, "mx.unknown.test", "FAIL");
}

static void
end(struct scene *s)
{
	actor_stop(&s->a);
	buf_release(&s->text);
	world_release(&s->w);
}

enum deed {
	TLS_GOOD,
	NO_TLS,
	REFUSED,  /* 454 to STARTTLS */
	BROKEN,   /* no handshake follows */
	CUT,      /* the connection ends at STARTTLS */
	STRANGER, /* we do not know its CA */
};

struct row {
	const char *to, *policy;
	bool signed_dns;
	enum deed deed;
	bool sent;
	const char *words; /* of the journey */
};

static const struct row rows[] = {
  /* nobody asks for more */
    {"a@e.test",        NULL,           false, TLS_GOOD, true,  ", opportunistic: 250 "       },
    {"a@e.test",        NULL,           false, NO_TLS,   true,
     "in the clear (STARTTLS is not offered): 250 "                                           },
    {"a@e.test",        NULL,           false, REFUSED,  true,
     "in the clear (STARTTLS was refused: 454 4.7.0 not now): 250 "                           },
    {"a@e.test",        NULL,           false, BROKEN,   true,  "in the clear (TLS failed: "  },
    {"a@e.test",        NULL,           false, CUT,      true,
     "waiting for the reply to STARTTLS): 250 "                                               },
    {"a@e.test",        NULL,           false, STRANGER, true,  ", opportunistic: 250 "       },
    {"a@e.test",        NULL,           true,  NO_TLS,   true,
     "in the clear (STARTTLS is not offered): 250 "                                           },
 /* DANE */
    {"a@good.test",     NULL,           true,  TLS_GOOD, true,  ", verified by DANE: 250 "    },
    {"a@good.test",     NULL,           true,  STRANGER, true,  ", verified by DANE: 250 "    },
    {"a@good.test",     NULL,           true,  NO_TLS,   false,
     "4.7.4 TLS required by DANE but not offered"                                             },
    {"a@good.test",     NULL,           true,  REFUSED,  false,
     "4.7.4 TLS required by DANE but refused: 454 4.7.0 not now"                              },
    {"a@good.test",     NULL,           true,  BROKEN,   false,
     "4.7.5 TLS required by DANE: the handshake failed: "                                     },
    {"a@good.test",     NULL,           true,  CUT,      false, "4.4.2 "                      },
    {"a@good.test",     NULL,           false, NO_TLS,   true,
     "in the clear (STARTTLS is not offered): 250 "                                           },
    {"a@bad.test",      NULL,           true,  TLS_GOOD, false, "4.7.5 TLS required by DANE: "},
    {"a@bad.test",      NULL,           true,  NO_TLS,   false, "4.7.4 TLS required by DANE"  },
    {"a@unusable.test", NULL,           true,  STRANGER, true,  ", required by DANE: 250 "    },
    {"a@unusable.test", NULL,           true,  NO_TLS,   false,
     "4.7.4 TLS required by DANE"							     },
    {"a@unknown.test",  NULL,           true,  TLS_GOOD, false,
     "4.4.3 mx.unknown.test is not used now: whether it has TLSA records"                     },
 /* MTA-STS */
    {"a@e.test",        ENFORCE,        false, TLS_GOOD, true,  ", verified (MTA-STS): 250 "  },
    {"a@e.test",        ENFORCE,        false, STRANGER, false,
     "4.7.5 TLS required by MTA-STS: "							},
    {"a@e.test",        ENFORCE,        false, NO_TLS,   false,
     "4.7.4 TLS required by MTA-STS but not offered"                                          },
    {"a@e.test",        ENFORCE,        false, REFUSED,  false,
     "4.7.4 TLS required by MTA-STS but refused: "                                            },
    {"a@e.test",        ENFORCE,        false, BROKEN,   false,
     "4.7.5 TLS required by MTA-STS: the handshake failed: "                                  },
    {"a@e.test",        ENFORCE,        false, CUT,      false, "4.4.2 "                      },
    {"a@e.test",        TESTING,        false, CUT,      true,
     "waiting for the reply to STARTTLS): 250 "                                               },
    {"a@e.test",        NOT_IT,         false, TLS_GOOD, false,
     "4.7.5 mx.e.test is not one of the servers that the MTA-STS policy of "
	"e.test names"									},
    {"a@e.test",        TESTING,        false, TLS_GOOD, true,
     ", opportunistic (MTA-STS testing: verified): 250 "                                      },
    {"a@e.test",        TESTING,        false, STRANGER, true,
     ", opportunistic (MTA-STS testing: not verified): 250 "                                  },
    {"a@e.test",        TESTING,        false, NO_TLS,   true,
     "in the clear (STARTTLS is not offered): 250 "                                           },
    {"a@e.test",        NOT_IT_TESTING, false, NO_TLS,   true,
     "in the clear (STARTTLS is not offered): 250 "                                           },
};

static void
set_deed(struct scene *s, enum deed deed)
{
	s->w.conf->timeouts_handshake = 20000;
	if (deed != STRANGER)
		world_trust(&s->w);
	if (deed == NO_TLS)
		s->a.tls = NULL;
	if (deed == REFUSED)
		s->a.on[ACTOR_STARTTLS] = "454 4.7.0 not now\r\n";
	if (deed == CUT)
		s->a.on[ACTOR_STARTTLS] = ACTOR_CLOSE;
	if (deed == BROKEN) { /* 220, then silence */
		s->w.conf->timeouts_handshake = 200;
		s->a.on[ACTOR_STARTTLS] = "220 go\r\n";
	}
}

static void
test_row(const struct row *r)
{
	struct scene s;
	int64_t trace;

	begin(&s);
	set_deed(&s, r->deed);
	s.w.signed_dns = r->signed_dns;
	if (r->policy != NULL)
		world_policy(&s.w, "e.test", "1", r->policy);
	trace = world_queue(&s.w, "bob@d.test", r->to, MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	world_journey(&s.w, trace, &s.text);
	CHECK(world_has(&s.text, r->words));
	CHECK(s.a.messages == (r->sent ? 1 : 0));
	CHECK(world_queued(&s.w) == (r->sent ? 0 : 1));
	if (!r->sent) /* nothing of it was said there */
		CHECK(!str_find_str(
		    buf_str(&s.text), STR("in the clear"), &(size_t){0}));
	/* where it is not to go not even its sender is named */
	CHECK((s.a.mails.len > 0) == r->sent);
	world_attempts(&s.w, trace, &s.text);
	CHECK((s.text.len > 0) == !r->sent);
	if (!r->sent)
		CHECK(world_has(&s.text, "-- "));
	CHECK(s.w.metrics.n[METRIC_RELAYED] == (r->sent ? 1 : 0));
	CHECK(s.w.metrics.n[METRIC_DEFERRED] == (r->sent ? 0 : 1));
	CHECK((s.w.metrics.n[METRIC_TLS_REFUSED] > 0) ==
	      (!r->sent && r->deed != CUT));
	if (test_failures > 0)
		fprintf(stderr, "%s, deed %d, policy %s\n", r->to, r->deed,
		    r->policy != NULL ? r->policy : "none");
	end(&s);
}

static bool
one_is_left(void *arg)
{
	struct scene *s = arg;

	return s->a.messages > 0 && world_queued(&s->w) <= 1;
}

/* What no policy holds up (RFC 8689 s5) goes, though others have to wait; they
 * came first. */
static void
test_spared(void)
{
	struct delivery_target to = {.address = STR("a@e.test")};
	struct delivery d = {.sender = STR("bob@d.test"),
	    .targets = &to,
	    .n_targets = 1,
	    .tls_optional = true};
	struct scene s;
	int64_t first, second;

	begin(&s);
	set_deed(&s, NO_TLS);
	world_policy(&s.w, "e.test", "1", ENFORCE);
	first = world_queue(&s.w, "bob@d.test", "b@e.test", MESSAGE);
	second = world_deliver(&s.w, &d, MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, one_is_left, &s);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 1 && world_queued(&s.w) == 1);
	world_journey(&s.w, first, &s.text);
	CHECK(world_has(&s.text, "4.7.4 TLS required by MTA-STS"));
	world_journey(&s.w, second, &s.text);
	CHECK(world_has(&s.text, "in the clear (STARTTLS is not "
				 "offered): 250 "));
	CHECK(!str_find_str(buf_str(&s.text), STR("MTA-STS"), &(size_t){0}));
	end(&s);
}

static int
hide_policies(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(
	    db->sqlite, "ALTER TABLE sts_policy RENAME TO elsewhere", f);
}

/* A policy that cannot be read from the store: nothing goes as if there were
 * none, though whoever is in the way hides its record. */
static void
test_unreadable(void)
{
	struct scene s;
	int64_t trace;

	begin(&s);
	set_deed(&s, NO_TLS);
	world_policy(&s.w, "hidden.test", "1", ENFORCE);
	MUST(db_write(s.w.db, hide_policies, NULL, &f));
	trace = world_queue(&s.w, "bob@d.test", "a@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 0 && world_queued(&s.w) == 1);
	CHECK(s.w.metrics.n[METRIC_DEFERRED] == 1);
	world_journey(&s.w, trace, &s.text);
	CHECK(world_has(&s.text, "4.7.5 how safe mail for e.test must be is "
				 "not known now"));
	end(&s);
}

/* relay.dane off: as if there were no records. */
static void
test_dane_off(void)
{
	struct scene s;

	begin(&s);
	s.w.signed_dns = true;
	s.w.conf->relay_dane = false;
	s.a.tls = NULL;
	world_queue(&s.w, "bob@d.test", "a@good.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 1 && !s.a.last_secure);
	end(&s);
}

int
main(void)
{
	test_rules();
	test_named();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(&rows[i]);
	test_spared();
	test_unreadable();
	test_dane_off();
	return TEST_EXIT();
}
