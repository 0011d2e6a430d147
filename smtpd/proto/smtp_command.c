/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_engine.h"
#include "smtpd/proto/smtp_param.h"

#define ANY   (IN_GREET | IN_READY | IN_MAIL | IN_RCPT | IN_CHUNKS)
#define HELLO (IN_READY | IN_MAIL | IN_RCPT | IN_CHUNKS)

enum { /* the law of a command, in its row */
	NO_ARGUMENT = 1 << 0,
	NEEDS_ARGUMENT = 1 << 1,
	NEEDS_TLS = 1 << 2,  /* on submission, and where the host says so */
	NEEDS_AUTH = 1 << 3, /* on submission */
	FOR_SUBMISSION = 1 << 4,
	LONG_LINE = 1 << 5, /* RFC 4954 s4: up to 12,288 octets */
	COSTS = 1 << 6,     /* brings no mail nearer: see JUNK_MAX */
	ENDS_SESSION = 1 << 7,
	IS_PREFIX = 1 << 8,
	NEEDS_CHUNKING = 1 << 9, /* the extension */
};

struct verb {
	const char *name;
	unsigned states;
	unsigned law;
	enum smtp_reply misplaced; /* in a state that is not its */
	enum smtp_event (*run)(
	    struct smtp_server *, struct str, struct smtp_request *);
	/* what else than the reply it takes to refuse it, or NULL */
	enum smtp_event (*refuse)(struct smtp_server *, struct str,
	    enum smtp_reply, struct smtp_request *);
};

static enum smtp_event
say(struct smtp_server *s, enum smtp_reply r)
{
	smtp_say(s, r);
	return SMTP_NONE;
}

/* Reply and drop the transaction, telling the host if there was one. */
static enum smtp_event
start_over(struct smtp_server *s)
{
	bool had = (s->state & IN_TRANSACTION) != 0;

	smtp_reset_transaction(s);
	return had ? SMTP_RESET : SMTP_NONE;
}

/* RFC 5321 s4.1.1.1: both are also a RSET. */
static enum smtp_event
hello(struct smtp_server *s, struct str name, bool esmtp)
{
	enum smtp_event ev = start_over(s);

	buf_clear(&s->helo);
	buf_add(&s->helo, name);
	s->esmtp = esmtp;
	if (s->state == IN_GREET)
		smtp_enter(s, IN_READY);
	return ev;
}

static enum smtp_event
cmd_helo(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)req;
	if (!smtp_path_is_host(arg))
		return say(s, REPLY_BAD_NAME);
	smtp_say_with(s, REPLY_HELLO, str_of(s->o.hostname));
	return hello(s, arg, false);
}

static enum smtp_event
cmd_ehlo(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct smtp_moment now = {s->has, s->tls, s->authenticated};

	(void)req;
	if (!smtp_path_is_host(arg))
		return say(s, REPLY_BAD_NAME);
	smtp_extensions_list(&s->out, &s->o, &now);
	return hello(s, arg, true);
}

static enum smtp_event
cmd_starttls(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	if (s->tls)
		return say(s, REPLY_TLS_TWICE);
	if (!(s->has & SMTP_EXT_STARTTLS))
		return say(s, REPLY_NOT_OFFERED);
	if (s->authenticated)
		return say(s, REPLY_WRONG_ORDER);
	smtp_reset_transaction(s);
	smtp_say(s, REPLY_TLS_GO_AHEAD);
	return SMTP_STARTTLS;
}

static enum smtp_event
cmd_auth(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	return smtp_login_begin(s, arg, req);
}

/* "FROM:" or "TO:", then the path.  Outlook puts a space between. */
static bool
take_path(struct str *arg, struct str word, enum smtp_path_kind kind,
    struct smtp_path *path)
{
	if (!str_take_nocase(arg, word))
		return false;
	while (str_take(arg, ' '))
		;
	return smtp_path_take(arg, kind, path) &&
	       (arg->len == 0 || arg->at[0] == ' ');
}

/* Copy what the request will point into, valid until it is answered. */
static struct str
hold(struct smtp_server *s, struct str arg)
{
	buf_clear(&s->held);
	buf_add(&s->held, arg);
	return buf_str(&s->held);
}

static enum smtp_reply
reply_of(enum smtp_params_result r)
{
	return r == SMTP_PARAMS_OK    ? REPLY_OK
	       : r == SMTP_PARAMS_BAD ? REPLY_BAD_PARAMETER
	                              : REPLY_UNKNOWN_PARAMETER;
}

/* What the session or its limits have against MAIL; *limit is for a `%'. */
static enum smtp_reply
judge_mail(const struct smtp_server *s, const struct smtp_path *path,
    const struct smtp_params *p, uint64_t *limit)
{
	int64_t latest_s = s->o.since_s + (int64_t)s->o.max_hold_s;

	*limit = s->o.max_size;
	/* a route in a return path only serves to hide whose it is */
	if (path->routed)
		return REPLY_ROUTED_SENDER;
	if (path->utf8 && !p->utf8)
		return REPLY_NEEDS_SMTPUTF8;
	if (p->require_tls && !s->tls) /* RFC 8689 s2 */
		return REPLY_REQUIRETLS_HERE;
	if (p->size > s->o.max_size) /* RFC 1870 s6.1 */
		return REPLY_TOO_BIG;
	*limit = s->o.max_hold_s;
	if (p->hold_for_s > s->o.max_hold_s || p->hold_until_s > latest_s)
		return REPLY_HOLD_TOO_LONG;
	return REPLY_OK;
}

