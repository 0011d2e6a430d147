/* SPDX-License-Identifier: MIT */
/*
 * ipc: questions and answers between our own processes on one machine.
 *
 * A Unix stream socket; one line of JSON (at most IPC_MAX, without newline
 * inside) is a request, one line the reply; requests of one connection may
 * be answered in any order only by waiting: a connection has one request
 * outstanding, further ones wait unread.  This layer carries lines and does
 * not look inside.
 *
 * The server checks SO_PEERCRED: root, its own uid, and members given in
 * the options are served, anyone else is closed with a log line.
 *
 * A question may hold a password: both ends wipe their copy of it.
 */
#ifndef NET_IPC_H
#define NET_IPC_H

#include <sys/types.h>

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/fail.h"
#include "common/util/log.h"
#include "common/util/mem.h"

#define IPC_MAX (4 * MB)

struct ipc_server;
struct ipc_request;
struct ipc_client;

/* Serve a request; answer with ipc_reply(), now or later, exactly once.  line
 * is valid until the reply. */
typedef void ipc_serve(void *arg, struct ipc_request *r, struct str line);

/* Listen at path (an old socket there is replaced; mode 0660, the caller's
 * umask and group decide who can reach it).  Peers in the socket's group are
 * served as well. */
struct ipc_server *ipc_server_new(struct loop *l, const char *path,
    ipc_serve *fn, void *arg, const struct log *log, struct fail *f);
void ipc_reply(struct ipc_request *r, struct str line);
uid_t ipc_request_uid(const struct ipc_request *r);
void ipc_server_free(struct ipc_server *s);

/* A client that keeps connections open, up to 128 requests at once, connects
 * on need and again after a failure.  fn gets the reply or, with ok false, a
 * sentence saying what went wrong (nobody there, closed, over timeout_ms). */
typedef void ipc_answer(void *arg, bool ok, struct str line);
struct ipc_client *ipc_client_new(
    struct loop *l, const char *path, int64_t timeout_ms);
void ipc_ask(struct ipc_client *c, struct str line, ipc_answer *fn, void *arg);
void ipc_client_free(struct ipc_client *c); /* outstanding ones get ok=false */

/* For mailctl: ask and wait.  FAIL_TEMP when nobody answers. */
int ipc_ask_wait(const char *path, struct str line, int64_t timeout_ms,
    struct buf *reply, struct fail *f);

#endif
