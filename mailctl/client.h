/* SPDX-License-Identifier: MIT */
/*
 * client: have a command of common/control executed: by maild over its
 * control socket, or here, on the store itself, while no maild runs.
 */
#ifndef MAILCTL_CLIENT_H
#define MAILCTL_CLIENT_H

#include <jansson.h>

#include "common/conf/conf.h"
#include "common/util/fail.h"

/* request is used up; a password in it is wiped.  The reply ({"ok":true...})
 * is the caller's.  NULL: *f says why and *code is mailctl's exit code. */
json_t *client_ask(
    const char *conf_file, json_t *request, struct fail *f, int *code);

/* The same with a configuration that has been read. */
json_t *client_ask_with(
    const struct conf *conf, json_t *request, struct fail *f, int *code);

/* 1 a maild takes commands, 0 there is none, -1 it cannot be reached. */
int client_maild_listens(const struct conf *conf, struct fail *f);

/* Root becomes who owns the store, or is going to: it leaves nothing behind
 * that the daemons cannot open. */
int client_become_owner(const struct conf *conf, struct fail *f);

/* Execute commands here, as the store's owner, until closed. */
struct client_session;
struct client_session *client_session_open(
    const struct conf *conf, struct fail *f); /* borrowed meanwhile */
json_t *client_session_run(
    struct client_session *s, json_t *request, struct fail *f);
void client_session_close(struct client_session *s);

#endif
