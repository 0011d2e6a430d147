/* SPDX-License-Identifier: MIT */
/* Servers that a person has named: smarthosts with their logins, and what was
 * rerouted. */
#include "common/util/mem.h"
#include "maild/relay/smarthosts.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",        DNS_MX, "10 mx.other.test"},
    {"f.test",        DNS_MX, "10 mx.other.test"},
    {"mx.other.test", DNS_A,  "127.0.0.3"       },
    {"mx.e.test",     DNS_A,  "127.0.0.2"       }, /* whom the certificate names */
    {"mx.x.test",     DNS_A,  "127.0.0.2"       },
};

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")

struct scene {
	struct world w;
	struct actor smart, other; /* at .2, .3 */
	struct buf text;
};

static void
begin(struct scene *s)
{
	*s = (struct scene){0};
	world_init(&s->w, zone, sizeof(zone) / sizeof(zone[0]));
	world_trust(&s->w);
	buf_init(&s->text, 1 * MB);
	for (;;) { /* a port that is free on both */
		s->w.port = actor_start(&s->smart, s->w.loop, "127.0.0.2", 0);
		if (actor_start(&s->other, s->w.loop, "127.0.0.3", s->w.port) !=
		    0)
			break;
		actor_stop(&s->smart);
		actor_stop(&s->other);
	}
	s->smart.tls = s->w.server;
	s->smart.offers = "250-AUTH PLAIN LOGIN\r\n";
}

static void
end(struct scene *s)
{
	actor_stop(&s->smart);
	actor_stop(&s->other);
	buf_release(&s->text);
	world_release(&s->w);
}

static void
name_smarthost(struct scene *s, const char *domain, const char *host,
    enum smarthost_tls tls, const char *login)
{
	const struct smarthost row = {
	    .domain = str_of(domain),
	    .host = str_of(host),
	    .port = s->w.port,
	    .tls = tls,
	    .login = str_of(login),
	};

	world_smarthost(&s->w, &row, login[0] != '\0' ? "open sesame" : "");
}

/* "\0ann\0open sesame" */
#define PLAIN "AUTH PLAIN AGFubgBvcGVuIHNlc2FtZQ==\n"

static const struct row {
	const char *host;
	enum smarthost_tls tls;
	const char *login;
	bool offers_tls, offers_auth, sent;
	const char *reply; /* to AUTH, or NULL */
	const char *words; /* of the journey */
} rows[] = {
    {"mx.e.test",   SMARTHOST_TLS_VERIFY, "ann", true,  true,  true,  NULL,
     ", verified (smarthost): 250 "										     },
    {"mx.e.test",   SMARTHOST_TLS_INSIDE, "ann", true,  true,  true,  NULL,
     ", verified (smarthost): 250 "										     },
    {"mx.e.test",   SMARTHOST_TLS_VERIFY, "",    true,  false, true,  NULL,
     ", verified (smarthost): 250 "										     },
    {"mx.e.test",   SMARTHOST_TLS_MAY,    "",    false, false, true,  NULL,
     "in the clear (STARTTLS is not offered): 250 "								     },
    {"[127.0.0.2]", SMARTHOST_TLS_MAY,    "",    true,  false, true,  NULL,
     ", opportunistic: 250 "											    },
 /* a password never goes but to who is verified, whatever the row says */
    {"mx.e.test",   SMARTHOST_TLS_MAY,    "ann", true,  true,  true,  NULL,
     ", verified (smarthost): 250 "										     },
    {"mx.e.test",   SMARTHOST_TLS_MAY,    "ann", false, true,  false, NULL,
     "4.7.4 TLS required by the smarthost's settings but not offered"                                                   },
    {"mx.x.test",   SMARTHOST_TLS_VERIFY, "ann", true,  true,  false, NULL,
     "4.7.5 TLS required by the smarthost's settings: "								 },
    {"mx.x.test",   SMARTHOST_TLS_INSIDE, "ann", true,  true,  false, NULL,
     "4.7.5 TLS required by the smarthost's settings: "								 },
    {"mx.e.test",   SMARTHOST_TLS_VERIFY, "ann", true,  false, false, NULL,
     "4.7.0 cannot log in as ann: the other server does not offer AUTH"                                                 },
    {"mx.e.test",   SMARTHOST_TLS_VERIFY, "ann", true,  true,  false,
     "535 5.7.8 who?\r\n",						  "4.7.8 cannot log in as ann: 535 5.7.8 who?"},
    {"gone.test",   SMARTHOST_TLS_VERIFY, "ann", true,  true,  false, NULL,
     "4.4.4 gone.test has no address"										   },
};

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct scene s;
		int64_t trace;

		begin(&s);
		name_smarthost(&s, "*", r->host, r->tls, r->login);
		s.smart.inside = r->tls == SMARTHOST_TLS_INSIDE;
		s.smart.on[ACTOR_AUTH] = r->reply;
		if (!r->offers_tls)
			s.smart.tls = NULL;
		if (!r->offers_auth)
			s.smart.offers = NULL;
		trace = world_queue(
		    &s.w, "bob@d.test", "alice@e.test", MESSAGE);
		world_start(&s.w);
		world_wait_idle(&s.w);
		world_journey(&s.w, trace, &s.text);
		CHECK(world_has(&s.text, r->words));
		CHECK(s.smart.messages == (r->sent ? 1 : 0));
		CHECK(world_queued(&s.w) == (r->sent ? 0 : 1));
		CHECK(s.smart.mails.len > 0 || !r->sent);
		CHECK(s.other.connections == 0);
		if (r->sent && r->login[0] != '\0')
			CHECK_STR(s.smart.auths.data, PLAIN);
		else if (r->reply == NULL)
			CHECK(s.smart.auths.len == 0);
		world_attempts(&s.w, trace, &s.text);
		if (r->reply != NULL)
			CHECK(world_has(&s.text, "C: AUTH PLAIN ***\n"));
		CHECK(!str_find_str(
		    buf_str(&s.text), STR("AGFub"), &(size_t){0}));
		world_log(&s.w, &s.text);
		CHECK(!str_find_str(
		    buf_str(&s.text), STR("sesame"), &(size_t){0}));
		end(&s);
	}
}

