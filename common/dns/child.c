/* SPDX-License-Identifier: MIT */
#include "common/dns/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/util/mem.h"

#define RECORDS_MAX   100 /* what struct dns_answer promises */
#define CLASS_IN      1
#define WORDS_MAX     256
#define NAME_TEXT_MAX 254
#define TRUST_ANCHOR  "/usr/share/dns/root.key" /* Debian's dns-root-data */

/* Answered by the child itself: `invalid' is one of its own zones. */
#define NAME_TO_START_WITH "pennypost.invalid"

struct dns_child {
	struct ub_ctx *ctx;
};

struct option {
	const char *name, *value;
};

/* The library's own sizes are for a program that asks a few questions.  Zones
 * are opened by `transparent': `nodefault' has no effect this way (1.17). */
static const struct option always[] = {
    {"msg-cache-size:",         "8m"               },
    {"rrset-cache-size:",       "16m"              },
    {"num-queries-per-thread:", "1024"             },
    {"outgoing-range:",         "256"              },
    {"edns-buffer-size:",       "1232"             },
    {"do-not-query-localhost:", "no"               }, /* resolvers live on 127.0.0.53 */
    {"local-zone:",             "test. transparent"},
    {NULL,		      NULL	       },
};

/* A server that was named in the configuration is asked for all names, also
 * those that RFC 6303 and RFC 6761 keep from the root servers. */
static const struct option when_forwarding[] = {
    {"unblock-lan-zones:",  "yes"				  },
    {"local-zone:",         "localhost. transparent"               },
    {"local-zone:",         "home.arpa. transparent"               },
    {"local-zone:",         "127.in-addr.arpa. transparent"        },
    {"local-zone:",         "254.169.in-addr.arpa. transparent"    },
    {"local-zone:",         "2.0.192.in-addr.arpa. transparent"    },
    {"local-zone:",         "100.51.198.in-addr.arpa. transparent" },
    {"local-zone:",         "113.0.203.in-addr.arpa. transparent"  },
    {"local-zone:",         "8.b.d.0.1.0.0.2.ip6.arpa. transparent"},
    {"local-zone:",
     "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	"ip6.arpa. transparent"				    },
    {"infra-keep-probing:", "yes"				  }, /* it is the only one we have */
    {NULL,		  NULL				   },
};

static const struct option without_anchor[] = {
    {"module-config:", "iterator"},
    {NULL,	     NULL      },
};

static int
set_options(struct ub_ctx *ctx, const struct option *o, struct fail *f)
{
	int rc;

	for (; o->name != NULL; o++)
		if ((rc = ub_ctx_set_option(ctx, o->name, o->value)) != 0)
			return fail(f, FAIL_TEMP, "libunbound: %s %s: %s",
			    o->name, o->value, ub_strerror(rc));
	return 0;
}

/* It is read when the process is forked, and what is wrong with it is not said
 * then. */
static int
set_anchor(struct ub_ctx *ctx, const char *anchor, struct fail *f)
{
	int rc;

	if (access(anchor, R_OK) == -1)
		return fail(f, FAIL_PERM, "dns trust_anchor: %s: %s", anchor,
		    strerror(errno));
	if ((rc = ub_ctx_add_ta_file(ctx, anchor)) != 0)
		return fail(f, FAIL_PERM, "dns trust_anchor: %s: %s", anchor,
		    ub_strerror(rc));
	return 0;
}

/* "127.0.0.1:5353" is "127.0.0.1@5353" to libunbound. */
static int
set_forward(struct ub_ctx *ctx, const char *forward, struct fail *f)
{
	char ip[ADDRESS_TEXT_MAX], text[ADDRESS_TEXT_MAX + 8];
	struct address a;
	int rc;

	if (!address_parse(str_of(forward), &a))
		return fail(f, FAIL_PERM, "dns forward: %s is not address:port",
		    forward);
	snprintf(text, sizeof(text), "%s@%u", address_ip_text(&a, ip),
	    (unsigned)address_port(&a));
	if ((rc = ub_ctx_set_fwd(ctx, text)) != 0)
		return fail(
		    f, FAIL_PERM, "dns forward: %s: %s", text, ub_strerror(rc));
	return set_options(ctx, when_forwarding, f);
}

/* Without one there is nothing to validate with. */
static int
set_validation(struct ub_ctx *ctx, const char *anchor, struct fail *f)
{
	if (anchor == NULL)
		return set_options(ctx, without_anchor, f);
	return set_anchor(ctx, anchor, f);
}

static const char *
text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

static int
configure(struct ub_ctx *ctx, const struct resolver_options *o, struct fail *f)
{
	const char *forward = text_or_null(o->forward),
		   *anchor = text_or_null(o->anchor);
	int rc;

	ub_ctx_debugout(ctx, NULL); /* its words are not log lines of ours */
	if ((rc = ub_ctx_async(ctx, 0)) != 0)
		return fail(f, FAIL_TEMP, "libunbound: %s", ub_strerror(rc));
	if (set_options(ctx, always, f) == -1)
		return -1;
	if (forward != NULL) {
		if (set_forward(ctx, forward, f) == -1)
			return -1;
	} else {
		/* without a readable resolv.conf libunbound starts at the root
		 * servers */
		ub_ctx_resolvconf(ctx, NULL);
		if (anchor == NULL && access(TRUST_ANCHOR, R_OK) == 0)
			anchor = TRUST_ANCHOR;
	}
	return set_validation(ctx, anchor, f);
}

static enum dns_status
judge(const struct ub_result *r, char words[WORDS_MAX], const char **why)
{
	if (r->bogus) {
		snprintf(words, WORDS_MAX, DNS_WHY_BOGUS "%s",
		    r->why_bogus != NULL ? r->why_bogus : "validation failed");
		*why = words;
		return DNS_TEMPFAIL;
	}
	if (r->rcode == 0 && r->havedata)
		return DNS_OK;
	if (r->rcode == 0)
		return DNS_NODATA;
	if (r->rcode == 3)
		return DNS_NXDOMAIN;
	*why = r->rcode == 2   ? "the name server failed (SERVFAIL)"
	       : r->rcode == 5 ? "the name server refused (REFUSED)"
	                       : "the name server gave an error";
	return DNS_TEMPFAIL;
}

/* libunbound ends it with a dot; a name with escapes is nobody's. */
static const char *
canonical_of(const struct ub_result *r, char out[NAME_TEXT_MAX])
{
	struct str name = str_of(r->canonname);
	size_t n;

	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len >= NAME_TEXT_MAX ||
	    str_find(name, '\\', &n) || str_eq_nocase(name, str_of(r->qname)))
		return NULL;
	for (n = 0; n < name.len; n++)
		out[n] = str_lower(name.at[n]);
	out[n] = '\0';
	return out;
}

