/* SPDX-License-Identifier: MIT */
#include "common/dns/child_server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

#include "common/dns/child_wire.h"
#include "common/net/address.h"
#include "common/util/mem.h"

#define CLASS_IN      1
#define DNS_PORT      53
#define WORDS_MAX     256
#define NAME_TEXT_MAX 254
#define PENDING_MAX   1024 /* questions libunbound has at once */
#define RESTART_MS    1000 /* after the server died; doubled up to ... */
#define RESTART_MOST  60000
#define LONG_LIFE_S   60 /* ... and forgotten when it lived that long */
#define UNUSABLE      78 /* exit code: the settings cannot be used */
#define TRUST_ANCHOR  "/usr/share/dns/root.key" /* Debian's dns-root-data */

/* Answered by libunbound itself: `invalid' is one of its own zones. */
#define NAME_TO_START_WITH "pennypost.invalid"

struct server {
	int fd;
	struct ub_ctx *ctx;
	size_t pending;
};

/* One question that libunbound has. */
struct asked {
	struct server *server;
	uint32_t id;
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
	if ((rc = ub_ctx_async(ctx, 1)) != 0) /* a thread of this process */
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
		for (char *c = words; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
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

/* ---- what is said to the daemon ---- */

/* Who cannot be told is gone, and so are we. */
static void
tell(int fd, uint32_t id, const struct dns_answer *a)
{
	static const struct dns_answer large = {
	    .status = DNS_TEMPFAIL, .why = "the answer is too large"};
	struct buf packet;
	ssize_t sent;

	buf_init(&packet, CHILD_PACKET_MAX);
	child_answer_write(&packet, id, a);
	if (packet.overrun) {
		buf_clear(&packet);
		child_answer_write(&packet, id, &large);
	}
	do
		sent = send(fd, packet.data, packet.len, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	buf_release(&packet);
	if (sent == -1)
		_exit(0);
}

static void
tell_news(int fd, const struct fail *why)
{
	tell(fd, CHILD_NEWS,
	    &(struct dns_answer){
		.status = why != NULL ? DNS_TEMPFAIL : DNS_OK,
		.ttl_s = why != NULL ? (uint32_t)why->kind : 0,
		.why = why != NULL ? why->text : NULL,
	    });
}

/* libunbound gives rdata with names uncompressed. */
static void
on_answer(void *arg, int err, struct ub_result *r)
{
	struct asked *q = arg;
	struct dns_record records[CHILD_RECORDS_MAX];
	struct dns_answer a = {.status = DNS_TEMPFAIL, .records = records};
	char words[WORDS_MAX], name[NAME_TEXT_MAX];

	if (err != 0 || r == NULL)
		a.why = err != 0 ? ub_strerror(err) : "no answer";
	else
		a.status = judge(r, words, &a.why);
	if (a.status == DNS_OK)
		for (; a.n < CHILD_RECORDS_MAX && r->data[a.n] != NULL; a.n++)
			records[a.n].data = (struct str){
			    r->data[a.n], (size_t)r->len[a.n]};
	if (a.status != DNS_TEMPFAIL) {
		a.secure = r->secure;
		a.ttl_s = r->ttl > 0 ? (uint32_t)r->ttl : 0;
		a.canonical = canonical_of(r, name);
	}
	tell(q->server->fd, q->id, &a);
	q->server->pending--;
	free(q);
	if (r != NULL)
		ub_resolve_free(r);
}

/* ---- the server ---- */

static void
ask(struct server *s, const struct child_question *q)
{
	struct asked *asked;
	int rc;

	if (s->pending == PENDING_MAX) {
		tell(s->fd, q->id,
		    &(struct dns_answer){.status = DNS_TEMPFAIL,
			.why = "too many questions at once"});
		return;
	}
	asked = MEM_NEW(struct asked);
	asked->server = s;
	asked->id = q->id;
	s->pending++;
	rc = ub_resolve_async(
	    s->ctx, q->name, q->type, CLASS_IN, asked, on_answer, NULL);
	if (rc != 0)
		on_answer(asked, rc, NULL);
}

/* All that has been asked meanwhile.  Nobody there: the end. */
static void
read_questions(struct server *s)
{
	struct child_question q;
	char packet[sizeof(q) + 1];
	ssize_t n;

	while ((n = recv(s->fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0)
		if (child_question_read((struct str){packet, (size_t)n}, &q))
			ask(s, &q);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(0);
}

/* The context reads its files when it is asked the first time: here, where
 * that can still be done, in this thread, and what is wrong is said. */
static int
set_up(struct server *s, const struct resolver_options *o, struct fail *f)
{
	const char *anchor = text_or_null(o->anchor);
	struct sandbox_profile p = child_server_profile(o);
	struct sandbox_state state;
	struct ub_result *r = NULL;
	int rc;

	if ((s->ctx = ub_ctx_create()) == NULL)
		return fail(f, FAIL_TEMP, "libunbound cannot be set up");
	if (configure(s->ctx, o, f) == -1)
		return -1;
	rc = ub_resolve(s->ctx, NAME_TO_START_WITH, DNS_A, CLASS_IN, &r);
	if (rc != 0)
		return fail(f, FAIL_TEMP, "libunbound cannot start%s%s: %s",
		    anchor != NULL ? " with the trust anchors of " : "",
		    anchor != NULL ? anchor : "", ub_strerror(rc));
	ub_resolve_free(r);
	return o->confined ? sandbox_enter(&p, &state, f) : 0;
}

static _Noreturn void
serve(int fd, const struct resolver_options *o)
{
	struct server s = {.fd = fd};
	struct fail f = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (set_up(&s, o, &f) == -1) {
		tell_news(fd, &f);
		_exit(UNUSABLE);
	}
	tell_news(fd, NULL);
	for (;;) {
		struct pollfd ready[] = {
		    {.fd = fd,           .events = POLLIN},
		    {.fd = ub_fd(s.ctx), .events = POLLIN},
		};

		if (poll(ready, 2, -1) == -1)
			continue;
		if (ready[0].revents != 0)
			read_questions(&s);
		if (ready[1].revents != 0)
			ub_process(s.ctx);
	}
}

struct sandbox_profile
child_server_profile(const struct resolver_options *o)
{
	struct sandbox_profile p = {
	    .may = SANDBOX_THREADS | SANDBOX_UDP | SANDBOX_TCP | SANDBOX_BIND,
	    .connect = {DNS_PORT},
	    .n_connect = 1,
	};
	const char *forward = text_or_null(o->forward);
	struct address a;

	if (forward != NULL && address_parse(str_of(forward), &a))
		p.connect[p.n_connect++] = (uint16_t)address_port(&a);
	return p;
}

/* ---- the nursery ---- */

/* Also what a server reads before it confines itself. */
static int
confine_nursery(const struct resolver_options *o, struct fail *f)
{
	const struct sandbox_path paths[] = {
	    {"/etc/resolv.conf",                  SANDBOX_READ, false},
	    {"/run/systemd/resolve",              SANDBOX_READ, false},
	    {"/run/resolvconf",                   SANDBOX_READ, false},
	    {"/etc/hosts",                        SANDBOX_READ, false},
	    {"/etc/ssl/openssl.cnf",              SANDBOX_READ, false},
	    {"/dev/urandom",                      SANDBOX_READ, false},
	    {"/dev/null",                         SANDBOX_READ, false},
	    {"/proc/self/task",                   SANDBOX_LIST, false},
	    {TRUST_ANCHOR,                        SANDBOX_READ, false},
	    {o->anchor != NULL ? o->anchor : "/", 0,            false},
	};
	struct sandbox_path all[sizeof(paths) / sizeof(paths[0])];
	struct sandbox_profile p = child_server_profile(o);
	struct sandbox_state state;

	memcpy(all, paths, sizeof(paths));
	if (text_or_null(o->anchor) != NULL)
		all[sizeof(paths) / sizeof(paths[0]) - 1].use = SANDBOX_READ;
	p.may |= SANDBOX_FORK | SANDBOX_ENTER;
	p.paths = all;
	p.n_paths = sizeof(all) / sizeof(all[0]);
	return sandbox_enter(&p, &state, f);
}

static int64_t
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Nothing of the daemon's: its sockets, its signals' pipe.  Whoever stops the
 * daemon by its group does not stop us before it is done. */
static void
detach(int *fd)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "resolver");
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (dup2(*fd, STDERR_FILENO + 1) == -1)
		_exit(UNUSABLE);
	*fd = STDERR_FILENO + 1;
	/* in its way also where close_range is unknown or forbidden */
	closefrom(*fd + 1);
}

/* Wait before the next one; the daemon may go meanwhile. */
static void
rest(int fd, int delay_ms)
{
	struct pollfd p = {.fd = fd};

	if (poll(&p, 1, delay_ms) > 0)
		_exit(0);
}

static void
describe(int status, struct fail *f)
{
	if (WIFSIGNALED(status))
		fail(f, FAIL_TEMP, "the resolver died by signal %d",
		    WTERMSIG(status));
	else
		fail(f, FAIL_TEMP, "the resolver died with code %d",
		    WEXITSTATUS(status));
}

void
child_server_run(int fd, const struct resolver_options *o)
{
	struct fail f = {0};
	int delay_ms = RESTART_MS;

	detach(&fd);
	if (o->confined && confine_nursery(o, &f) == -1) {
		tell_news(fd, &f);
		_exit(UNUSABLE);
	}
	for (bool first = true;; first = false) {
		int64_t started = seconds();
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			serve(fd, o);
		while (pid != -1 && waitpid(pid, &status, 0) == -1 &&
		       errno == EINTR)
			;
		if (pid != -1 && WIFEXITED(status) &&
		    (WEXITSTATUS(status) == 0 || first))
			_exit(WEXITSTATUS(status));
		describe(status, &f);
		tell_news(fd, &f);
		if (seconds() - started >= LONG_LIFE_S)
			delay_ms = RESTART_MS;
		rest(fd, delay_ms);
		delay_ms = delay_ms * 2 < RESTART_MOST ? delay_ms * 2
		                                       : RESTART_MOST;
	}
}