static enum smtp_event
cmd_mail(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct smtp_params params;
	enum smtp_reply why;
	uint64_t limit = 0;
	char text[24];

	arg = hold(s, arg);
	if (!take_path(&arg, STR("FROM:"), SMTP_PATH_REVERSE, &req->path))
		return say(s, REPLY_BAD_SENDER);
	why = reply_of(smtp_params_of_mail(arg, s->has, &params));
	if (why == REPLY_OK)
		why = judge_mail(s, &req->path, &params, &limit);
	if (why != REPLY_OK) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)limit);
		smtp_say_with(s, why, str_of(text));
		return SMTP_NONE;
	}
	s->utf8 = params.utf8;
	s->binary = params.binary;
	buf_add(&s->envelope_id,
	    (struct str){params.envelope_id, params.envelope_id_len});
	req->size = params.size;
	req->utf8 = params.utf8;
	req->eight_bit = params.eight_bit;
	req->binary = params.binary;
	req->require_tls = params.require_tls;
	req->envelope_id = buf_str(&s->envelope_id);
	req->ret = params.ret;
	req->hold_for_s = params.hold_for_s;
	req->hold_until_s = params.hold_until_s;
	return SMTP_MAIL;
}

static enum smtp_event
cmd_rcpt(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct smtp_params params;
	enum smtp_reply why;

	arg = hold(s, arg);
	if (!take_path(&arg, STR("TO:"), SMTP_PATH_FORWARD, &req->path))
		return say(s, REPLY_BAD_RECIPIENT);
	why = reply_of(smtp_params_of_rcpt(arg, s->has, s->utf8, &params));
	if (why != REPLY_OK)
		return say(s, why);
	if (req->path.utf8 && !s->utf8)
		return say(s, REPLY_NEEDS_SMTPUTF8);
	if (s->recipients >= s->o.max_recipients) /* RFC 5321 s4.5.3.1.10 */
		return say(s, REPLY_TOO_MANY_RECIPIENTS);
	req->notify = params.notify;
	req->original = params.original;
	return SMTP_RCPT;
}

static enum smtp_event
cmd_data(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	if (s->state != IN_RCPT) /* RFC 2920 s3.1 */
		return say(s, REPLY_NO_VALID_RECIPIENTS);
	if (s->binary) /* RFC 3030 s3 */
		return say(s, REPLY_NO_BINARY_IN_DATA);
	return SMTP_DATA;
}

static enum smtp_event
cmd_rset(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	smtp_say(s, REPLY_OK);
	return start_over(s);
}

static enum smtp_event
cmd_noop(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	return say(s, REPLY_OK);
}

/* RFC 5321 s7.3: nobody learns here who has a mailbox. */
static enum smtp_event
cmd_vrfy(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	return say(s, REPLY_CANNOT_VERIFY);
}

static enum smtp_event
cmd_expn(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	return say(s, REPLY_NO_EXPANSION);
}

static enum smtp_event
cmd_help(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	smtp_say_with(s, REPLY_HELP,
	    STR("EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET VRFY NOOP QUIT"
		" (RFC 5321)"));
	return SMTP_NONE;
}

static enum smtp_event
cmd_quit(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	smtp_say_with(s, REPLY_BYE, str_of(s->o.hostname));
	smtp_enter(s, IN_CLOSED);
	return SMTP_NONE;
}

/* A browser or another protocol, made to talk to us by someone else. */
static enum smtp_event
cmd_not_smtp(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	return say(s, REPLY_NOT_SMTP);
}

