/* SPDX-License-Identifier: MIT */
/* The askers' side of auth.sock, with an authority that says what it is told
 * to. */
#include <fcntl.h>

#include "common/authority/login.h"
#include "common/authority/signer.h"
#include "tests/unit/net/net_test.h"

struct test {
	struct rig rig;
	char folder[64], path[128];
	struct log log;
	struct ipc_server *server;
	struct ipc_client *client;
	const char *reply;   /* of the authority */
	char question[1000]; /* it was asked */
	char got[500];       /* what the asker was told */
	size_t answered;
};

static void
serve(void *arg, struct ipc_request *r, struct str line)
{
	struct test *t = arg;

	snprintf(t->question, sizeof(t->question), "%.*s", STR_FMT(line));
	ipc_reply(r, str_of(t->reply));
}

static void
open_test(struct test *t)
{
	struct fail f;

	*t = (struct test){0};
	rig_open(&t->rig);
	folder_open(t->folder);
	in_folder(t->path, t->folder, "auth.sock");
	t->log = log_to_stderr("test");
	t->log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	t->server = ipc_server_new(t->rig.loop, t->path, serve, t, &t->log, &f);
	CHECK(t->server != NULL);
	t->client = ipc_client_new(t->rig.loop, t->path, GUARD_MS);
}

static void
close_test(struct test *t)
{
	ipc_client_free(t->client);
	ipc_server_free(t->server);
	rig_close(&t->rig);
	close(t->log.fd);
	folder_close(t->folder);
}

/* ---- SCRAM ---- */

static void
on_scram(void *arg, const struct login_scram *s)
{
	struct test *t = arg;

	snprintf(t->got, sizeof(t->got), "%d %s%s \"%.*s\" %s %s %d",
	    (int)s->answer.result, s->answer.reason,
	    s->malformed ? " (malformed)" : "", STR_FMT(s->message),
	    s->session != NULL ? s->session : "-",
	    s->answer.login != NULL ? s->answer.login : "-",
	    (int)s->answer.account);
	t->answered++;
	loop_stop(t->rig.loop);
}

static const char *
first(struct test *t, const char *reply)
{
	const struct login_scram_first q = {
	    STR("n,,n=a,r=b"), false, true, "192.0.2.1", "smtp"};

	t->reply = reply;
	login_scram_first(t->client, &q, on_scram, t);
	loop_run(t->rig.loop);
	return t->got;
}

static const char *
final(struct test *t, const char *reply)
{
	const struct login_scram_final q = {
	    "s1", STR("c=x"), STR("\1\2"), "192.0.2.1", "smtp"};

	t->reply = reply;
	login_scram_final(t->client, &q, on_scram, t);
	loop_run(t->rig.loop);
	return t->got;
}

static void
test_scram(void)
{
	static char big[LOGIN_SCRAM_MAX + 2];
	struct login_scram_first q = {
	    {big, LOGIN_SCRAM_MAX + 1},
            false, false, "192.0.2.1", "smtp"
        };
	struct test t;

	open_test(&t);
	/* 0 good, 1 wrong, 2 disabled, 3 later */
	CHECK_STR(first(&t, "{\"ok\":true,\"session\":\"s1\",\"message\":"
			    "\"cj1i\"}"),
	    "0 good \"r=b\" s1 - 0");
	CHECK_STR(t.question,
	    "{\"op\":\"scram-first\",\"plus\":false,\"offered\":true,"
	    "\"rip\":\"192.0.2.1\",\"proto\":\"smtp\","
	    "\"message\":\"biwsbj1hLHI9Yg==\"}");
	CHECK_STR(first(&t, "{\"ok\":false,\"reason\":\"throttled\"}"),
	    "3 throttled \"\" - - 0");
	CHECK_STR(first(&t, "{\"ok\":false,\"reason\":\"malformed\"}"),
	    "1 malformed (malformed) \"\" - - 0");
	CHECK_STR(final(&t, "{\"ok\":true,\"login\":\"a@d.test\",\"account\":7,"
			    "\"message\":\"dj0=\"}"),
	    "0 good \"v=\" - a@d.test 7");
	CHECK_STR(t.question,
	    "{\"op\":\"scram-final\",\"session\":\"s1\",\"rip\":"
	    "\"192.0.2.1\",\"proto\":\"smtp\",\"binding\":\"AQI=\","
	    "\"message\":\"Yz14\"}");
	CHECK_STR(
	    final(&t, "{\"ok\":false,\"reason\":\"bad\"}"), "1 bad \"\" - - 0");
	CHECK_STR(final(&t, "{\"ok\":false,\"reason\":\"disabled\"}"),
	    "2 disabled \"\" - - 0");
	CHECK_STR(final(&t, "{\"ok\":false,\"reason\":\"expired\"}"),
	    "3 expired \"\" - - 0");
	/* an authority that lacks something lets nobody in */
	CHECK_STR(first(&t, "{\"ok\":true,\"message\":\"cj1i\"}"),
	    "3 error \"\" - - 0");
	CHECK_STR(first(&t, "{\"ok\":true,\"session\":\"s1\"}"),
	    "3 error \"\" - - 0");
	CHECK_STR(final(&t, "{\"ok\":true,\"message\":\"dj0=\"}"),
	    "3 error \"\" - - 0");
	CHECK_STR(final(&t, "{\"ok\":true,\"login\":\"a@d.test\",\"account\":7,"
			    "\"message\":\"!\"}"),
	    "3 error \"\" - - 0");
	CHECK_STR(final(&t, "nonsense"), "3 error \"\" - - 0");
	/* nobody is asked about what is too long */
	t.answered = 0;
	login_scram_first(t.client, &q, on_scram, &t);
	CHECK(t.answered == 1);
	CHECK_STR(t.got, "1 malformed (malformed) \"\" - - 0");
	close_test(&t);
}

