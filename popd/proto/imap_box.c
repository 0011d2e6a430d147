/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "popd/proto/imap_list.h"

bool
imap_name_take(struct imap_args *a, char **name)
{
	struct buf taken;
	bool good;

	buf_init(&taken, IMAP_COMMAND_MAX);
	good = imap_arg_mailbox(a, &taken);
	if (good)
		*name = buf_take(&taken);
	buf_release(&taken);
	return good;
}

/* A mailbox, and nothing behind it. */
static bool
take_only_name(struct imap_args *a, char **name)
{
	if (!imap_name_take(a, name))
		return false;
	if (imap_arg_end(a))
		return true;
	free(*name);
	return false;
}

static enum imap_event
want_name(struct imap *p)
{
	return imap_reply_syntax(p, "a mailbox name is expected");
}

/* Ops that only fail or succeed. */
static void
just_done(struct imap *p, struct imap_op *op)
{
	p->next = op->rc == -1 ? imap_reply_failed(p, op) : imap_reply_done(p);
}

/* ---- NAMESPACE: RFC 9051 s6.3.10 ---- */

enum imap_event
imap_cmd_namespace(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "no argument is expected");
	imap_untagged(p, "NAMESPACE ((\"\" \"/\")) NIL NIL");
	return imap_reply_done(p);
}

/* ---- STATUS: RFC 9051 s6.3.11 ---- */

static void
status_done(struct imap *p, struct imap_op *op)
{
	struct imap_status_op *o = (struct imap_status_op *)op;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
	} else {
		imap_status_write(p, str_of(o->name), o->items, &o->box);
		p->next = imap_reply_done(p);
	}
}

static void
release_status(struct imap_op *op)
{
	free(((struct imap_status_op *)op)->name);
}

enum imap_event
imap_cmd_status(struct imap *p, struct imap_args *a)
{
	struct imap_status_op *o;
	unsigned items = 0;
	char *name;

	if (!imap_name_take(a, &name))
		return want_name(p);
	if (!imap_arg_space(a) || !imap_status_take(p, a, &items) ||
	    !imap_arg_end(a)) {
		free(name);
		return imap_reply_syntax(p, "a list of items is expected");
	}
	imap_status_use(p, items);
	o = imap_op_new(
	    p, IMAP_OP_STATUS, sizeof(*o), status_done, release_status);
	o->name = name;
	o->items = items;
	return imap_ask(p, &o->op);
}

/* ---- CREATE: RFC 9051 s6.3.4, RFC 6154 s3, RFC 8474 s4.1 ---- */

/* A name that was given is not as the store has it (NFC): say so to a client
 * that knows how that is said (RFC 9051 s6.3.9.7). */
static void
tell_normalized(
    struct imap *p, const struct imap_list_line *line, const char *old_name)
{
	if (imap_has(p, IMAP_HAS_REV2))
		imap_list_write(p,
		    IMAP_LIST_EXTENDED | IMAP_LIST_UNKNOWN_CHILDREN, line,
		    old_name);
}

static void
create_done(struct imap *p, struct imap_op *op)
{
	struct imap_create_op *o = (struct imap_create_op *)op;
	struct imap_list_line line = {
	    .name = o->made, .box = {.id = o->mailbox, .special = o->special}
        };
	struct buf code;

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	if (strcmp(o->name, o->made) != 0)
		tell_normalized(p, &line, o->name);
	if (!imap_offers(p, IMAP_CAP_OBJECTID)) {
		p->next = imap_reply_done(p);
		return;
	}
	buf_init(&code, KB);
	buf_add(&code, STR("MAILBOXID ("));
	imap_out_objectid(&code, 'F', (uint64_t)o->mailbox);
	buf_add_char(&code, ')');
	p->next = imap_reply_with(p, IMAP_OK, buf_str(&code), "CREATE done");
	buf_release(&code);
}

static void
release_create(struct imap_op *op)
{
	struct imap_create_op *o = (struct imap_create_op *)op;

	free(o->name);
	free(o->made);
}

/* "(USE (\Drafts \Sent))"; *unsupported: one of them is none we have. */
static bool
take_uses(struct imap_args *a, unsigned *uses, bool *unsupported)
{
	if (!imap_arg_char(a, '(') || !imap_arg_word(a, STR("USE")) ||
	    !imap_arg_space(a) || !imap_arg_char(a, '('))
		return false;
	if (!imap_arg_char(a, ')')) {
		do {
			unsigned use;

			if (!imap_use_take(a, &use))
				return false;
			*uses |= use;
			*unsupported |= use == 0;
		} while (imap_arg_space(a));
		if (!imap_arg_char(a, ')'))
			return false;
	}
	return imap_arg_char(a, ')');
}

/* Apple Mail tries it to learn whether all mailboxes must be below INBOX;
 * where it succeeds, it believes so. */
static bool
is_inbox_inbox(struct str name)
{
	struct str inbox = STR("INBOX"), rest = name;

	return str_take_nocase(&rest, inbox) &&
	       (str_take(&rest, '/') || str_take(&rest, '.')) &&
	       str_take_nocase(&rest, inbox) &&
	       (rest.len == 0 || rest.at[0] == '/' || rest.at[0] == '.');
}

/* "foo/" declares that there will be names below; we do not need it, and the
 * name is without (RFC 9051 s6.3.4). */
static void
cut_delimiter(char *name)
{
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '/')
		name[len - 1] = '\0';
}

