/* SPDX-License-Identifier: MIT */
#include "maild/auth/auth.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "maild/auth/auth_internal.h"

#define HASH_WAITING 32 /* of those that are known, unknown, suspect: each */
#define WINDOW_MS    (10 * 60 * 1000)

int64_t
auth_now_ms(const struct auth *a)
{
	return clock_mono_ms(a->maild->clock);
}

bool
auth_take_text(const json_t *question, const char *name, struct str *out)
{
	const json_t *value = json_object_get(question, name);

	*out = (struct str){
	    json_string_value(value), json_string_length(value)};
	return json_is_string(value);
}

void
auth_reply(struct ipc_request *request, json_t *reply)
{
	char *line = json_dumps(reply, JSON_COMPACT);

	json_decref(reply);
	ipc_reply(request, str_of(line));
	free(line);
}

/* ---- questions ---- */

static auth_op *
find_op(const json_t *question)
{
	static const struct {
		struct str name;
		auth_op *serve;
	} ops[] = {
	    {STR("verify"),      auth_verify     },
	    {STR("scram-first"), auth_scram_first},
	    {STR("scram-final"), auth_scram_final},
	    {STR("sign"),        auth_sign       },
	};
	struct str name;

	if (auth_take_text(question, "op", &name))
		for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
			if (str_eq(name, ops[i].name))
				return ops[i].serve;
	return NULL;
}

static void
refuse(struct ipc_request *request)
{
	ipc_reply(request, STR("{\"ok\":false,\"reason\":\"error\",\"text\":"
			       "\"that could not be done: try again later\"}"));
}

static void
wipe_password(const json_t *question)
{
	struct str password;

	/* the document is ours alone */
	if (auth_take_text(question, "password", &password))
		explicit_bzero((char *)(uintptr_t)password.at, password.len);
}

static void
serve(void *arg, struct ipc_request *request, struct str line)
{
	struct auth *a = arg;
	json_t *question = json_loadb(line.len > 0 ? line.at : "", line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	auth_op *op = find_op(question);

	if (a->stopping) {
		refuse(request);
	} else if (op == NULL || !op(a, request, question)) {
		log_warn(&a->maild->log,
		    "auth: a question from uid %u makes no sense",
		    (unsigned)ipc_request_uid(request));
		refuse(request);
	}
	wipe_password(question);
	json_decref(question);
}

/* ---- life ---- */

static int
take_secrets(struct db *db, void *arg, struct fail *f)
{
	struct auth *a = arg;

	if (credential_secret(db, CREDENTIAL_APP_PASSWORD, a->app_key, f) == -1)
		return -1;
	return credential_secret(db, CREDENTIAL_NOBODY, a->nobody, f);
}

/* Before anything is served, so it may block. */
static int
read_secrets(struct auth *a, struct fail *f)
{
	struct db *db = db_open(
	    a->maild->conf->server_store, DB_AUTH, DB_WRITER, f);
	int rc;

	if (db == NULL)
		return -1;
	rc = db_write(db, take_secrets, a, f);
	db_close(db);
	return rc;
}

struct auth *
auth_new(struct maild *m, struct fail *f)
{
	struct auth *a = MEM_NEW(struct auth);
	struct buf path;

	a->maild = m;
	a->hashers = workers_new(m->loop, 1, HASH_WAITING);
	/* mail goes on while strangers guess, and people get in */
	a->strangers = workers_new_behind(m->loop, 1, HASH_WAITING);
	a->throttle = throttle_new(
	    (size_t)m->conf->limits_auth_failures, WINDOW_MS);
	a->verified = verified_new();
	a->exchanges = exchanges_new();
	a->keys = key_ring_new(m->loop);
	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/auth.sock", m->conf->server_runtime);
	if (read_secrets(a, f) == 0)
		a->server = ipc_server_new(
		    m->loop, path.data, serve, a, &m->log, f);
	buf_release(&path);
	if (a->server != NULL)
		return a;
	auth_free(a);
	return NULL;
}

void
auth_forget(struct auth *a)
{
	verified_forget_all(a->verified);
	key_ring_forget(a->keys);
}

void
auth_change_begins(struct auth *a)
{
	a->changes++;
}

void
auth_change_over(struct auth *a)
{
	assert(a->changes > 0);
	a->changes--;
}

size_t
auth_pending(const struct auth *a)
{
	return a->pending;
}

void
auth_stop(struct auth *a)
{
	a->stopping = true;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	workers_free(a->hashers);
	workers_free(a->strangers);
	key_ring_free(a->keys);
	ipc_server_free(a->server);
	exchanges_free(a->exchanges);
	throttle_free(a->throttle);
	verified_free(a->verified);
	explicit_bzero(a, sizeof(*a));
	free(a);
}
