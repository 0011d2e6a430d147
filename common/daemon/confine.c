/* SPDX-License-Identifier: MIT */
#include "common/daemon/confine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/address.h"
#include "common/util/mem.h"

#define PATHS_MAX 64
#define PATH_ROOM (4 * KB)

struct list {
	struct sandbox_path paths[PATHS_MAX]; /* their names are owned */
	size_t n;
};

static void
add(struct list *l, struct str path, unsigned use)
{
	assert(l->n < PATHS_MAX);
	l->paths[l->n++] = (struct sandbox_path){mem_dup(path), use, false};
}

static void
add_below(struct list *l, const char *folder, const struct confine_path *p)
{
	struct buf path;

	buf_init(&path, PATH_ROOM);
	buf_addf(
	    &path, "%s%s%s", folder, p->name[0] != '\0' ? "/" : "", p->name);
	add(l, buf_str(&path), p->use);
	buf_release(&path);
}

static void
release(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((char *)(uintptr_t)l->paths[i].path);
}

/* ---- certificates ---- */

/* The folder of a path. */
static struct str
folder_of(const char *path)
{
	struct str s = str_of(path);
	size_t at;

	if (!str_find_last(s, '/', &at))
		return STR(".");
	return str_first(s, at > 0 ? at : 1);
}

/* Is there more in this folder than certificates? */
static bool
is_shared(struct str folder, const char *store)
{
	char *dir = mem_dup(folder), *real = realpath(dir, NULL),
	     *below = realpath(store, NULL);
	size_t n = real != NULL ? strlen(real) : 0;
	bool shared = real == NULL || below == NULL || n == 1 ||
	              strcmp(real, "/etc") == 0 ||
	              (strncmp(below, real, n) == 0 &&
			  (below[n] == '/' || below[n] == '\0'));

	free(below);
	free(real);
	free(dir);
	return shared;
}

static void
add_certificate(struct list *l, const char *path, const char *store)
{
	char *real = realpath(path, NULL);
	const char *names[] = {path, real};

	for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
		struct str folder = folder_of(names[i]);

		if (is_shared(folder, store))
			add(l, str_of(names[i]), SANDBOX_READ);
		else
			add(l, folder, SANDBOX_READ);
	}
	free(real);
}

/* ---- the whole ---- */

static const char *
folder_for(const struct conf *conf, enum confine_place place)
{
	return place == CONFINE_STORE    ? conf->server_store
	       : place == CONFINE_BACKUP ? conf->backup_dir
	                                 : conf->server_runtime;
}

static void
collect(
    struct list *l, const struct conf *conf, const struct confine_profile *p)
{
	for (size_t i = 0; i < p->n_paths; i++) {
		const struct confine_path *path = &p->paths[i];

		if (path->place == CONFINE_SYSTEM)
			add(l, str_of(path->name), path->use);
		else if (path->place == CONFINE_TRUST)
			add(l, str_of(conf->relay_trust), path->use);
		else if (folder_for(conf, path->place)[0] != '\0')
			add_below(l, folder_for(conf, path->place), path);
	}
	if (!p->tls)
		return;
	add_certificate(l, conf->tls_certificate, conf->server_store);
	add_certificate(l, conf->tls_key, conf->server_store);
}

static void
add_bind(struct sandbox_profile *to, uint16_t port)
{
	if (to->n_bind < SANDBOX_PORTS)
		to->bind[to->n_bind++] = port;
}

/* What is no address is refused elsewhere, with its line. */
static void
collect_binds(struct sandbox_profile *to, const struct conf *conf,
    const struct confine_profile *p)
{
	const struct conf_list *words = p->binds != NULL ? p->binds(conf)
	                                                 : NULL;
	struct address a;

	for (size_t i = 0; words != NULL && i < words->n; i++)
		if (address_parse(str_of(words->items[i]), &a))
			add_bind(to, (uint16_t)address_port(&a));
	if (p->sources != NULL && p->sources(conf)->n > 0)
		add_bind(to, 0);
}

/* A database is there with its log and its shared memory when it has been
 * opened once: SQLite, as we set it, leaves them behind. */
static int
make_file(const struct conf *conf, enum db_file file, struct fail *f)
{
	struct db *db = db_open(conf->server_store, file, DB_WRITER, f);

	db_close(db);
	return db != NULL ? 0 : -1;
}

static bool
supervisor_is_abstract(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path != NULL && path[0] == '@';
}

int
confine_enter(const struct conf *conf, const struct confine_profile *p,
    const struct log *log, struct sandbox_state *out, struct fail *f)
{
	struct sandbox_profile profile = {
	    .may = p->may, .abstract = supervisor_is_abstract()};
	struct list l = {.n = 0};
	struct fail ignored;
	int rc;

	*out = (struct sandbox_state){.landlock = 0};
	if (!conf->server_sandbox) {
		log_warn(log,
		    "NOT sandboxed: server.sandbox is no.  Who breaks "
		    "in has all that this user has");
		return 0;
	}
	if (p->mail && make_file(conf, DB_MAIL, f) == -1)
		return -1;
	/* without it a search reads the mail; maild mends it */
	if (p->search)
		make_file(conf, DB_SEARCH, &ignored);
	collect(&l, conf, p);
	collect_binds(&profile, conf, p);
	profile.paths = l.paths;
	profile.n_paths = l.n;
	rc = sandbox_enter(&profile, out, f);
	release(&l);
	if (rc == -1)
		return -1;
	if (out->has[0] != '\0')
		log_info(log, "sandboxed: %s", out->has);
	if (out->lacks[0] != '\0')
		log_warn(log, "this kernel does not confine: %s", out->lacks);
	return 0;
}