/* ---- passwords ---- */

static void
on_login(void *arg, const struct login_answer *a)
{
	struct test *t = arg;

	snprintf(t->got, sizeof(t->got), "%d %s %d %s %d", a->result, a->reason,
	    (int)a->account, a->login != NULL ? a->login : "-", a->shut);
	loop_stop(t->rig.loop);
}

static const char *
ask(struct test *t, const char *reply)
{
	t->reply = reply;
	login_ask(t->client, STR("bob"), STR("a\"b"), "192.0.2.1", "imap",
	    on_login, t);
	loop_run(t->rig.loop);
	return t->got;
}

static void
test_password(void)
{
	struct test t;

	open_test(&t);
	CHECK_STR(ask(&t, "{\"ok\":true,\"login\":\"bob@d.test\","
			  "\"account\":7}"),
	    "0 good 7 bob@d.test 0");
	CHECK_STR(t.question,
	    "{\"op\":\"verify\",\"proto\":\"imap\",\"rip\":\"192.0.2.1\","
	    "\"user\":\"bob\",\"password\":\"a\\u0022b\"}");
	CHECK_STR(ask(&t, "{\"ok\":false,\"reason\":\"bad\"}"), "1 bad 0 - 0");
	CHECK_STR(ask(&t, "{\"ok\":false,\"reason\":\"throttled\"}"),
	    "3 throttled 0 - 0");
	CHECK_STR(ask(&t, "{\"ok\":false,\"reason\":\"throttled\","
			  "\"shut\":true}"),
	    "3 throttled 0 - 1");
	CHECK_STR(ask(&t, "{\"ok\":true}"), "3 error 0 - 0");
	CHECK_STR(ask(&t, "nonsense"), "3 error 0 - 0");
	ipc_server_free(t.server);
	t.server = NULL;
	CHECK_STR(ask(&t, ""), "3 away 0 - 0");
	close_test(&t);
}

static void
test_away(void)
{
	struct test t;

	open_test(&t);
	ipc_server_free(t.server);
	t.server = NULL;
	CHECK_STR(final(&t, ""), "3 away \"\" - - 0");
	close_test(&t);
}

/* ---- signatures ---- */

static void
on_signature(void *arg, bool ok, struct str signature, const char *text)
{
	struct test *t = arg;

	snprintf(t->got, sizeof(t->got), "%d \"%.*s\" %s", ok,
	    STR_FMT(signature), text);
	loop_stop(t->rig.loop);
}

static const char *
sign(struct test *t, struct str domain, const char *reply)
{
	static const uint8_t digest[SIGNER_DIGEST_LEN] = {1};

	t->reply = reply;
	signer_ask(t->client, domain, STR("r1"), digest, on_signature, t);
	loop_run(t->rig.loop);
	return t->got;
}

static void
test_sign(void)
{
	struct test t;

	open_test(&t);
	CHECK_STR(
	    sign(&t, STR("d.test"), "{\"ok\":true,\"signature\":\"c2ln\"}"),
	    "1 \"sig\" ");
	CHECK_STR(t.question,
	    "{\"op\":\"sign\",\"domain\":\"d.test\",\"selector\":\"r1\","
	    "\"digest\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}");
	CHECK_STR(sign(&t, STR("d.test"),
		      "{\"ok\":false,\"text\":\"there is no such key\"}"),
	    "0 \"\" there is no such key");
	CHECK_STR(sign(&t, STR("d.test"), "{\"ok\":true}"),
	    "0 \"\" maild's answer makes no sense");
	CHECK_STR(
	    sign(&t, STR("d.test"), "{\"ok\":true,\"signature\":\"c2l\"}"),
	    "0 \"\" maild's answer makes no sense");
	CHECK_STR(sign(&t, STR("d.test"), "nonsense"),
	    "0 \"\" maild's answer makes no sense");
	/* what is no text is asked about as nothing */
	CHECK_STR(sign(&t, STR("\xff"), "{\"ok\":false,\"text\":\"what?\"}"),
	    "0 \"\" what?");
	CHECK_STR(t.question, "{}");
	ipc_server_free(t.server);
	t.server = NULL;
	CHECK(sign(&t, STR("d.test"), "")[0] == '0');
	close_test(&t);
}

int
main(void)
{
	test_scram();
	test_password();
	test_away();
	test_sign();
	return TEST_EXIT();
}
