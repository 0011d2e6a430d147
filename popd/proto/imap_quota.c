/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "popd/proto/imap_list.h"

/* One root for all mailboxes of an account.  Where there is no limit there is
 * no root: an empty list of resources is no quota-list (RFC 9208 s7). */
#define ROOT "User quota"

/* RFC 9208 s5.1: units of 1,024 octets.  Both rounded up, so that usage is
 * over the limit only where it is. */
static uint64_t
units(uint64_t octets)
{
	return octets / KB + (octets % KB != 0);
}

static void
tell_quota(struct imap *p, const struct imap_getquota_op *o)
{
	imap_untagged(p, "QUOTA \"" ROOT "\" (STORAGE %" PRIu64 " %" PRIu64 ")",
	    units(o->bytes), units(o->limit));
}

static void
quota_done(struct imap *p, struct imap_op *op)
{
	struct imap_getquota_op *o = (struct imap_getquota_op *)op;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
	} else if (o->limit == 0) {
		p->next = imap_reply(p, IMAP_NO, IMAP_CODE_NONEXISTENT,
		    "there is no such quota root");
	} else {
		tell_quota(p, o);
		p->next = imap_reply_done(p);
	}
}

static void
root_done(struct imap *p, struct imap_op *op)
{
	struct imap_getquota_op *o = (struct imap_getquota_op *)op;
	const char *name = p->work;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	buf_add(&p->out, STR("* QUOTAROOT "));
	imap_out_mailbox(&p->out, str_of(name), imap_utf8(p));
	if (o->limit != 0)
		buf_add(&p->out, STR(" \"" ROOT "\""));
	buf_add(&p->out, STR("\r\n"));
	if (o->limit != 0)
		tell_quota(p, o);
	p->next = imap_reply_done(p);
}

static enum imap_event
ask_quota(struct imap *p, void (*done)(struct imap *p, struct imap_op *op))
{
	struct imap_getquota_op *o = imap_op_new(
	    p, IMAP_OP_GETQUOTA, sizeof(*o), done, NULL);

	return imap_ask(p, &o->op);
}

enum imap_event
imap_cmd_getquota(struct imap *p, struct imap_args *a)
{
	enum imap_event ev;
	struct buf root;

	buf_init(&root, IMAP_COMMAND_MAX);
	if (!imap_arg_astring(a, &root) || !imap_arg_end(a))
		ev = imap_reply_syntax(p, "a quota root is expected");
	else if (!str_eq(buf_str(&root), STR(ROOT)))
		ev = imap_reply(p, IMAP_NO, IMAP_CODE_NONEXISTENT,
		    "there is no such quota root");
	else
		ev = ask_quota(p, quota_done);
	buf_release(&root);
	return ev;
}

/* The mailbox need not be there (RFC 9208 s4.1.2). */
enum imap_event
imap_cmd_getquotaroot(struct imap *p, struct imap_args *a)
{
	char *name = NULL;

	if (!imap_name_take(a, &name) || !imap_arg_end(a)) {
		free(name);
		return imap_reply_syntax(p, "a mailbox name is expected");
	}
	p->work = name;
	p->free_work = free;
	return ask_quota(p, root_done);
}

/* "(STORAGE 512)", which may be empty. */
static bool
take_limits(struct imap_args *a)
{
	struct str resource;
	uint64_t limit;

	if (!imap_arg_char(a, '('))
		return false;
	if (imap_arg_char(a, ')'))
		return true;
	do {
		if (!imap_arg_atom(a, &resource) || !imap_arg_space(a) ||
		    !imap_arg_number64(a, &limit))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

enum imap_event
imap_cmd_setquota(struct imap *p, struct imap_args *a)
{
	struct buf root;
	bool good;

	buf_init(&root, IMAP_COMMAND_MAX);
	good = imap_arg_astring(a, &root) && imap_arg_space(a) &&
	       take_limits(a) && imap_arg_end(a);
	buf_release(&root);
	if (!good)
		return imap_reply_syntax(p, "root (limits) are expected");
	return imap_reply(
	    p, IMAP_NO, IMAP_CODE_NOPERM, "only the administrator sets quotas");
}
