/* SPDX-License-Identifier: MIT */
/* The commands, as a person's mailctl and maild's control socket run them. */
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/password.h"
#include "common/control/command.h"
#include "common/store/credential.h"
#include "common/store/delivery.h"
#include "common/store/verdict.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NOW 1795000000000LL

static char dir[64];
static struct control control;

static int64_t
fixed_time(void *arg)
{
	(void)arg;
	return NOW;
}

static const struct clock fixed_clock = {fixed_time, fixed_time, NULL};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void
open_store(void)
{
	struct fail f = {0};

	snprintf(dir, sizeof(dir), "/tmp/control-XXXXXX");
	if (mkdtemp(dir) == NULL)
		abort();
	control.mail = db_open(dir, DB_MAIL, DB_WRITER, &f);
	control.auth = db_open(dir, DB_AUTH, DB_WRITER, &f);
	control.clock = &fixed_clock;
	if (control.mail == NULL || control.auth == NULL) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
}

static void
close_store(void)
{
	db_close(control.mail);
	db_close(control.auth);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct control_outcome outcome;

/* Run a request given as JSON text with ' for ". */
static json_t *
ask(const char *text)
{
	char *line = mem_dup(str_of(text));
	json_t *request, *reply;

	for (char *c = line; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	request = json_loads(line, 0, NULL);
	if (request == NULL)
		abort();
	reply = control_run(&control, request, &outcome);
	json_decref(request);
	free(line);
	return reply;
}

static bool
is_ok(const char *text)
{
	json_t *reply = ask(text);
	bool ok = json_is_true(json_object_get(reply, "ok"));

	if (!ok)
		fprintf(stderr, "%s: %s\n", text,
		    json_string_value(json_object_get(reply, "text")));
	json_decref(reply);
	return ok;
}

/* Is it refused, in this way, in words that hold these? */
static bool
is_refused(const char *text, const char *kind, const char *words)
{
	json_t *reply = ask(text);
	const char *got = json_string_value(json_object_get(reply, "kind"));
	const char *said = json_string_value(json_object_get(reply, "text"));
	bool good = json_is_false(json_object_get(reply, "ok")) &&
	            strcmp(got, kind) == 0 && strstr(said, words) != NULL &&
	            !outcome.ok;

	if (!good)
		fprintf(stderr, "%s: %s: %s\n", text, got, said);
	json_decref(reply);
	return good;
}

/* A member of the i-th object of an array of the reply, as text. */
static const char *
cell(const json_t *reply, const char *array, size_t i, const char *member)
{
	const char *text = json_string_value(json_object_get(
	    json_array_get(json_object_get(reply, array), i), member));

	return text != NULL ? text : "(none)";
}

struct look {
	char verifier[CREDENTIAL_VERIFIER_MAX];
	int got;
};

static int
look_credential(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	l->got = credential_find(db, STR("bob@d.test"), l->verifier, f);
	return l->got == -1 ? -1 : 0;
}

static bool
password_is(const char *password)
{
	struct look l = {.got = 0};
	struct fail f;

	return db_read(control.auth, look_credential, &l, &f) == 0 &&
	       l.got == 1 && password_verify(str_of(password), l.verifier);
}

static void
test_domains(void)
{
	CHECK(is_ok("{'command':'domain.add','domain':'D.Test.'}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK_STR(outcome.summary, "domain.add d.test");
	CHECK(is_ok("{'command':'domain.add','domain':'e.test'}"));
	CHECK(is_refused("{'command':'domain.add','domain':'d.test'}",
	    "permanent", "already"));
	/* it might have done half of it */
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK(is_refused("{'command':'domain.add','domain':'a b'}", "usage",
	    "domain must be a domain name"));
	CHECK(is_refused(
	    "{'command':'domain.add'}", "usage", "needs \"domain\""));
	CHECK(outcome.effects == 0);
	json_t *reply = ask("{'command':'domain.list'}");
	CHECK_STR(cell(reply, "domains", 0, "domain"), "d.test");
	CHECK_STR(cell(reply, "domains", 1, "domain"), "e.test");
	CHECK(outcome.effects == 0);
	json_decref(reply);
}

/* The first account of user.list. */
static bool
is_disabled(const json_t *reply)
{
	return json_is_true(json_object_get(
	    json_array_get(json_object_get(reply, "users"), 0), "disabled"));
}

static void
test_users(void)
{
	CHECK(is_ok("{'command':'user.add','address':'BOB@d.test',"
		    "'password':'secret','quota':1000}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK(strstr(outcome.summary, "bob@d.test") != NULL);
	CHECK(strstr(outcome.summary, "secret") == NULL);
	CHECK(password_is("secret"));
	CHECK(is_refused("{'command':'user.add','address':'bob@d.test',"
			 "'password':'other'}",
	    "permanent", "exists already"));
	CHECK(password_is("secret"));
	CHECK(is_refused("{'command':'user.add','address':'x@far.test',"
			 "'password':'other'}",
	    "permanent", "domain"));
	CHECK(is_refused("{'command':'user.add','address':'al@d.test',"
			 "'password':''}",
	    "usage", "password must be"));
	CHECK(is_refused("{'command':'user.add','address':'al@d.test',"
			 "'password':'x\\u000ay'}",
	    "usage", "password must be"));
	CHECK(is_refused("{'command':'user.add','address':'al@d.test',"
			 "'password':'x','quota':-1}",
	    "usage", "quota must be"));
	CHECK(is_refused("{'command':'user.add','address':'al@d.test',"
			 "'password':'x','qouta':1}",
	    "usage", "does not take"));
	CHECK(is_ok("{'command':'user.passwd','address':'bob@d.test',"
		    "'password':'new'}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK(password_is("new") && !password_is("secret"));
	CHECK(is_refused("{'command':'user.passwd','address':'al@d.test',"
			 "'password':'x'}",
	    "permanent", "no account"));
	CHECK(is_ok("{'command':'user.quota','address':'bob@d.test',"
		    "'quota':5000}"));
	json_t *reply = ask("{'command':'user.list'}");
	CHECK_STR(cell(reply, "users", 0, "address"), "bob@d.test");
	CHECK_STR(
	    cell(reply, "users", 0, "created"), "2026-11-18T11:06:40.000Z");
	CHECK(json_integer_value(json_object_get(
		  json_array_get(json_object_get(reply, "users"), 0),
		  "quota")) == 5000);
	CHECK(!is_disabled(reply));
	json_decref(reply);
	CHECK(is_ok("{'command':'user.disable','address':'Bob@d.test'}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK(is_ok("{'command':'user.disable','address':'bob@d.test'}"));
	reply = ask("{'command':'user.list'}");
	CHECK(is_disabled(reply));
	json_decref(reply);
	CHECK(is_ok("{'command':'user.enable','address':'bob@d.test'}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	reply = ask("{'command':'user.list'}");
	CHECK(!is_disabled(reply));
	json_decref(reply);
	CHECK(password_is("new"));
	CHECK(is_refused("{'command':'user.disable','address':'al@d.test'}",
	    "permanent", "no account"));
}

static void
test_aliases(void)
{
	CHECK(is_ok("{'command':'alias.add','alias':'team@d.test',"
		    "'target':'bob@d.test'}"));
	CHECK(is_ok("{'command':'alias.add','alias':'Team@d.test',"
		    "'target':'x@Far.Test'}"));
	CHECK(is_ok("{'command':'alias.add','alias':'@e.test',"
		    "'target':'bob@d.test'}"));
	CHECK(is_refused("{'command':'alias.add','alias':'bob@d.test',"
			 "'target':'x@far.test'}",
	    "permanent", ""));
	CHECK(is_refused("{'command':'alias.add','alias':'team',"
			 "'target':'x@far.test'}",
	    "usage", "catch-all"));
	json_t *reply = ask("{'command':'alias.list'}");
	CHECK(json_array_size(json_object_get(reply, "aliases")) == 3);
	/* RFC 5321 s2.4: elsewhere the case of a local part may matter */
	CHECK(is_ok("{'command':'alias.add','alias':'Far@d.test',"
		    "'target':'Some.One@Remote.TEST'}"));
	json_t *far = ask("{'command':'alias.list'}");
	CHECK_STR(cell(far, "aliases", 0, "target"), "Some.One@remote.test");
	json_decref(far);
	CHECK(is_ok("{'command':'alias.remove','alias':'far@d.test',"
		    "'target':'Some.One@remote.test'}"));
	CHECK(is_refused("{'command':'alias.add','alias':'far@d.test',"
			 "'target':'some one@remote.test'}",
	    "usage", "must be"));
	json_decref(reply);
	CHECK(is_ok("{'command':'alias.remove','alias':'team@d.test',"
		    "'target':'x@far.test'}"));
	CHECK(is_ok("{'command':'alias.remove','alias':'@e.test'}"));
	reply = ask("{'command':'alias.list'}");
	CHECK(json_array_size(json_object_get(reply, "aliases")) == 1);
	CHECK_STR(cell(reply, "aliases", 0, "target"), "bob@d.test");
	json_decref(reply);
	CHECK(is_refused("{'command':'domain.remove','domain':'d.test'}",
	    "permanent", "accounts"));
}

static int
deliver(struct db *db, void *arg, struct fail *f)
{
	return delivery_run(db, arg, NULL, NULL, f);
}

/* A message from bob to himself and to x@far.test, whose sender's name is no
 * UTF-8. */
static int64_t
send_one(void)
{
	static const struct delivery_target targets[] = {
	    {.account = 1, .address = {"bob@d.test", 10}},
	    {.account = 0, .address = {"x@far.test", 10}},
	};
	static const struct hop received = {
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .at_ms = NOW,
	    .peer = {"a\xff"
		     "b", 3},
	};
	struct trace_source traces = {&fixed_clock, 0};
	struct hop hop = received;
	struct delivery d = {
	    .sender = STR("bob@d.test"),
	    .message_id = STR("<1@d.test>"),
	    .now_ms = NOW,
	    .expires_ms = NOW + 1000000,
	    .account = 1,
	    .daemon = HOP_SMTPD,
	    .targets = targets,
	    .n_targets = 2,
	    .hops = &hop,
	    .n_hops = 1,
	};
	struct stage *stage = stage_new(dir);
	struct fail f = {0};

	d.trace = hop.trace = hop_new_trace(&traces);
	d.stage = stage;
	stage_add(stage, STR("Subject: x\r\n\r\nhello\r\n"));
	if (stage_seal(stage, STR(""), &f) == -1 ||
	    db_write(control.mail, deliver, &d, &f) == -1) {
		fprintf(stderr, "%s\n", f.text);
		test_failures++;
	}
	stage_free(stage);
	return d.trace;
}

static void
test_queue(const char *id)
{
	char text[200];
	json_t *reply = ask("{'command':'queue.list'}");

	CHECK_STR(cell(reply, "recipients", 0, "id"), id);
	CHECK_STR(cell(reply, "recipients", 0, "recipient"), "x@far.test");
	CHECK_STR(cell(reply, "recipients", 0, "state"), "waiting");
	CHECK(json_is_false(json_object_get(reply, "more")));
	json_decref(reply);
	CHECK(is_refused("{'command':'queue.hold'}", "usage", "or all"));
	CHECK(is_refused("{'command':'queue.hold','all':true,"
			 "'domain':'far.test'}",
	    "usage", "or all"));
	CHECK(is_refused(
	    "{'command':'queue.hold','all':false}", "usage", "or all"));
	snprintf(text, sizeof(text), "{'command':'queue.hold','id':'%s'}", id);
	CHECK(is_ok(text));
	CHECK(outcome.effects == CONTROL_QUEUE);
	snprintf(text, sizeof(text), "{'command':'queue.show','id':'%s'}", id);
	reply = ask(text);
	CHECK_STR(cell(reply, "recipients", 0, "state"), "held");
	json_decref(reply);
	CHECK(is_ok("{'command':'queue.release','domain':'far.test'}"));
	CHECK(is_ok("{'command':'queue.retry','all':true}"));
	CHECK(is_refused("{'command':'queue.drop','id':'0000000000001'}",
	    "permanent", "waits"));
	CHECK(is_refused(
	    "{'command':'queue.drop','id':'x'}", "usage", "id must be"));
	snprintf(text, sizeof(text), "{'command':'queue.drop','id':'%s'}", id);
	CHECK(is_ok(text));
	snprintf(text, sizeof(text), "{'command':'queue.show','id':'%s'}", id);
	CHECK(is_refused(text, "permanent", "waits"));
}

static void
test_journey(const char *id)
{
	static const char *const kinds[] = {
	    "received", "delivered", "queued", "held", "released", "dropped"};
	char text[200];

	snprintf(text, sizeof(text), "{'command':'journey','what':'%s'}", id);
	json_t *reply = ask(text);
	CHECK_STR(cell(reply, "journeys", 0, "message_id"), "<1@d.test>");
	CHECK_STR(cell(reply, "journeys", 0, "sender"), "bob@d.test");
	json_t *hops = json_object_get(
	    json_array_get(json_object_get(reply, "journeys"), 0), "hops");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		bool found = false;
		for (size_t h = 0; h < json_array_size(hops); h++)
			found |= strcmp(json_string_value(json_object_get(
					    json_array_get(hops, h), "what")),
				     kinds[i]) == 0;
		if (!found)
			fprintf(stderr, "no %s\n", kinds[i]);
		CHECK(found);
	}
	/* what is no UTF-8 is shown, not lost */
	CHECK_STR(
	    json_string_value(json_object_get(json_array_get(hops, 0), "peer")),
	    "a\xef\xbf\xbd"
	    "b");
	json_decref(reply);
	CHECK(is_ok("{'command':'journey','what':'1@d.test'}"));
	CHECK(is_ok("{'command':'journey','what':'<1@d.test>','max':1}"));
	CHECK(is_ok("{'command':'journey','what':'x@far.test'}"));
	CHECK(is_refused("{'command':'journey','what':'y@far.test'}",
	    "permanent", "y@far.test"));
}

static int
put_refusal(struct db *db, void *arg, struct fail *f)
{
	const struct hop hops[] = {
	    {.at_ms = NOW,
             .daemon = HOP_SMTPD,
             .kind = HOP_RECEIVED,
             .peer = STR("mx.a.test [192.0.2.1]"),
             .detail = STR("ESMTP")},
	    {.at_ms = NOW,
             .daemon = HOP_SMTPD,
             .kind = HOP_REFUSED,
             .code = 550,
             .detail = STR("no")   },
	};
	const struct verdict verdict = {
	    .domain = STR("a.test"),
	    .report = STR("spf\tfail\tip=192.0.2.1\t-all matched\t\n"
			  "decision\trefuse\t\tIt says \xff\tpolicy.x=yes\n"),
	};
	const struct refusal r = {.trace = 4242,
	    .now_ms = NOW,
	    .message_id = STR("<refused@a.test>"),
	    .hops = hops,
	    .n_hops = 2,
	    .verdict = &verdict};

	(void)arg;
	return refusal_put(db, &r, f);
}

static const char *
check_of(const json_t *message, size_t i, const char *name)
{
	return json_string_value(json_object_get(
	    json_array_get(json_object_get(message, "checks"), i), name));
}

static void
test_explain(const char *id)
{
	struct fail f = {0};
	char text[200];
	json_t *reply, *message;

	CHECK(db_write(control.mail, put_refusal, NULL, &f) == 0);
	reply = ask("{'command':'explain','what':'<refused@a.test>'}");
	message = json_array_get(json_object_get(reply, "messages"), 0);
	CHECK_STR(cell(reply, "messages", 0, "from"), "mx.a.test [192.0.2.1]");
	CHECK_STR(cell(reply, "messages", 0, "how"), "ESMTP");
	CHECK_STR(cell(reply, "messages", 0, "domain"), "a.test");
	CHECK(json_integer_value(json_object_get(message, "code")) == 550);
	CHECK(json_is_true(json_object_get(message, "judged")));
	CHECK(json_array_size(json_object_get(message, "checks")) == 2);
	CHECK_STR(check_of(message, 0, "check"), "spf");
	CHECK_STR(check_of(message, 0, "inputs"), "ip=192.0.2.1");
	CHECK_STR(check_of(message, 0, "why"), "-all matched");
	CHECK_STR(check_of(message, 1, "why"), "It says \xef\xbf\xbd");
	CHECK_STR(check_of(message, 1, "setting"), "policy.x=yes");
	json_decref(reply);
	/* one that nobody judged */
	snprintf(text, sizeof(text), "{'command':'explain','what':'%s'}", id);
	reply = ask(text);
	message = json_array_get(json_object_get(reply, "messages"), 0);
	CHECK(json_is_false(json_object_get(message, "judged")));
	CHECK(json_array_size(json_object_get(message, "checks")) == 0);
	json_decref(reply);
	CHECK(is_refused("{'command':'explain','what':'<no@a.test>'}",
	    "permanent", "<no@a.test>"));
	CHECK(is_refused("{'command':'explain'}", "usage", "what"));
}

static void
test_store(void)
{
	json_t *reply = ask("{'command':'check'}");

	CHECK(json_array_size(json_object_get(reply, "problems")) == 0);
	json_decref(reply);
	reply = ask("{'command':'status'}");
	CHECK(json_integer_value(json_object_get(reply, "accounts")) == 1);
	CHECK(json_integer_value(json_object_get(reply, "messages")) == 1);
	CHECK(json_is_false(json_object_get(reply, "running")));
	CHECK(json_object_get(reply, "pid") == NULL);
	json_decref(reply);
}

static void
test_removal(void)
{
	struct look l = {.got = 1};
	struct fail f;

	CHECK(is_ok("{'command':'user.remove','address':'bob@d.test'}"));
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK(db_read(control.auth, look_credential, &l, &f) == 0);
	CHECK(l.got == 0);
	CHECK(is_refused("{'command':'user.remove','address':'bob@d.test'}",
	    "permanent", "no account"));
}

/* Whatever comes over the socket, an answer goes back. */
static void
test_lines(void)
{
	static const char *const lines[] = {"", "{", "[]", "null", "\"x\"",
	    "{}", "{\"command\":1}", "{\"command\":\"\"}",
	    "{\"command\":\"user.list\",\"command\":\"user.list\"}",
	    "{\"command\":\"user.list\",\"x\":1}",
	    "{\"command\":\"user.add\",\"address\":[],\"password\":{}}",
	    "{\"command\":\"queue.list\",\"max\":1.5}",
	    "{\"command\":\"queue.drop\",\"all\":1}"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *reply = control_answer(
		    &control, str_of(lines[i]), 1000, &outcome);
		if (strstr(reply, "\"ok\":false") == NULL ||
		    strstr(reply, "\"usage\"") == NULL) {
			fprintf(stderr, "%s -> %s\n", lines[i], reply);
			test_failures++;
		}
		CHECK(strchr(reply, '\n') == NULL);
		free(reply);
	}
	char *reply = control_answer(
	    &control, STR("{\"command\":\"status\"}"), 20, &outcome);
	CHECK(strstr(reply, "too long") != NULL);
	free(reply);
	reply = control_answer(
	    &control, STR("{\"command\":\"status\"}"), 1000, &outcome);
	CHECK(strstr(reply, "\"ok\":true") != NULL);
	free(reply);
}

int
main(void)
{
	char id[TRACE_TEXT_MAX];

	open_store();
	test_domains();
	test_users();
	test_aliases();
	trace_text(send_one(), id);
	test_queue(id);
	test_journey(id);
	test_explain(id);
	test_store();
	test_removal();
	test_lines();
	close_store();
	return TEST_EXIT();
}
