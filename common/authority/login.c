/* SPDX-License-Identifier: MIT */
#include "common/authority/login.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/enc.h"
#include "common/util/secret.h"
#include "common/util/utf8.h"

#define QUESTION_MAX (32 * KB) /* name and password, each octet as \uXXXX */
#define NAME_SHOWN   320       /* octets of a name that go into the log */

struct question {
	login_answered *fn;
	void *arg;
};

/* A JSON string.  Made by hand, so that no copy of a password stays behind. */
static void
add_text(struct buf *out, struct str text)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

static struct login_answer
understand(const json_t *reply)
{
	static const struct {
		const char *word;
		enum login_result result;
	} reasons[] = {
	    {"bad",       LOGIN_WRONG   },
	    {"disabled",  LOGIN_DISABLED},
	    {"throttled", LOGIN_LATER   },
	    {"busy",      LOGIN_LATER   },
	    {"expired",   LOGIN_LATER   },
	    {"malformed", LOGIN_WRONG   },
	};
	const char *reason = json_string_value(
	    json_object_get(reply, "reason"));
	struct login_answer a = {.result = LOGIN_LATER, .reason = "error"};

	if (json_is_true(json_object_get(reply, "ok"))) {
		a.account = json_integer_value(
		    json_object_get(reply, "account"));
		a.login = json_string_value(json_object_get(reply, "login"));
		if (a.account > 0 && a.login != NULL) {
			a.result = LOGIN_GOOD;
			a.reason = "good";
		}
		return a;
	}
	a.shut = json_is_true(json_object_get(reply, "shut"));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reason != NULL && strcmp(reason, reasons[i].word) == 0) {
			a.result = reasons[i].result;
			a.reason = reasons[i].word;
		}
	return a;
}

static void
answered(void *arg, bool ok, struct str line)
{
	struct question *q = arg;
	struct login_answer a = {.result = LOGIN_LATER, .reason = "away"};
	json_t *reply = NULL;

	if (ok) {
		reply = json_loadb(line.at, line.len, 0, NULL);
		a = understand(reply);
	}
	q->fn(q->arg, &a);
	json_decref(reply);
	free(q);
}

void
login_ask(struct ipc_client *authority, struct str user, struct str password,
    const char *rip, const char *proto, login_answered *fn, void *arg)
{
	struct question *q;
	struct buf line;

	if (!utf8_valid(user) || !utf8_valid(password)) {
		/* no account has such a name or password */
		user = STR("");
		password = STR("");
	}
	q = MEM_NEW(struct question);
	*q = (struct question){fn, arg};
	buf_init(&line, QUESTION_MAX);
	/* room at once: growing would leave copies in freed memory */
	buf_reserve(&line, QUESTION_MAX);
	buf_addf(&line, "{\"op\":\"verify\",\"proto\":\"%s\",\"rip\":\"%s\"",
	    proto, rip);
	buf_add(&line, STR(",\"user\":"));
	add_text(&line, user);
	buf_add(&line, STR(",\"password\":"));
	add_text(&line, password);
	buf_add_char(&line, '}');
	ipc_ask(authority, buf_str(&line), answered, q);
	secret_wipe(&line);
}

/* ---- SCRAM ---- */

struct exchange {
	login_scram_answered *fn;
	void *arg;
	bool first;
};

/* Has it what such an answer must have? */
static bool
read_scram(
    const json_t *reply, bool first, struct login_scram *s, struct buf *message)
{
	const json_t *value = json_object_get(reply, "message");
	struct str text = {json_string_value(value), json_string_length(value)};

	s->answer = understand(reply);
	s->malformed = strcmp(s->answer.reason, "malformed") == 0;
	if (!json_is_true(json_object_get(reply, "ok")))
		return true;
	if (first) {
		s->session = json_string_value(
		    json_object_get(reply, "session"));
		s->answer.result = LOGIN_GOOD;
		s->answer.reason = "good";
	}
	if (!enc_base64_decode(text, message) || message->len == 0)
		return false;
	s->message = buf_str(message);
	return first ? s->session != NULL : s->answer.result == LOGIN_GOOD;
}