/* clang-format off */
static const struct verb verbs[] = {
    {"EHLO", ANY, NEEDS_ARGUMENT | COSTS, 0, cmd_ehlo, NULL},                         /* RFC 5321 s4.1.1.1 */
    {"HELO", ANY, NEEDS_ARGUMENT | COSTS, 0, cmd_helo, NULL},
    {"MAIL", IN_READY, NEEDS_ARGUMENT | NEEDS_TLS | NEEDS_AUTH, REPLY_NESTED_MAIL, cmd_mail, NULL},
    {"RCPT", IN_MAIL | IN_RCPT, NEEDS_ARGUMENT | NEEDS_TLS, REPLY_MAIL_FIRST, cmd_rcpt, NULL},
    {"DATA", IN_MAIL | IN_RCPT, NO_ARGUMENT | NEEDS_TLS, REPLY_MAIL_FIRST, cmd_data, NULL},
    {"RSET", ANY, NO_ARGUMENT | COSTS, 0, cmd_rset, NULL},
    {"NOOP", ANY, COSTS, 0, cmd_noop, NULL},
    {"QUIT", ANY, NO_ARGUMENT, 0, cmd_quit, NULL},
    {"VRFY", ANY, NEEDS_ARGUMENT | NEEDS_TLS | COSTS, 0, cmd_vrfy, NULL},
    {"EXPN", ANY, NEEDS_ARGUMENT | NEEDS_TLS | COSTS, 0, cmd_expn, NULL},
    {"HELP", ANY, COSTS, 0, cmd_help, NULL},
    {"STARTTLS", HELLO, NO_ARGUMENT | COSTS, REPLY_HELLO_FIRST, cmd_starttls, NULL},  /* RFC 3207 s4 */
    {"AUTH", IN_READY, FOR_SUBMISSION | NEEDS_TLS | NEEDS_ARGUMENT | LONG_LINE, REPLY_WRONG_ORDER, cmd_auth, NULL}, /* RFC 4954 s4 */
    {"BDAT", IN_MAIL | IN_RCPT | IN_CHUNKS, NEEDS_ARGUMENT | NEEDS_TLS | NEEDS_CHUNKING, REPLY_MAIL_FIRST, smtp_bdat_begin, smtp_bdat_refuse}, /* RFC 3030 s2 */
    {"GET", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"POST", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"HEAD", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"PUT", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"DELETE", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"OPTIONS", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"TRACE", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"PATCH", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"CONNECT", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"PRI", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"PROXY", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"USER", ANY, ENDS_SESSION, 0, cmd_not_smtp, NULL},
    {"SSH-", ANY, ENDS_SESSION | IS_PREFIX, 0, cmd_not_smtp, NULL},
};
/* clang-format on */

static const struct verb *
find(struct str name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct str verb = str_of(verbs[i].name);

		if (verbs[i].law & IS_PREFIX ? str_starts_nocase(name, verb)
					     : str_eq_nocase(name, verb))
			return &verbs[i];
	}
	return NULL;
}

/* The command is none for this state. */
static enum smtp_reply
misplaced(const struct smtp_server *s, const struct verb *v)
{
	if (s->state == IN_GREET)
		return REPLY_HELLO_FIRST;
	/* RFC 3030 s2: DATA and RCPT do not go with BDAT */
	if (s->state == IN_CHUNKS && v->misplaced == REPLY_MAIL_FIRST)
		return REPLY_WRONG_ORDER;
	return v->misplaced;
}

static bool
is_exposed(const struct smtp_server *s)
{
	return !s->tls &&
	       (s->o.needs_tls || (s->o.submission && !s->o.allow_plaintext));
}

/* What the row says against this command now; false: nothing. */
static bool
forbids(struct smtp_server *s, const struct verb *v, struct str line,
    struct str arg, enum smtp_reply *why)
{
	if (line.len > COMMAND_MAX && !(v->law & LONG_LINE))
		*why = REPLY_LONG_LINE;
	else if ((v->law & FOR_SUBMISSION && !(s->has & SMTP_EXT_AUTH)) ||
		 (v->law & NEEDS_CHUNKING && !(s->has & SMTP_EXT_CHUNKING)))
		*why = REPLY_NOT_OFFERED;
	else if (v->law & NEEDS_TLS && is_exposed(s))
		*why = v->law & FOR_SUBMISSION ? REPLY_TLS_FOR_AUTH
		                               : REPLY_TLS_FIRST;
	else if (!(v->states & s->state))
		*why = misplaced(s, v);
	else if (v->law & NEEDS_AUTH && s->o.submission && !s->authenticated)
		*why = REPLY_AUTH_FIRST;
	else if (v->law & NO_ARGUMENT && arg.len > 0)
		*why = REPLY_NO_ARGUMENT_TAKEN;
	else if (v->law & NEEDS_ARGUMENT && arg.len == 0)
		*why = REPLY_ARGUMENT_MISSING;
	else
		return false;
	return true;
}

enum smtp_event
smtp_command(struct smtp_server *s, struct str line, struct smtp_request *req)
{
	struct str arg = str_trim(line); /* RFC 5321 s4.1.1: be lenient */
	struct str name = str_cut(&arg, ' ');
	const struct verb *v = find(name);
	enum smtp_event ev = SMTP_NONE;
	enum smtp_reply why;

	arg = str_trim(arg);
	if (v == NULL)
		return say(s, line.len > COMMAND_MAX ? REPLY_LONG_LINE
						     : REPLY_UNKNOWN_COMMAND);
	if (v->law & COSTS && ++s->junk > JUNK_MAX)
		return say(s, REPLY_TOO_MUCH_JUNK);
	if (!forbids(s, v, line, arg, &why))
		ev = v->run(s, arg, req);
	else if (v->refuse != NULL)
		ev = v->refuse(s, arg, why, req);
	else
		smtp_say(s, why);
	if (v->law & ENDS_SESSION) /* what follows is not for us */
		smtp_enter(s, IN_CLOSED);
	return ev;
}
