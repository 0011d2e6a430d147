/* SPDX-License-Identifier: MIT */
#include "mailctl/box.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mime/addr.h"
#include "common/net/throwaway.h"
#include "common/util/mem.h"
#include "mailctl/box_conf.h"
#include "mailctl/client.h"
#include "mailctl/remove_tree.h"
#include "mailctl/supervise.h"

#define PATH_ROOM   4096
#define SOCKET_ROOM 108 /* sun_path of sockaddr_un */
#define NAMES_MAX   (2 * CLI_WORDS_MAX + 4)

struct box {
	struct box_options o;
	char *domains[CLI_WORDS_MAX]; /* folded */
	size_t n_domains;
	char dir[PATH_ROOM], run[PATH_ROOM];
	char conf_file[PATH_ROOM + 32], ca_file[PATH_ROOM + 32];
	bool made_dir, made_run; /* temporary: ours to remove */
	struct conf *conf;
	struct sockets sockets;
	struct supervisor *supervisor;
	json_t *users;   /* [{"address","password"}] */
	json_t *records; /* of the first domain, if it has keys; or NULL */
	int log_fd;      /* of a quiet box; otherwise 0 */
};

static int
make_temporary(char path[PATH_ROOM], const char *root, struct fail *f)
{
	if (snprintf(path, PATH_ROOM, "%s/pennypost-XXXXXX", root) <
		PATH_ROOM &&
	    mkdtemp(path) != NULL)
		return 0;
	fail(f, FAIL_TEMP, "a directory in %s: %s", root, strerror(errno));
	path[0] = '\0';
	return -1;
}

static int
make_dir(struct box *b, struct fail *f)
{
	const char *tmp = getenv("TMPDIR");

	if (b->o.dir == NULL) {
		if (make_temporary(b->dir,
			tmp != NULL && tmp[0] == '/' ? tmp : "/tmp", f) == -1)
			return -1;
		b->made_dir = true;
	} else {
		if (mkdir(b->o.dir, 0700) == -1 && errno != EEXIST)
			return fail(f, FAIL_PERM, "mkdir %s: %s", b->o.dir,
			    strerror(errno));
		if (realpath(b->o.dir, b->dir) == NULL)
			return fail(
			    f, FAIL_PERM, "%s: %s", b->o.dir, strerror(errno));
	}
	snprintf(
	    b->conf_file, sizeof(b->conf_file), "%s/pennypost.conf", b->dir);
	snprintf(b->ca_file, sizeof(b->ca_file), "%s/ca.pem", b->dir);
	return 0;
}

static int
make_run(struct box *b, struct fail *f)
{
	/* addresses of Unix sockets are short, test directories are not */
	if (strlen(b->dir) + sizeof("/run/control.sock") > SOCKET_ROOM) {
		if (make_temporary(b->run, "/tmp", f) == -1)
			return -1;
		b->made_run = true;
		return 0;
	}
	snprintf(b->run, sizeof(b->run), "%.*s/run", SOCKET_ROOM, b->dir);
	if (mkdir(b->run, 0700) == -1 && errno != EEXIST)
		return fail(
		    f, FAIL_PERM, "mkdir %s: %s", b->run, strerror(errno));
	return 0;
}

/* Add a domain, unless it is there. */
static int
note_domain(struct box *b, struct str name, struct fail *f)
{
	struct buf folded;
	bool known = false;

	buf_init(&folded, ADDR_MAX);
	if (!addr_domain_fold(name, &folded) || b->n_domains == CLI_WORDS_MAX) {
		buf_release(&folded);
		return fail(f, FAIL_SYNTAX,
		    "%.*s: it must be a domain name, "
		    "and at most %d of them",
		    STR_FMT(name), CLI_WORDS_MAX);
	}
	for (size_t i = 0; i < b->n_domains; i++)
		known |= str_eq(buf_str(&folded), str_of(b->domains[i]));
	if (!known)
		b->domains[b->n_domains++] = buf_take(&folded);
	buf_release(&folded);
	return 0;
}