/* Its own row before that of all; and no MX is asked where there is a row. */
static void
test_which(void)
{
	struct scene s;

	begin(&s);
	s.smart.tls = NULL;
	name_smarthost(&s, "f.test", "mx.e.test", SMARTHOST_TLS_MAY, "");
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_queue(&s.w, "bob@d.test", "alice@f.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.smart.messages == 1 && s.other.messages == 1);
	CHECK(world_has(&s.smart.rcpts, "<alice@f.test>"));
	end(&s);
}

struct remade {
	struct world *w;
	const char *domain, *host;
};

static bool
is_known_as(void *arg)
{
	const struct remade *r = arg;
	const char *password;
	const struct smarthost *s;

	if (!smarthosts_are_known(r->w->smarthosts))
		return false;
	s = smarthosts_find(r->w->smarthosts, str_of(r->domain), &password);
	return s != NULL && str_eq(s->host, str_of(r->host));
}

static const struct zone_row twice[] = {
    {"mx.e.test", DNS_A, "127.0.0.2,127.0.0.3"},
};

/* A login that was refused is not tried at the next address, nor again for the
 * next domain; until somebody has changed something. */
static void
test_refused(void)
{
	struct scene s;
	int64_t first, second;
	const char *why;
	bool first_was;

	begin(&s);
	s.w.zone = twice;
	s.w.n_zone = 1;
	s.w.conf->relay_connections_per_destination = 1;
	s.other.tls = s.w.server;
	s.other.offers = s.smart.offers;
	s.smart.on[ACTOR_AUTH] = s.other.on[ACTOR_AUTH] = "535 5.7.8 who?\r\n";
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_VERIFY, "ann");
	first = world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	second = world_queue(&s.w, "bob@d.test", "alice@f.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.smart.connections + s.other.connections == 1);
	CHECK(s.smart.auths.len + s.other.auths.len == strlen(PLAIN));
	CHECK(world_queued(&s.w) == 2);
	world_journey(&s.w, first, &s.text);
	first_was = str_find_str(
	    buf_str(&s.text), STR("4.7.8 cannot log in as"), &(size_t){0});
	if (!first_was) /* they have no order */
		second = first;
	world_journey(&s.w, second, &s.text);
	CHECK(world_has(&s.text, "4.7.8 not tried again yet at the smarthost "
				 "mx.e.test: cannot log in as ann: 535 5.7.8"));
	CHECK(!smarthosts_may_log_in(
	    s.w.smarthosts, STR("*"), clock_lapse_ms(&s.w.clock), &why));
	end(&s);
}

/* The waits: each twice as long, one may try when it is over. */
static void
test_logins(void)
{
	const struct str no = STR("no");
	struct smarthosts *at;
	struct remade r;
	struct scene s;
	const char *why;

	begin(&s);
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_VERIFY, "ann");
	world_start(&s.w);
	r = (struct remade){&s.w, "e.test", "mx.e.test"};
	world_wait(&s.w, is_known_as, &r);
	at = s.w.smarthosts;
	CHECK(smarthosts_may_log_in(at, STR("*"), 0, &why));
	smarthosts_login(at, STR("*"), 0, &no);
	smarthosts_login(at, STR("*"), 100, &no); /* begun before */
	CHECK(!smarthosts_may_log_in(at, STR("*"), 299999, &why));
	CHECK_STR(why, "no");
	CHECK(smarthosts_may_log_in(at, STR("*"), 300000, &why));
	CHECK(!smarthosts_may_log_in(at, STR("*"), 300000, &why));
	smarthosts_login(at, STR("*"), 300000, &no);
	CHECK(!smarthosts_may_log_in(at, STR("*"), 899999, &why));
	CHECK(smarthosts_may_log_in(at, STR("*"), 900000, &why));
	smarthosts_login(at, STR("*"), 900000, NULL);
	CHECK(smarthosts_may_log_in(at, STR("*"), 900000, &why));
	smarthosts_login(at, STR("*"), 900000, &no);
	smarthosts_reload(at);
	world_wait(&s.w, is_known_as, &r);
	CHECK(smarthosts_may_log_in(at, STR("*"), 900001, &why));
	end(&s);
}