static enum imap_event
create(struct imap *p, char *name, unsigned uses)
{
	struct imap_create_op *o = imap_op_new(
	    p, IMAP_OP_CREATE, sizeof(*o), create_done, release_create);

	o->name = name;
	o->special = uses;
	return imap_ask(p, &o->op);
}

enum imap_event
imap_cmd_create(struct imap *p, struct imap_args *a)
{
	bool unsupported = false, good;
	enum imap_event ev;
	unsigned uses = 0;
	char *name;

	if (!imap_name_take(a, &name))
		return want_name(p);
	good = !imap_offers(p, IMAP_CAP_CREATE_SPECIAL_USE) ||
	       !imap_arg_space(a) || take_uses(a, &uses, &unsupported);
	cut_delimiter(name);
	if (!good || !imap_arg_end(a))
		ev = imap_reply_syntax(p, "mailbox [(USE (...))] is expected");
	else if (unsupported)
		ev = imap_reply(p, IMAP_NO, IMAP_CODE_USEATTR,
		    "there is no mailbox of that use here");
	else if (is_inbox_inbox(str_of(name)))
		ev = imap_reply(p, IMAP_NO, IMAP_CODE_CANNOT,
		    "INBOX is not needed in front of other names");
	else
		return create(p, name, uses);
	free(name);
	return ev;
}

/* ---- DELETE: RFC 9051 s6.3.5 ---- */

static void
delete_done(struct imap *p, struct imap_op *op)
{
	struct imap_delete_op *o = (struct imap_delete_op *)op;
	struct imap_list_line line = {.name = o->was};

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	if (imap_selected(p) == op->gone && op->gone != 0) {
		imap_leave(p);
		imap_untagged_code(
		    p, IMAP_OK, "CLOSED", "The mailbox is deleted");
	}
	if (strcmp(o->name, o->was) != 0)
		tell_normalized(p, &line, o->name);
	p->next = imap_reply_done(p);
}

static void
release_delete(struct imap_op *op)
{
	struct imap_delete_op *o = (struct imap_delete_op *)op;

	free(o->name);
	free(o->was);
}

enum imap_event
imap_cmd_delete(struct imap *p, struct imap_args *a)
{
	struct imap_delete_op *o;
	char *name;

	if (!take_only_name(a, &name))
		return want_name(p);
	o = imap_op_new(
	    p, IMAP_OP_DELETE, sizeof(*o), delete_done, release_delete);
	o->name = name;
	return imap_ask(p, &o->op);
}

/* ---- RENAME: RFC 9051 s6.3.6 ---- */

/* The selected mailbox, or one above it, has a new name. */
static void
follow(struct imap *p, const char *was, const char *made)
{
	struct str name = str_of(p->mailbox_name);
	struct str rest = str_after(name, strlen(was));
	struct buf renamed;

	if (p->mailbox_name == NULL || str_eq(str_of(was), STR("INBOX")) ||
	    !str_starts(name, str_of(was)))
		return;
	if (rest.len > 0 && rest.at[0] != '/')
		return;
	buf_init(&renamed, IMAP_COMMAND_MAX);
	buf_addf(&renamed, "%s%.*s", made, STR_FMT(rest));
	free(p->mailbox_name);
	p->mailbox_name = buf_take(&renamed);
}

static void
rename_done(struct imap *p, struct imap_op *op)
{
	struct imap_rename_op *o = (struct imap_rename_op *)op;
	struct imap_list_line line = {
	    .name = o->made, .box = {.id = o->mailbox, .special = o->special}
        };

	if (op->rc == -1) {
		p->next = imap_reply_failed(p, op);
		return;
	}
	follow(p, o->was, o->made);
	if (strcmp(o->to, o->made) != 0 ||
	    (strcmp(o->from, o->was) != 0 && strcmp(o->was, "INBOX") != 0))
		tell_normalized(p, &line, o->from);
	p->next = imap_reply_done(p);
}

static void
release_rename(struct imap_op *op)
{
	struct imap_rename_op *o = (struct imap_rename_op *)op;

	free(o->from);
	free(o->to);
	free(o->was);
	free(o->made);
}

enum imap_event
imap_cmd_rename(struct imap *p, struct imap_args *a)
{
	struct imap_rename_op *o;
	char *from, *to;

	if (!imap_name_take(a, &from))
		return want_name(p);
	if (!imap_arg_space(a) || !take_only_name(a, &to)) {
		free(from);
		return want_name(p);
	}
	o = imap_op_new(
	    p, IMAP_OP_RENAME, sizeof(*o), rename_done, release_rename);
	o->from = from;
	o->to = to;
	return imap_ask(p, &o->op);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE: RFC 9051 s6.3.7, s6.3.8 ---- */

static void
release_subscribe(struct imap_op *op)
{
	free(((struct imap_subscribe_op *)op)->name);
}

static enum imap_event
subscribe(struct imap *p, struct imap_args *a, bool on)
{
	struct imap_subscribe_op *o;
	char *name;

	if (!take_only_name(a, &name))
		return want_name(p);
	o = imap_op_new(
	    p, IMAP_OP_SUBSCRIBE, sizeof(*o), just_done, release_subscribe);
	o->name = name;
	o->on = on;
	return imap_ask(p, &o->op);
}

enum imap_event
imap_cmd_subscribe(struct imap *p, struct imap_args *a)
{
	return subscribe(p, a, true);
}

enum imap_event
imap_cmd_unsubscribe(struct imap *p, struct imap_args *a)
{
	return subscribe(p, a, false);
}
