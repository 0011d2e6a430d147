/* SPDX-License-Identifier: MIT */
#include "maild/control.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/control/command.h"
#include "common/net/ipc.h"
#include "common/util/mem.h"
#include "common/util/secret.h"
#include "maild/auth/auth.h"
#include "maild/backups.h"
#include "maild/relay/own_signer.h"
#include "maild/relay/pending.h"
#include "maild/relay/relay.h"
#include "maild/relay/smarthosts.h"

#define WAITING_MAX 64

struct control_server {
	struct maild *maild; /* borrowed */
	struct ipc_server *server;
	struct workers *worker; /* one thread: commands do not overlap */
	struct control control;
};

struct execution {
	struct worker_job job;
	struct control_server *server; /* borrowed */
	struct ipc_request *request;
	struct secret line; /* may hold a password */
	struct control_outcome outcome;
	struct buf counters; /* as they were when it was asked */
	char *reply;
};

static void
execute(struct worker_job *job)
{
	struct execution *e = (struct execution *)job;

	struct control control = e->server->control;

	control.counters = e->counters.data;
	e->reply = control_answer(
	    &control, secret_str(&e->line), IPC_MAX - 1, &e->outcome);
}

static void
release(struct execution *e)
{
	secret_release(&e->line);
	if (e->reply != NULL) /* it may hold an app password */
		explicit_bzero(e->reply, strlen(e->reply));
	free(e->reply);
	buf_release(&e->counters);
	free(e);
}

/* What changed counts before the answer is given: when mailctl says that the
 * password is new, the old one fails. */
static void
executed(struct worker_job *job)
{
	struct execution *e = (struct execution *)job;
	struct maild *m = e->server->maild;

	if (e->outcome.ok && e->outcome.effects != 0)
		log_info(&m->log, "control: uid %u: %s",
		    (unsigned)ipc_request_uid(e->request), e->outcome.summary);
	if ((e->outcome.effects & CONTROL_LOGIN) != 0) {
		auth_forget(m->auth);
		own_signer_reload(m->signer);
	}
	if ((e->outcome.effects & CONTROL_QUEUE) != 0) {
		relay_reload(m->relay);
		pending_kick(m->pending);
	}
	if ((e->outcome.effects & CONTROL_SMARTHOST) != 0) {
		smarthosts_reload(m->smarthosts);
		relay_reroute(m->relay);
	}
	if ((e->outcome.effects & CONTROL_BACKUP) != 0)
		backups_kick(m->backups);
	auth_change_over(m->auth);
	ipc_reply(e->request, str_of(e->reply));
	release(e);
}

static void
refuse_uid(struct control_server *c, struct ipc_request *request)
{
	log_warn(&c->maild->log, "control: uid %u may not order anything",
	    (unsigned)ipc_request_uid(request));
	ipc_reply(
	    request, STR("{\"ok\":false,\"kind\":\"permanent\",\"text\":"
			 "\"only root and maild's own user may do this\"}"));
}

static void
serve(void *arg, struct ipc_request *request, struct str line)
{
	struct control_server *c = arg;
	uid_t uid = ipc_request_uid(request);

	if (uid != 0 && uid != geteuid()) {
		refuse_uid(c, request);
		return;
	}
	struct execution *e = MEM_NEW(struct execution);
	e->job.run = execute;
	e->job.done = executed;
	e->server = c;
	e->request = request;
	buf_init(&e->counters, METRICS_ROOM + BACKUPS_GAUGES_ROOM);
	metrics_print(&c->maild->metrics, &e->counters);
	backups_print(c->maild->backups, &e->counters);
	secret_init(&e->line);
	secret_set(&e->line, line);
	if (workers_submit(c->worker, &e->job)) {
		auth_change_begins(c->maild->auth);
		return;
	}
	ipc_reply(request, STR("{\"ok\":false,\"kind\":\"temporary\",\"text\":"
			       "\"maild has too many commands to execute\"}"));
	release(e);
}

struct control_server *
control_server_new(struct maild *m, struct fail *f)
{
	struct control_server *c = MEM_NEW(struct control_server);
	const char *dir = m->conf->server_store;
	struct buf path;

	c->maild = m;
	c->control.clock = m->clock;
	c->control.started_ms = m->started_ms;
	c->control.hostname = m->conf->server_hostname;
	c->control.backups = backups_board(m->backups);
	if (c->control.backups != NULL)
		c->control.backup_dir = m->conf->backup_dir;
	c->worker = workers_new(m->loop, 1, WAITING_MAX);
	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/control.sock", m->conf->server_runtime);
	c->control.mail = db_open(dir, DB_MAIL, DB_WRITER, f);
	if (c->control.mail != NULL)
		c->control.auth = db_open(dir, DB_AUTH, DB_WRITER, f);
	if (c->control.auth != NULL)
		c->server = ipc_server_new(
		    m->loop, path.data, serve, c, &m->log, f);
	buf_release(&path);
	if (c->server != NULL)
		return c;
	control_server_free(c);
	return NULL;
}

size_t
control_server_pending(const struct control_server *c)
{
	return workers_busy(c->worker);
}

void
control_server_stop(struct control_server *c)
{
	db_interrupt(c->control.mail);
	db_interrupt(c->control.auth);
}

void
control_server_free(struct control_server *c)
{
	if (c == NULL)
		return;
	workers_free(c->worker);
	ipc_server_free(c->server);
	db_close(c->control.auth);
	db_close(c->control.mail);
	free(c);
}