/* libunbound gives rdata with names uncompressed. */
static void
on_answer(void *arg, int err, struct ub_result *r)
{
	struct dns_asked *q = arg;
	struct dns_record records[RECORDS_MAX];
	struct dns_answer a = {.status = DNS_TEMPFAIL, .records = records};
	char words[WORDS_MAX], name[NAME_TEXT_MAX];

	if (q != NULL) {
		if (err != 0 || r == NULL)
			a.why = err != 0 ? ub_strerror(err) : "no answer";
		else
			a.status = judge(r, words, &a.why);
		if (a.status == DNS_OK)
			for (; a.n < RECORDS_MAX && r->data[a.n] != NULL; a.n++)
				records[a.n].data = (struct str){
				    r->data[a.n], (size_t)r->len[a.n]};
		if (a.status != DNS_TEMPFAIL) {
			a.secure = r->secure;
			a.ttl_s = r->ttl > 0 ? (uint32_t)r->ttl : 0;
			a.canonical = canonical_of(r, name);
		}
		q->fn(q->arg, &a);
	}
	if (r != NULL)
		ub_resolve_free(r);
}

struct dns_child *
dns_child_new(const struct resolver_options *o, struct fail *f)
{
	struct dns_child *c = MEM_NEW(struct dns_child);
	const char *anchor = text_or_null(o->anchor);
	int rc;

	signal(SIGPIPE, SIG_IGN);
	if ((c->ctx = ub_ctx_create()) == NULL) {
		fail(f, FAIL_TEMP, "libunbound cannot be set up");
		goto bad;
	}
	if (configure(c->ctx, o, f) == -1)
		goto bad;
	/* the first question is what makes it fork */
	rc = ub_resolve_async(
	    c->ctx, NAME_TO_START_WITH, DNS_A, CLASS_IN, NULL, on_answer, NULL);
	if (rc != 0) {
		fail(f, FAIL_TEMP, "libunbound cannot start%s%s: %s",
		    anchor != NULL ? " with the trust anchors of " : "",
		    anchor != NULL ? anchor : "", ub_strerror(rc));
		goto bad;
	}
	return c;
bad:
	dns_child_free(c);
	return NULL;
}

void
dns_child_free(struct dns_child *c)
{
	if (c == NULL)
		return;
	ub_ctx_delete(c->ctx);
	free(c);
}

int
dns_child_fd(const struct dns_child *c)
{
	return ub_fd(c->ctx);
}

int
dns_child_read(struct dns_child *c, struct fail *f)
{
	int rc = ub_process(c->ctx);

	if (rc == 0)
		return 0;
	return fail(f, FAIL_TEMP, "the resolver died: %s", ub_strerror(rc));
}

int
dns_child_ask(struct dns_child *c, const char *name, enum dns_type type,
    struct dns_asked *q, struct fail *f)
{
	int rc = ub_resolve_async(
	    c->ctx, name, (int)type, CLASS_IN, q, on_answer, &q->id);

	if (rc == 0)
		return 0;
	return fail(f, FAIL_TEMP, "the resolver died: %s", ub_strerror(rc));
}

void
dns_child_cancel(struct dns_child *c, const struct dns_asked *q)
{
	ub_cancel(c->ctx, q->id); /* fails if the child is dead: all the same */
}
