/* SPDX-License-Identifier: MIT */
/*
 * call: one command while it is executed.  Only for the files of
 * common/control that implement commands; what each does is said in the
 * table of command.c and in mailctl(1).
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include <jansson.h>

#include "common/control/command.h"
#include "common/util/buf.h"
#include "common/util/fail.h"

#define CALL_ARGS_MAX 12

/* A(NAME, "what it must be") */
#define CALL_ARG_TYPES(A)                                                      \
	A(ADDRESS, "an address like bob@example.org")                          \
	A(TARGET, "an address like bob@example.org")                           \
	A(ALIAS, "an address, or @domain for a catch-all")                     \
	A(DOMAIN, "a domain name")                                             \
	A(SECRET, "a password of 1 to 1,000 octets in UTF-8")                  \
	A(TRACE, "a message id of 13 letters and digits")                      \
	A(TEXT, "text of 1 to 1,000 octets")                                   \
	A(COUNT, "a whole number of at least 0")                               \
	A(FLAG, "true or false")

enum call_arg_type {
#define A(name, help) ARG_##name,
	CALL_ARG_TYPES(A)
#undef A
};

struct call_arg {
	bool given;
	struct buf text; /* folded, wiped after the call if secret */
	int64_t number;  /* TRACE, COUNT, FLAG */
};

struct call {
	const struct control *control;
	int64_t now_ms;
	struct call_arg args[CALL_ARGS_MAX]; /* as the table orders them */
	json_t *reply; /* an object; the command adds its findings */
};

/* The bytes as a JSON string, what is not UTF-8 in them replaced. */
json_t *call_json_text(struct str bytes);

/* A time, and null for 0. */
json_t *call_json_time(int64_t ms);
json_t *call_json_trace(int64_t trace);

/* Implementations: 0, or -1 with *f.  Nothing is changed when they fail, but by
 * an order about many recipients, which can be given again. */
typedef int call_run(struct call *call, struct fail *f);

call_run call_user_add, call_user_list, call_user_passwd, call_user_quota,
    call_user_disable, call_user_enable, call_user_remove;
call_run call_user_imap;
call_run call_app_password_add, call_app_password_list,
    call_app_password_remove;
call_run call_mailbox_list, call_mailbox_create, call_mailbox_rename,
    call_mailbox_delete, call_mailbox_subscribe, call_mailbox_unsubscribe;
call_run call_alias_add, call_alias_list, call_alias_remove;
call_run call_domain_add, call_domain_list, call_domain_remove,
    call_domain_rotate, call_domain_dns;
call_run call_queue_list, call_queue_show, call_queue_retry, call_queue_hold,
    call_queue_release, call_queue_drop, call_queue_reroute, call_queue_recall,
    call_queue_summary, call_queue_pause, call_queue_resume;
call_run call_suppress_list, call_suppress_remove;
call_run call_journey, call_explain;
call_run call_smarthost_add, call_smarthost_list, call_smarthost_remove;
call_run call_metrics;
call_run call_backup_start, call_backup_look;
call_run call_check, call_status, call_search_rebuild;
call_run call_test_advance, call_test_next;

#endif