static bool
is_through(void *arg)
{
	const struct scene *s = arg;

	return s->smart.messages == 5 && relay_active(s->w.relay) == 0;
}

/* One server bears what relay.connections_per_destination says, however many
 * domains lead to it; and who lingers there gives way. */
static void
test_crowd(void)
{
	static const char *const to[] = {
	    "a@a.test", "b@b.test", "c@c.test", "d@e.test", "e@f.test"};
	struct scene s;

	begin(&s);
	s.smart.tls = NULL;
	s.w.conf->relay_connections_per_destination = 2;
	s.w.conf->relay_linger = 300000;
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_MAY, "");
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		world_queue(&s.w, "bob@d.test", to[i], MESSAGE);
	world_start(&s.w);
	/* the last ones linger on: it is not idle for minutes */
	world_wait(&s.w, is_through, &s);
	CHECK(s.smart.messages == 5 && s.smart.most_at_once <= 2);
	CHECK(world_queued(&s.w) == 0);
	end(&s);
}

static int
reroute(struct db *db, void *arg, struct fail *f)
{
	struct queue_command *c = arg;
	size_t changed;

	return queue_change(db, c, &changed, f);
}

/* "=host:port": there, whatever the row of all says, and never a login. */
static void
test_rerouted(void)
{
	struct scene s;
	char to[64];
	struct queue_command c = {.order = QUEUE_REROUTE};

	begin(&s);
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_VERIFY, "ann");
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	snprintf(to, sizeof(to), "=[127.0.0.3]:%u", s.w.port);
	c.to = str_of(to);
	c.now_ms = clock_wall_ms(&s.w.clock);
	MUST(db_write(s.w.db, reroute, &c, &f));
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.other.messages == 1 && s.smart.connections == 0);
	CHECK(s.other.auths.len == 0);
	end(&s);
}

/* What mailctl changes counts when it is told. */
static void
test_reload(void)
{
	struct scene s;
	struct remade r = {&s.w, "e.test", "mx.e.test"};
	const char *password;

	begin(&s);
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_VERIFY, "ann");
	world_start(&s.w);
	world_wait(&s.w, is_known_as, &r);
	CHECK(smarthosts_find(s.w.smarthosts, STR("e.test"), &password)->tls ==
	      SMARTHOST_TLS_VERIFY);
	CHECK_STR(password, "open sesame");
	name_smarthost(&s, "e.test", "mx.x.test", SMARTHOST_TLS_MAY, "");
	smarthosts_reload(s.w.smarthosts);
	smarthosts_reload(s.w.smarthosts); /* while it is being read */
	r.host = "mx.x.test";
	world_wait(&s.w, is_known_as, &r);
	r = (struct remade){&s.w, "f.test", "mx.e.test"};
	CHECK(is_known_as(&r));
	CHECK(
	    smarthosts_find(s.w.smarthosts, STR("e.test"), &password) != NULL &&
	    password == NULL);
	end(&s);
}

/* A reading that is under way, and another that is wanted, at the end: none
 * begins in a store that is closed. */
static void
test_stop(void)
{
	struct scene s;
	struct remade r = {&s.w, "e.test", "mx.e.test"};

	begin(&s);
	name_smarthost(&s, "*", "mx.e.test", SMARTHOST_TLS_VERIFY, "ann");
	world_start(&s.w);
	world_wait(&s.w, is_known_as, &r);
	smarthosts_reload(s.w.smarthosts);
	smarthosts_reload(s.w.smarthosts);
	smarthosts_stop(s.w.smarthosts);
	smarthosts_reload(s.w.smarthosts); /* told too late */
	CHECK(!smarthosts_are_known(s.w.smarthosts));
	end(&s);
}

int
main(void)
{
	test_rows();
	test_which();
	test_refused();
	test_logins();
	test_crowd();
	test_rerouted();
	test_reload();
	test_stop();
	return TEST_EXIT();
}