/* "bob:secret" or "bob@e.test:secret"; e.test is then a domain too. */
static int
note_user(struct box *b, const char *word, struct fail *f)
{
	struct str password = str_of(word);
	struct str name = str_cut(&password, ':');
	struct buf whole, folded;
	json_t *user = NULL;
	size_t at;

	buf_init(&whole, ADDR_MAX);
	buf_init(&folded, ADDR_MAX);
	buf_add(&whole, name);
	if (!str_find(name, '@', &at))
		buf_addf(&whole, "@%s", b->domains[0]);
	if (password.len > 0 && addr_fold(buf_str(&whole), &folded))
		user = json_pack("{s:s%, s:s%}", "address", folded.data,
		    folded.len, "password", password.at, password.len);
	buf_release(&whole);
	buf_release(&folded);
	if (user == NULL)
		return fail(f, FAIL_SYNTAX,
		    "--user %.*s: it must be like "
		    "bob:secret",
		    STR_FMT(name));
	json_array_append_new(b->users, user);
	return str_find(name, '@', &at)
	           ? note_domain(b, str_after(name, at + 1), f)
	           : 0;
}

/* Does an array of objects have one with this member? */
static bool
has(const json_t *array, const char *member, const char *value)
{
	json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
	{
		const char *text = json_string_value(
		    json_object_get(object, member));
		if (text != NULL && strcmp(text, value) == 0)
			return true;
	}
	return false;
}

static int
run(struct client_session *s, json_t *request, struct fail *f)
{
	json_t *reply = client_session_run(s, request, f);

	json_decref(reply);
	return reply != NULL ? 0 : -1;
}

/* Domains and accounts, while there is no maild.  A store that was kept may
 * have them already: then the passwords are set anew. */
static int
fill(struct box *b, struct client_session *s, struct fail *f)
{
	json_t *there = client_session_run(
	    s, json_pack("{s:s}", "command", "domain.list"), f);
	json_t *user;
	size_t i;
	int rc = there != NULL ? 0 : -1;

	for (i = 0; i < b->n_domains && rc == 0; i++)
		if (!has(json_object_get(there, "domains"), "domain",
			b->domains[i]))
			rc = run(s,
			    json_pack("{s:s, s:s, s:b}", "command",
				"domain.add", "domain", b->domains[i], "keys",
				b->o.keys),
			    f);
	if (rc == 0 && b->o.keys)
		b->records = client_session_run(s,
		    json_pack("{s:s, s:s}", "command", "domain.dns", "domain",
			b->domains[0]),
		    f);
	if (b->o.keys && b->records == NULL)
		rc = -1;
	json_decref(there);
	there = rc == 0 ? client_session_run(
			      s, json_pack("{s:s}", "command", "user.list"), f)
	                : NULL;
	if (there == NULL)
		return -1;
	json_array_foreach(b->users, i, user)
	{
		const char *address = json_string_value(
		    json_object_get(user, "address"));
		json_t *request = json_deep_copy(user);
		bool known = has(
		    json_object_get(there, "users"), "address", address);
		json_object_set_new(request, "command",
		    json_string(known ? "user.passwd" : "user.add"));
		if (rc == 0)
			rc = run(s, request, f);
		else
			json_decref(request);
	}
	json_decref(there);
	return rc;
}

static int
fill_store(struct box *b, struct fail *f)
{
	struct client_session *s = client_session_open(b->conf, f);
	int rc = s != NULL ? fill(b, s, f) : -1;

	client_session_close(s);
	return rc;
}

static int
make_certificate(struct box *b, struct fail *f)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	names[n++] = b->conf->server_hostname;
	for (size_t i = 0; i < b->n_domains; i++)
		names[n++] = b->domains[i];
	names[n++] = "localhost";
	names[n++] = b->o.host;
	return throwaway_ca(b->dir, names, n, f);
}

static int
open_log(struct box *b, struct fail *f)
{
	char path[PATH_ROOM + 32];

	snprintf(path, sizeof(path), "%s/log", b->dir);
	b->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (b->log_fd != -1)
		return 0;
	b->log_fd = 0;
	return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
}