static void
scram_answered(void *arg, bool ok, struct str line)
{
	struct exchange *x = arg;
	struct login_scram s = {
	    .answer = {.result = LOGIN_LATER, .reason = "away"}
        };
	json_t *reply = NULL;
	struct buf message;

	buf_init(&message, LOGIN_SCRAM_MAX);
	if (ok) {
		reply = json_loadb(line.at, line.len, 0, NULL);
		if (!read_scram(reply, x->first, &s, &message))
			s = (struct login_scram){
			    .answer = {
				       .result = LOGIN_LATER, .reason = "error"}
                        };
	}
	x->fn(x->arg, &s);
	json_decref(reply);
	buf_release(&message);
	free(x);
}

static void
add_base64(json_t *question, const char *name, struct str bytes)
{
	struct buf text;

	buf_init(&text, ENC_BASE64_LEN(LOGIN_SCRAM_MAX) + 1);
	enc_base64(bytes, &text);
	json_object_set_new(question, name,
	    json_stringn(text.data != NULL ? text.data : "", text.len));
	buf_release(&text);
}

/* question is used up. */
static void
ask_scram(struct ipc_client *authority, json_t *question, struct str message,
    bool first, login_scram_answered *fn, void *arg)
{
	const struct login_scram malformed = {
	    .answer = {.result = LOGIN_WRONG, .reason = "malformed"},
	    .malformed = true
        };
	struct exchange *x;
	char *line;

	if (message.len > LOGIN_SCRAM_MAX) {
		json_decref(question);
		fn(arg, &malformed);
		return;
	}
	x = MEM_NEW(struct exchange);
	*x = (struct exchange){fn, arg, first};
	add_base64(question, "message", message);
	line = json_dumps(question, JSON_COMPACT);
	json_decref(question);
	ipc_ask(authority, str_of(line), scram_answered, x);
	free(line);
}

void
login_scram_first(struct ipc_client *authority,
    const struct login_scram_first *first, login_scram_answered *fn, void *arg)
{
	json_t *question = json_pack("{s:s, s:b, s:b, s:s, s:s}", "op",
	    "scram-first", "plus", first->plus, "offered", first->offered,
	    "rip", first->rip, "proto", first->proto);

	ask_scram(authority, question, first->message, true, fn, arg);
}

void
login_scram_final(struct ipc_client *authority,
    const struct login_scram_final *final, login_scram_answered *fn, void *arg)
{
	json_t *question = json_pack("{s:s, s:s, s:s, s:s}", "op",
	    "scram-final", "session", final->session, "rip", final->rip,
	    "proto", final->proto);

	add_base64(question, "binding", final->binding);
	ask_scram(authority, question, final->message, false, fn, arg);
}

/* ---- the log ---- */

static bool
is_peers_fault(const char *reason)
{
	return strcmp(reason, "bad") == 0 || strcmp(reason, "disabled") == 0 ||
	       strcmp(reason, "throttled") == 0;
}

void
login_log_failure(const struct log *log, const char *proto, const char *rip,
    const char *reason, struct str user)
{
	struct buf shown;

	if (!is_peers_fault(reason)) {
		log_warn(log, "auth unavailable proto=%s rip=%s reason=%s",
		    proto, rip, reason);
		return;
	}
	user = str_first(user, NAME_SHOWN);
	buf_init(&shown, 4 * NAME_SHOWN);
	for (size_t i = 0; i < user.len; i++)
		if (user.at[i] == '"' || user.at[i] == '\\')
			buf_addf(&shown, "\\x%02x", user.at[i]);
		else
			buf_add_char(&shown, user.at[i]);
	log_warn(log, "auth fail proto=%s rip=%s reason=%s user=\"%.*s\"",
	    proto, rip, reason, STR_FMT(buf_str(&shown)));
	buf_release(&shown);
}
