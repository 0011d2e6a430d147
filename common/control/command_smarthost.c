/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/control/call.h"
#include "common/control/server_name.h"
#include "common/mime/addr.h"
#include "common/store/smarthost.h"
#include "common/util/mem.h"

/* smarthost.add */
enum {
	DOMAIN,
	HOST,
	TLS,
	LOGIN,
	PASSWORD
};

static const struct {
	struct str word;
	enum smarthost_tls tls;
} levels[] = {
    {STR("may"),    SMARTHOST_TLS_MAY   },
    {STR("verify"), SMARTHOST_TLS_VERIFY},
    {STR("inside"), SMARTHOST_TLS_INSIDE},
};
#define N_LEVELS         (sizeof(levels) / sizeof(levels[0]))

#define PORT_SUBMISSION  587
#define PORT_SUBMISSIONS 465
#define PORT_SMTP        25

static struct str
text_of(const struct call *call, size_t arg)
{
	return buf_str(&call->args[arg].text);
}

/* A domain, or "*". */
static int
read_domain(const struct call *call, struct buf *out, struct fail *f)
{
	struct str text = text_of(call, DOMAIN);

	if (str_eq(text, STR("*"))) {
		buf_add(out, text);
		return 0;
	}
	if (addr_domain_fold(text, out))
		return 0;
	return fail(f, FAIL_SYNTAX,
	    "%.*s is no domain: write one like example.org, or * for every "
	    "domain without a smarthost of its own",
	    STR_FMT(text));
}

static int
read_tls(const struct call *call, enum smarthost_tls *out, struct fail *f)
{
	struct str word = text_of(call, TLS);

	*out = SMARTHOST_TLS_VERIFY;
	if (!call->args[TLS].given)
		return 0;
	for (size_t i = 0; i < N_LEVELS; i++)
		if (str_eq(word, levels[i].word)) {
			*out = levels[i].tls;
			return 0;
		}
	return fail(f, FAIL_SYNTAX,
	    "tls is none of may, verify and inside: %.*s", STR_FMT(word));
}

/* "mail.isp.example:587", "[192.0.2.1]", "[2001:db8::1]:25" */
static int
read_host(const struct call *call, enum smarthost_tls tls, bool login,
    struct buf *host, uint16_t *port, struct fail *f)
{
	struct str text = text_of(call, HOST);

	if (!server_name_read(text, host, port))
		return fail(f, FAIL_SYNTAX,
		    "%.*s is no server: write HOST, HOST:PORT or "
		    "[ADDRESS]:PORT; a port is a number from 1 to 65535",
		    STR_FMT(text));
	if (*port == 0)
		*port = tls == SMARTHOST_TLS_INSIDE ? PORT_SUBMISSIONS
		        : login                     ? PORT_SUBMISSION
		                                    : PORT_SMTP;
	return 0;
}

struct adding {
	const struct smarthost *s;
	struct str password;
	int64_t now_ms;
};

static int
put(struct db *db, void *arg, struct fail *f)
{
	const struct adding *a = arg;

	return smarthost_put(db, a->s, a->now_ms, f);
}

static int
put_secret(struct db *db, void *arg, struct fail *f)
{
	const struct adding *a = arg;

	return smarthost_secret_put(db, a->s->domain, a->password, f);
}

/* The secret first: a row without it would send mail that is refused. */
static int
add(struct call *call, const struct smarthost *s, struct fail *f)
{
	struct adding a = {
	    .s = s,
	    .password = text_of(call, PASSWORD),
	    .now_ms = call->now_ms,
	};

	if (s->login.len > 0 && s->tls == SMARTHOST_TLS_MAY)
		return fail(f, FAIL_SYNTAX,
		    "a password is said to a verified server only: tls must "
		    "be verify or inside");
	if ((s->login.len > 0) != (a.password.len > 0))
		return fail(f, FAIL_SYNTAX,
		    "a login needs a password, and a password a login");
	if (db_write(call->control->auth, put_secret, &a, f) == -1)
		return -1;
	return db_write(call->control->mail, put, &a, f);
}

int
call_smarthost_add(struct call *call, struct fail *f)
{
	struct smarthost s = {.login = text_of(call, LOGIN)};
	struct buf domain, host;
	int rc = -1;

	buf_init(&domain, KB);
	buf_init(&host, KB);
	if (read_domain(call, &domain, f) == 0 &&
	    read_tls(call, &s.tls, f) == 0 &&
	    read_host(call, s.tls, s.login.len > 0, &host, &s.port, f) == 0) {
		s.domain = buf_str(&domain);
		s.host = buf_str(&host);
		rc = add(call, &s, f);
	}
	if (rc == 0)
		json_object_update_new(call->reply,
		    json_pack("{s:o, s:o, s:i}", "domain",
			call_json_text(s.domain), "host",
			call_json_text(s.host), "port", (int)s.port));
	buf_release(&host);
	buf_release(&domain);
	return rc;
}

struct removing {
	struct str domain;
	int got;
};

static int
take(struct db *db, void *arg, struct fail *f)
{
	struct removing *r = arg;

	r->got = smarthost_remove(db, r->domain, f);
	return r->got == -1 ? -1 : 0;
}

static int
take_secret(struct db *db, void *arg, struct fail *f)
{
	struct removing *r = arg;

	return smarthost_secret_put(db, r->domain, STR(""), f);
}

int
call_smarthost_remove(struct call *call, struct fail *f)
{
	struct removing r = {0};
	struct buf domain;
	int rc;

	buf_init(&domain, KB);
	rc = read_domain(call, &domain, f);
	r.domain = buf_str(&domain);
	if (rc == 0)
		rc = db_write(call->control->mail, take, &r, f);
	if (rc == 0)
		rc = db_write(call->control->auth, take_secret, &r, f);
	if (rc == 0 && r.got == 0)
		rc = fail(f, FAIL_PERM,
		    "%.*s has no smarthost: `mailctl smarthost list' shows "
		    "those there are",
		    STR_FMT(r.domain));
	if (rc == 0)
		json_object_set_new(
		    call->reply, "domain", call_json_text(r.domain));
	buf_release(&domain);
	return rc;
}

static void
add_row(void *arg, const struct smarthost *s)
{
	size_t i = 0;

	while (i < N_LEVELS - 1 && levels[i].tls != s->tls)
		i++;
	json_array_append_new(arg,
	    json_pack("{s:o, s:o, s:i, s:o, s:o}", "domain",
		call_json_text(s->domain), "host", call_json_text(s->host),
		"port", (int)s->port, "tls", call_json_text(levels[i].word),
		"login",
		s->login.len > 0 ? call_json_text(s->login) : json_null()));
}

static int
read_rows(struct db *db, void *arg, struct fail *f)
{
	return smarthost_list(db, add_row, arg, f);
}

int
call_smarthost_list(struct call *call, struct fail *f)
{
	json_t *rows = json_array();

	json_object_set_new(call->reply, "smarthosts", rows);
	return db_read(call->control->mail, read_rows, rows, f);
}
