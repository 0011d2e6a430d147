/* SPDX-License-Identifier: MIT */
/* Actors by conversation: each is held whole and in pieces down to an octet. */
#include <stdlib.h>

#include "mailctl/actor.h"
#include "mailctl/internet.h"
#include "tests/test.h"

static int64_t
fixed(void *arg)
{
	return *(int64_t *)arg;
}

/* What comes of it, in letters: T TLS, B begin, K keep, L leave, H hang, D
 * drop, C close. */
struct result {
	struct buf said, body;
	char events[64];
	size_t n;
	char to[200], from[200];
};

static void
note(struct result *r, char event)
{
	if (r->n < sizeof(r->events) - 1)
		r->events[r->n++] = event;
}

static bool
serve(struct actor *a, struct result *r, enum actor_event ev)
{
	switch (ev) {
	case ACTOR_MORE:
		break;
	case ACTOR_TLS:
		note(r, 'T');
		break;
	case ACTOR_BEGIN:
		note(r, 'B');
		break;
	case ACTOR_CHUNK:
		buf_add(&r->body, actor_chunk(a));
		break;
	case ACTOR_KEEP:
	case ACTOR_LEAVE:
		note(r, ev == ACTOR_KEEP ? 'K' : 'L');
		snprintf(r->from, sizeof(r->from), "%s", actor_sender(a));
		snprintf(r->to, sizeof(r->to), "%s",
		    actor_recipients(a)->at[actor_recipients(a)->n - 1]);
		break;
	case ACTOR_HANG:
	case ACTOR_DROP:
	case ACTOR_CLOSE:
		note(r, ev == ACTOR_HANG ? 'H' : ev == ACTOR_DROP ? 'D' : 'C');
		return false;
	}
	buf_add(&r->said, buf_str(actor_output(a)));
	buf_clear(actor_output(a));
	if (ev == ACTOR_TLS)
		actor_secured(a);
	return true;
}

/* The octets a client sends, so many at a time. */
static void
converse(struct actor *a, struct str all, size_t at_once, struct result *r)
{
	bool more = true;

	*r = (struct result){.n = 0};
	buf_init(&r->said, 64 * KB);
	buf_init(&r->body, 64 * KB);
	more = serve(a, r, actor_step(a, &(struct str){0}));
	while (more && all.len > 0) {
		struct str in = str_first(all, at_once);
		enum actor_event ev = ACTOR_CHUNK;

		all = str_after(all, in.len);
		while (more && (in.len > 0 || ev != ACTOR_MORE)) {
			ev = actor_step(a, &in);
			more = serve(a, r, ev);
		}
	}
	/* the last words of who goes */
	buf_add(&r->said, buf_str(actor_output(a)));
	r->events[r->n] = '\0';
}

static void
release(struct result *r)
{
	buf_release(&r->said);
	buf_release(&r->body);
}

#define EHLO "EHLO c.test\r\n"
#define MAIL "MAIL FROM:<a@c.test>\r\n"
#define RCPT "RCPT TO:<x@r.test>\r\n"
#define TEXT "DATA\r\nhi\r\n..dot\r\n.\r\n"
#define CAN                                                                    \
	"250-r.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"     \
	"250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"

