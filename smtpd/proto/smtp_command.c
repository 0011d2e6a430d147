/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_engine.h"
#include "smtpd/proto/smtp_param.h"

#define ANY   (IN_GREET | IN_READY | IN_MAIL | IN_RCPT)
#define HELLO (IN_READY | IN_MAIL | IN_RCPT)

enum { /* the law of a command, in its row */
	NO_ARGUMENT = 1 << 0,
	NEEDS_ARGUMENT = 1 << 1,
	NEEDS_TLS = 1 << 2,  /* on submission */
	NEEDS_AUTH = 1 << 3, /* on submission */
	FOR_SUBMISSION = 1 << 4,
	LONG_LINE = 1 << 5, /* RFC 4954 s4: up to 12,288 octets */
	COSTS = 1 << 6,     /* brings no mail nearer: see JUNK_MAX */
	ENDS_SESSION = 1 << 7,
	IS_PREFIX = 1 << 8,
};

struct verb {
	const char *name;
	unsigned states;
	unsigned law;
	enum smtp_reply misplaced; /* in a state that is not its */
	enum smtp_event (*run)(
	    struct smtp_server *, struct str, struct smtp_request *);
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

static void
offer(struct smtp_server *s, struct str extension)
{
	smtp_reply_add_line(&s->out, REPLY_HELLO, extension, true);
}

static enum smtp_event
cmd_ehlo(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	bool private = s->tls || s->o.allow_plaintext;
	char size[32];

	(void)req;
	if (!smtp_path_is_host(arg))
		return say(s, REPLY_BAD_NAME);
	snprintf(
	    size, sizeof(size), "SIZE %llu", (unsigned long long)s->o.max_size);
	offer(s, str_of(s->o.hostname));
	offer(s, STR("PIPELINING"));
	offer(s, str_of(size));
	if (s->o.offers_tls && !s->tls && !s->authenticated)
		offer(s, STR("STARTTLS"));
	if (s->o.submission && private && !s->authenticated)
		offer(s, STR("AUTH PLAIN LOGIN"));
	offer(s, STR("ENHANCEDSTATUSCODES"));
	offer(s, STR("8BITMIME"));
	smtp_reply_add_line(&s->out, REPLY_HELLO, STR("SMTPUTF8"), false);
	return hello(s, arg, true);
}

static enum smtp_event
cmd_starttls(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	if (s->tls)
		return say(s, REPLY_TLS_TWICE);
	if (!s->o.offers_tls)
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

static enum smtp_event
cmd_mail(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct smtp_params params;
	char limit[24];

	arg = hold(s, arg);
	if (!take_path(&arg, STR("FROM:"), SMTP_PATH_REVERSE, &req->path))
		return say(s, REPLY_BAD_SENDER);
	switch (smtp_params_of_mail(arg, s->o.submission, &params)) {
	case SMTP_PARAMS_BAD:
		return say(s, REPLY_BAD_PARAMETER);
	case SMTP_PARAMS_UNKNOWN:
		return say(s, REPLY_UNKNOWN_PARAMETER);
	case SMTP_PARAMS_OK:
		break;
	}
	/* a route in a return path only serves to hide whose it is */
	if (req->path.routed)
		return say(s, REPLY_ROUTED_SENDER);
	if (req->path.utf8 && !params.utf8)
		return say(s, REPLY_NEEDS_SMTPUTF8);
	if (params.size > s->o.max_size) { /* RFC 1870 s6.1 */
		snprintf(limit, sizeof(limit), "%llu",
		    (unsigned long long)s->o.max_size);
		smtp_say_with(s, REPLY_TOO_BIG, str_of(limit));
		return SMTP_NONE;
	}
	s->utf8 = params.utf8;
	req->size = params.size;
	req->utf8 = params.utf8;
	req->eight_bit = params.eight_bit;
	return SMTP_MAIL;
}

static enum smtp_event
cmd_rcpt(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	arg = hold(s, arg);
	if (!take_path(&arg, STR("TO:"), SMTP_PATH_FORWARD, &req->path))
		return say(s, REPLY_BAD_RECIPIENT);
	switch (smtp_params_of_rcpt(arg)) {
	case SMTP_PARAMS_BAD:
		return say(s, REPLY_BAD_PARAMETER);
	case SMTP_PARAMS_UNKNOWN:
		return say(s, REPLY_UNKNOWN_PARAMETER);
	case SMTP_PARAMS_OK:
		break;
	}
	if (req->path.utf8 && !s->utf8)
		return say(s, REPLY_NEEDS_SMTPUTF8);
	if (s->recipients >= s->o.max_recipients) /* RFC 5321 s4.5.3.1.10 */
		return say(s, REPLY_TOO_MANY_RECIPIENTS);
	return SMTP_RCPT;
}

static enum smtp_event
cmd_data(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	if (s->state != IN_RCPT) /* RFC 2920 s3.1 */
		return say(s, REPLY_NO_VALID_RECIPIENTS);
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

/* The octets announced would come next, and must not be taken for commands. */
static enum smtp_event
cmd_bdat(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	(void)arg, (void)req;
	return say(s, REPLY_NO_CHUNKING);
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
    {"EHLO", ANY, NEEDS_ARGUMENT | COSTS, 0, cmd_ehlo},                         /* RFC 5321 s4.1.1.1 */
    {"HELO", ANY, NEEDS_ARGUMENT | COSTS, 0, cmd_helo},
    {"MAIL", IN_READY, NEEDS_ARGUMENT | NEEDS_TLS | NEEDS_AUTH, REPLY_NESTED_MAIL, cmd_mail},
    {"RCPT", IN_MAIL | IN_RCPT, NEEDS_ARGUMENT | NEEDS_TLS, REPLY_MAIL_FIRST, cmd_rcpt},
    {"DATA", IN_MAIL | IN_RCPT, NO_ARGUMENT | NEEDS_TLS, REPLY_MAIL_FIRST, cmd_data},
    {"RSET", ANY, NO_ARGUMENT | COSTS, 0, cmd_rset},
    {"NOOP", ANY, COSTS, 0, cmd_noop},
    {"QUIT", ANY, NO_ARGUMENT, 0, cmd_quit},
    {"VRFY", ANY, NEEDS_ARGUMENT | NEEDS_TLS | COSTS, 0, cmd_vrfy},
    {"EXPN", ANY, NEEDS_ARGUMENT | NEEDS_TLS | COSTS, 0, cmd_expn},
    {"HELP", ANY, COSTS, 0, cmd_help},
    {"STARTTLS", HELLO, NO_ARGUMENT | COSTS, REPLY_HELLO_FIRST, cmd_starttls},  /* RFC 3207 s4 */
    {"AUTH", IN_READY, FOR_SUBMISSION | NEEDS_TLS | NEEDS_ARGUMENT | LONG_LINE, REPLY_WRONG_ORDER, cmd_auth}, /* RFC 4954 s4 */
    {"BDAT", ANY, ENDS_SESSION, 0, cmd_bdat},                                   /* RFC 3030 s2 */
    {"GET", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"POST", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"HEAD", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"PUT", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"DELETE", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"OPTIONS", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"TRACE", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"PATCH", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"CONNECT", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"PRI", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"PROXY", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"USER", ANY, ENDS_SESSION, 0, cmd_not_smtp},
    {"SSH-", ANY, ENDS_SESSION | IS_PREFIX, 0, cmd_not_smtp},
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

/* What the row says against this command now; false: nothing. */
static bool
forbids(struct smtp_server *s, const struct verb *v, struct str line,
    struct str arg, enum smtp_reply *why)
{
	bool exposed = s->o.submission && !s->tls && !s->o.allow_plaintext;

	if (line.len > COMMAND_MAX && !(v->law & LONG_LINE))
		*why = REPLY_LONG_LINE;
	else if (v->law & FOR_SUBMISSION && !s->o.submission)
		*why = REPLY_NOT_OFFERED;
	else if (v->law & NEEDS_TLS && exposed)
		*why = v->law & FOR_SUBMISSION ? REPLY_TLS_FOR_AUTH
		                               : REPLY_TLS_FIRST;
	else if (!(v->states & s->state))
		*why = s->state == IN_GREET ? REPLY_HELLO_FIRST : v->misplaced;
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
	if (forbids(s, v, line, arg, &why))
		smtp_say(s, why);
	else
		ev = v->run(s, arg, req);
	if (v->law & ENDS_SESSION) /* what follows is not for us */
		smtp_enter(s, IN_CLOSED);
	return ev;
}
