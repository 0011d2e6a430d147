/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/authority/gate.h"
#include "common/authority/login.h"
#include "common/store/account.h"
#include "common/util/mem.h"
#include "popd/imap_session_state.h"

#define NAME_KEPT 320 /* octets of a name, for the log */

/* What the store has to say of an account that logs in. */
struct welcome {
	struct store_job job; /* first, so that a job is its welcome */
	struct imap_session *s;
	int64_t account;
	char *login;
	char *off; /* capabilities it is not offered */
};

static void
begin_tls(struct imap_session *s)
{
	imap_session_flush(s);
	if (conn_input(s->conn).len > 0) { /* RFC 9051 s11.1: none may be */
		log_warn(&s->popd->log, "bytes behind STARTTLS rip=%s", s->ip);
		imap_session_finish(s);
		return;
	}
	s->securing = s->starttls = true;
	conn_start_tls(s->conn, s->popd->imap_tls, NULL);
}

static void
begin_deflate(struct imap_session *s)
{
	imap_session_flush(s);
	if (conn_input(s->conn).len > 0) { /* RFC 4978 s3: none may be */
		imap_session_finish(s);
		return;
	}
	conn_start_deflate(s->conn);
	imap_compressed(s->imap, true);
}

/* ---- login ---- */

static void
refuse(struct imap_session *s, enum imap_refusal why)
{
	if (s->conn != NULL)
		imap_refused(s->imap, why);
	imap_session_resume(s);
}

static int
run_welcome(struct db *db, struct store_job *job, struct fail *f)
{
	struct welcome *w = (struct welcome *)job;

	return account_imap_off(db, w->account, &w->off, f) == 1 ? 0 : -1;
}

static void
done_welcome(struct store_job *job)
{
	struct welcome *w = (struct welcome *)job;
	struct imap_session *s = w->s;
	bool good = job->rc == 0;

	if (!good) {
		log_error(&s->popd->log, "account of %s: %s", w->login,
		    job->fail.text);
	} else if (s->conn != NULL && !crowd_admit(&s->member, w->account)) {
		good = false;
		log_warn(&s->popd->log,
		    "too many connections rip=%s user=\"%s\"", s->ip, w->login);
	}
	if (good && s->conn != NULL) {
		s->login = mem_dup(str_of(w->login));
		imap_session_listen(s, w->account);
		imap_logged_in(s->imap, w->account, w->login, w->off);
		imap_session_resume(s);
	} else {
		refuse(s, IMAP_UNAVAILABLE);
	}
	free(w->login);
	free(w->off);
	free(w);
}

static void
begin_welcome(struct imap_session *s, const struct login_answer *a)
{
	struct welcome *w = MEM_NEW(struct welcome);

	w->job.run = run_welcome;
	w->job.done = done_welcome;
	w->s = s;
	w->account = a->account;
	w->login = mem_dup(str_of(a->login));
	store_read(s->popd->store, &w->job);
}

static void
login_checked(void *arg, const struct login_answer *a)
{
	static const enum imap_refusal refusals[] = {
	    [LOGIN_WRONG] = IMAP_WRONG,
	    [LOGIN_DISABLED] = IMAP_FORBIDDEN,
	    [LOGIN_LATER] = IMAP_UNAVAILABLE,
	};
	struct imap_session *s = arg;

	gate_learn(s->popd->gate, s->ip, a, loop_now_ms(s->popd->loop));
	if (s->conn == NULL) {
		imap_session_resume(s);
		return;
	}
	if (a->result == LOGIN_GOOD) {
		begin_welcome(s, a);
		return;
	}
	login_log_failure(
	    &s->popd->log, "imap", s->ip, a->reason, str_of(s->tried));
	refuse(s, refusals[a->result]);
}

static void
begin_login(struct imap_session *s)
{
	const struct imap_login *login = imap_login(s->imap);

	free(s->tried);
	s->tried = mem_dup(str_first(login->user, NAME_KEPT));
	s->busy = true;
	login_ask(s->popd->authority, login->user, login->password, s->ip,
	    "imap", login_checked, s);
}

void
imap_serve(struct imap_session *s, enum imap_event ev)
{
	switch (ev) {
	case IMAP_NONE:
	case IMAP_DRAIN:
	case IMAP_OCTETS: /* taken before the input was consumed */
		break;
	case IMAP_TLS:
		begin_tls(s);
		break;
	case IMAP_DEFLATE:
		begin_deflate(s);
		break;
	case IMAP_LOGIN:
		begin_login(s);
		break;
	case IMAP_OP:
		imap_job_begin(s);
		break;
	case IMAP_BODY:
		imap_body_begin(s);
		break;
	case IMAP_STAGE:
		imap_job_stage(s);
		break;
	case IMAP_UNSTAGE:
		imap_job_unstage(s);
		break;
	case IMAP_CLOSE:
		imap_session_finish(s);
		break;
	}
}