static const struct conversation {
	const char *name, *rules, *client, *server, *events, *body;
} conversations[] = {
    {"a good server",         "{\"tls\": \"none\"}",                                        EHLO MAIL RCPT TEXT "QUIT\r\n",
     "220 r.test ESMTP\r\n" CAN "250 SIZE 52428800\r\n"
	"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n"
	"250 2.0.0 ok, it is mine\r\n221 2.0.0 bye\r\n",								  "BKC",  "hi\r\n.dot\r\n"              },
    {"two messages",          "{\"tls\": \"none\"}",
     "HELO c\r\n" MAIL RCPT TEXT MAIL RCPT TEXT,
     "220 r.test ESMTP\r\n250 r.test\r\n"
	"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n"
	"250 2.0.0 ok, it is mine\r\n"
	"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n"
	"250 2.0.0 ok, it is mine\r\n",										   "BKBK", "hi\r\n.dot\r\nhi\r\n.dot\r\n"},
    {"TLS forgets",           "{}",							 EHLO "STARTTLS\r\n" MAIL EHLO,
     "220 r.test ESMTP\r\n" CAN
	"250-STARTTLS\r\n250 SIZE 52428800\r\n220 2.0.0 go ahead\r\n"
	"503 5.5.1 not now\r\n" CAN "250-REQUIRETLS\r\n250 SIZE 52428800\r\n",
     "T",															 ""			    },
    {"order",		 "{\"tls\": \"none\"}",
     "MAIL FROM:<>\r\nHELO c\r\nRCPT TO:<x@y>\r\nDATA\r\nSTARTTLS\r\n"
	"WHAT\r\nNOOP\r\nVRFY x\r\nMAIL TO:<x>\r\n" MAIL "RSET\r\n" RCPT,
     "220 r.test ESMTP\r\n503 5.5.1 not now\r\n250 r.test\r\n"
	"503 5.5.1 not now\r\n503 5.5.1 no recipients\r\n"
	"502 5.5.1 not here\r\n500 5.5.1 what?\r\n250 2.0.0 ok\r\n"
	"252 2.5.2 try and see\r\n501 5.5.4 MAIL FROM:<address>\r\n"
	"250 2.1.0 ok\r\n250 2.0.0 ok\r\n503 5.5.1 not now\r\n",							  "",     ""			    },
    {"people",		"{\"full\": [\"bob\"], \"unknown\": \"carol@r.test\"}",
     "HELO c\r\n" MAIL "RCPT TO:<Bob@r.test>\r\nRCPT TO:<carol@r.test>\r\n"
	"RCPT TO:<carol@s.test>\r\nRCPT TO:<\"a>b\"@r.test> NOTIFY=NEVER\r\n",					      "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n"
	"452 4.2.2 the mailbox is full\r\n"
	"550 5.1.1 there is nobody of this name\r\n"
	"250 2.1.5 ok\r\n250 2.1.5 ok\r\n", "",     ""			    },
    {"nobody",		"{\"accept\": false}",					"HELO c\r\n" MAIL RCPT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n"
	"550 5.7.1 we take no mail\r\n",										  "",     ""			    },
    {"greylist",              "{\"greylist\": \"5m\"}",                                     "HELO c\r\n" MAIL RCPT RCPT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n"
	"450 4.7.1 greylisted, come back in 300 seconds\r\n"
	"450 4.7.1 greylisted, come back in 300 seconds\r\n",							     "",     ""			    },
    {"a script",              "{\"replies\": {\"RCPT\": [\"450 4.2.1 no\", \"250 yes\"]}}",
     "HELO c\r\n" MAIL RCPT RCPT RCPT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n450 4.2.1 no\r\n"
	"250 yes\r\n250 yes\r\n",											 "",     ""			    },
    {"too large, as it says", "{\"size\": 10}",
     "HELO c\r\nMAIL FROM:<> SIZE=11\r\nMAIL FROM:<> SIZE=10\r\n",							  "220 r.test ESMTP\r\n250 r.test\r\n552 5.3.4 too large for us\r\n"
	"250 2.1.0 ok\r\n",			     "",     ""			    },
    {"too large, as it is",   "{\"size\": 10}",
     "HELO c\r\n" MAIL RCPT "DATA\r\n0123456789\r\n.\r\nNOOP\r\n",
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
	"354 go on\r\n552 5.3.4 too large for us\r\n250 2.0.0 ok\r\n",						    "BL",   NULL			  },
    {"busy",		  "{\"replies\": {\"CONNECT\": \"554 no\"}}",                   "HELO c\r\n",
     "554 no\r\n",													"C",    ""                            },
    {"421 anywhere",          "{\"replies\": {\"MAIL\": \"421 4.3.2 bye\"}}",
     "HELO c\r\n" MAIL RCPT,
     "220 r.test ESMTP\r\n250 r.test\r\n421 4.3.2 bye\r\n",							       "C",    ""                            },
    {"silence",               "{\"replies\": {\"DATA\": \"hang\"}}",
     "HELO c\r\n" MAIL RCPT TEXT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n",						"H",    ""			    },
    {"silence in the body",   "{\"replies\": {\"BODY\": \"hang\"}}",
     "HELO c\r\n" MAIL RCPT TEXT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
	"354 go on\r\n",												  "BH",   ""			    },
    {"gone after the end",    "{\"replies\": {\".\": \"drop\"}}",
     "HELO c\r\n" MAIL RCPT TEXT,
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
	"354 go on\r\n",												  "BD",   "hi\r\n.dot\r\n"              },
    {"no after the end",      "{\"replies\": {\".\": \"451 4.3.0 no\"}}",
     "HELO c\r\n" MAIL RCPT TEXT "QUIT\r\n",
     "220 r.test ESMTP\r\n250 r.test\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
	"354 go on\r\n451 4.3.0 no\r\n221 2.0.0 bye\r\n",								 "BLC",  "hi\r\n.dot\r\n"              },
};

static void
check_conversation(const struct conversation *c, size_t at_once)
{
	static const char head[] = "{\"servers\": {\"r.test\": ";
	struct fail f = {0};
	struct buf text;
	struct internet *world;
	int64_t now = 1000;
	struct clock clock = {fixed, fixed, &now};
	struct actor *a;
	struct result r;

	buf_init(&text, 4 * KB);
	buf_addf(&text, "%s%s}}", head, c->rules);
	world = internet_parse("rules", buf_str(&text), &f);
	buf_release(&text);
	CHECK_STR(f.text, "");
	if (world == NULL)
		return;
	a = actor_new(&world->servers[0], &clock, "192.0.2.1",
	    world->servers[0].tls != ACTOR_TLS_NONE);
	converse(a, str_of(c->client), at_once, &r);
	if (!str_eq(buf_str(&r.said), str_of(c->server)))
		fprintf(stderr, "%s, %zu at once:\n", c->name, at_once);
	CHECK_STR(r.said.data != NULL ? r.said.data : "", c->server);
	CHECK_STR(r.events, c->events);
	if (c->body != NULL)
		CHECK_STR(r.body.data != NULL ? r.body.data : "", c->body);
	if (strchr(r.events, 'K') != NULL) {
		CHECK_STR(r.from, "a@c.test");
		CHECK_STR(r.to, "x@r.test");
	}
	release(&r);
	actor_free(a);
	actor_free(NULL);
	internet_free(world);
}

/* As time passes, and per address, sender and recipient. */
static void
check_greylist(void)
{
	struct actor_rules r = {.greylist_ms = 300000};
	char room[ACTOR_RCPT_ROOM];
	struct str to = STR("x@r.test"), other = STR("y@r.test");

#define ASK(peer, from, to, now) actor_rules_rcpt(&r, peer, from, to, now, room)
	CHECK_STR(ASK("192.0.2.1", "a", to, 1000),
	    "450 4.7.1 greylisted, come back in 300 seconds\r\n");
	CHECK_STR(ASK("192.0.2.1", "a", to, 300999),
	    "450 4.7.1 greylisted, come back in 1 seconds\r\n");
	CHECK_STR(ASK("192.0.2.1", "a", to, 301000), "250 2.1.5 ok\r\n");
	CHECK(ASK("192.0.2.2", "a", to, 301000)[0] == '4');
	CHECK(ASK("192.0.2.1", "b", to, 301000)[0] == '4');
	CHECK(ASK("192.0.2.1", "a", other, 301000)[0] == '4');
	for (int i = 0; i < ACTOR_MET_MAX; i++) {
		char from[20];

		snprintf(from, sizeof(from), "%d", i);
		ASK("192.0.2.3", from, to, 400000);
	}
	/* the oldest was forgotten for them */
	CHECK(ASK("192.0.2.1", "a", to, 500000)[0] == '4');
	actor_rules_release(&r);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(conversations) / sizeof(*conversations);
	     i++)
		for (size_t n = strlen(conversations[i].client); n > 0; n--)
			check_conversation(&conversations[i], n);
	check_greylist();
	return TEST_EXIT();
}