static int
start(struct box *b, struct fail *f)
{
	const struct supervisor_options o = {
	    .loop = b->o.loop,
	    .conf_file = b->conf_file,
	    .runtime_dir = b->run,
	    .sockets = &b->sockets,
	    .log = b->o.log,
	    .log_fd = b->log_fd,
	    .ready = b->o.ready,
	    .ended = b->o.ended,
	    .arg = b->o.arg,
	};

	if (sockets_open(&b->sockets, b->conf, f) == -1)
		return -1;
	box_conf_note_ports(b->conf, &b->o, &b->sockets);
	if (b->o.prepare != NULL &&
	    b->o.prepare(b->o.arg, b->dir, b->conf, f) == -1)
		return -1;
	if (box_conf_write(b->conf, b->conf_file, f) == -1 ||
	    make_certificate(b, f) == -1 || fill_store(b, f) == -1)
		return -1;
	b->supervisor = supervisor_new(&o, f);
	return b->supervisor != NULL ? 0 : -1;
}

struct box *
box_new(const struct box_options *o, struct fail *f, int *code)
{
	struct box *b = MEM_NEW(struct box);
	int rc = 0;

	assert(o->domains.n > 0);
	b->o = *o;
	b->users = json_array();
	*code = CLI_USAGE;
	for (size_t i = 0; i < o->domains.n && rc == 0; i++)
		rc = note_domain(b, str_of(o->domains.at[i]), f);
	for (size_t i = 0; i < o->users.n && rc == 0; i++)
		rc = note_user(b, o->users.at[i], f);
	if (rc == 0 && (make_dir(b, f) == -1 || make_run(b, f) == -1)) {
		*code = CLI_SYSTEM;
		rc = -1;
	}
	if (rc == 0) {
		b->conf = box_conf_new(&b->o, b->domains[0], b->dir, b->run, f);
		rc = b->conf != NULL ? 0 : -1;
	}
	if (rc == 0 &&
	    ((b->o.quiet && open_log(b, f) == -1) || start(b, f) == -1)) {
		*code = f->kind == FAIL_SYNTAX ? CLI_USAGE : CLI_FAILED;
		rc = -1;
	}
	if (rc == 0)
		return b;
	box_free(b);
	return NULL;
}

void
box_reap(struct box *b)
{
	supervisor_reap(b->supervisor);
}

void
box_signal(struct box *b, int signo)
{
	supervisor_signal(b->supervisor, signo);
}

void
box_stop(struct box *b)
{
	supervisor_stop(b->supervisor);
}

void
box_free(struct box *b)
{
	if (b == NULL)
		return;
	supervisor_free(b->supervisor);
	sockets_close(&b->sockets);
	conf_free(b->conf);
	if (b->log_fd > 0)
		close(b->log_fd);
	if (b->made_run)
		remove_tree(b->run);
	if (b->made_dir)
		remove_tree(b->dir);
	for (size_t i = 0; i < CLI_WORDS_MAX; i++)
		free(b->domains[i]);
	json_decref(b->users);
	json_decref(b->records);
	free(b);
}

const struct conf *
box_conf(const struct box *b)
{
	return b->conf;
}

const char *
box_conf_file(const struct box *b)
{
	return b->conf_file;
}

const char *
box_host(const struct box *b)
{
	return b->o.host;
}

const char *
box_dir(const struct box *b)
{
	return b->dir;
}

const char *
box_ca_file(const struct box *b)
{
	return b->ca_file;
}

const json_t *
box_records(const struct box *b)
{
	return json_object_get(b->records, "records");
}

uint16_t
box_port(const struct box *b, enum service s)
{
	return sockets_port(&b->sockets, s);
}

void
box_print_log(const struct box *b, FILE *out)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	while (b->log_fd > 0 &&
	       (n = pread(b->log_fd, bytes, sizeof(bytes), at)) > 0) {
		fwrite(bytes, 1, (size_t)n, out);
		at += n;
	}
}

json_t *
box_describe(const struct box *b)
{
	json_t *ports = json_object();
	char control[PATH_ROOM + 32];

	for (int s = 0; s < SERVICE_COUNT; s++)
		json_object_set_new(ports, service_name((enum service)s),
		    json_integer(box_port(b, (enum service)s)));
	snprintf(control, sizeof(control), "%s/control.sock", b->run);
	return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:O}",
	    "ready", 1, "host", b->o.host, "domain", b->domains[0], "ca",
	    b->ca_file, "dir", b->dir, "control", control, "conf", b->conf_file,
	    "ports", ports, "users", b->users);
}
