/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/daemon/listen_options.h"
#include "common/net/certificate.h"
#include "common/net/listen.h"
#include "common/net/tls.h"
#include "common/util/clock.h"
#include "mailctl/client.h"
#include "mailctl/commands.h"
#include "mailctl/json_print.h"
#include "mailctl/show.h"
#include "mailctl/sockets.h"
#include "mailctl/table.h"

#define SOON_S     (14 * 86400) /* a certificate that ends in two weeks */
#define FREE_PORTS 1024         /* from here on anybody may bind */
#define PATH_ROOM  4200

struct check {
	const struct conf *conf;
	const char *conf_file;
	json_t *findings; /* [{"area","ok","text"}] */
	bool bad;
};

__attribute__((format(printf, 4, 5))) static void
find(struct check *c, const char *area, bool ok, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(c->findings,
	    json_pack("{s:s, s:b, s:s}", "area", area, "ok", ok, "text", text));
	c->bad |= !ok;
}

/* A file or directory, none of whose `wrong' mode bits may be set. */
static void
check_mode(struct check *c, const char *path, mode_t wrong, bool must_exist)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		if (errno != ENOENT || must_exist)
			find(
			    c, "files", false, "%s: %s", path, strerror(errno));
		return;
	}
	find(c, "files", (st.st_mode & wrong) == 0, "%s has mode %04o%s", path,
	    (unsigned)st.st_mode & 07777,
	    (st.st_mode & wrong) != 0 ? ", which lets too many in" : "");
}

static void
check_files(struct check *c)
{
	static const char *const names[] = {"mail.db", "auth.db", "objects"};
	char path[PATH_ROOM];

	check_mode(c, c->conf_file, S_IWGRP | S_IWOTH, true);
	check_mode(c, c->conf->tls_key, S_IWGRP | S_IRWXO, true);
	check_mode(c, c->conf->server_runtime, S_IRWXO, false);
	check_mode(c, c->conf->server_store, S_IRWXO, false);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", c->conf->server_store,
		    names[i]);
		check_mode(c, path, S_IRWXO, false);
	}
}

static void
check_certificate(struct check *c)
{
	const char *file = c->conf->tls_certificate;
	const char *host = c->conf->server_hostname;
	struct certificate cert;
	struct fail f = {0};
	struct tls *t = tls_server_new(file, c->conf->tls_key, NULL, &f);

	tls_free(t);
	if (t == NULL || certificate_look(file, host, &cert, &f) == -1) {
		find(c, "certificate", false, "%s", f.text);
		return;
	}
	int64_t left = cert.expires_s - clock_wall_ms(&clock_system) / 1000;
	find(c, "certificate", left > SOON_S,
	    "%s and its key fit and end in "
	    "%lld days",
	    file, (long long)(left / 86400));
	if (!cert.names_host)
		find(c, "certificate", false,
		    "%s is not for %s, the name of "
		    "this host (server.hostname)",
		    file, host);
}

static void
check_port(struct check *c, enum service s, const char *where, bool runs)
{
	struct listen_options options;
	struct address at;
	struct fail f = {0};
	int fd;

	if (listen_options_parse(str_of(where), &at, &options, &f) !=
	    LISTEN_WORD_OK) {
		find(c, "ports", false, "listen.%s: %s", service_name(s),
		    f.text);
		return;
	}
	if (!runs && address_port(&at) != 0 && address_port(&at) < FREE_PORTS &&
	    geteuid() != 0) {
		find(c, "ports", true,
		    "%s %s: only root can see whether it is "
		    "free",
		    service_name(s), where);
		return;
	}
	fd = listen_bind(&at, &f);
	if (fd != -1) {
		close(fd);
		find(c, "ports", true, "%s %s is free", service_name(s), where);
	} else if (runs) {
		find(c, "ports", true, "%s %s is in use while we run",
		    service_name(s), where);
	} else {
		find(c, "ports", false, "%s: %s", service_name(s), f.text);
	}
}

static void
check_ports(struct check *c, bool runs)
{
	const struct conf_list *lists[] = {
#define S(name, program) &c->conf->listen_##name,
	    SERVICES(S)
#undef S
	};

	for (int s = 0; s < SERVICE_COUNT; s++)
		for (size_t i = 0; i < lists[s]->n; i++)
			check_port(
			    c, (enum service)s, lists[s]->items[i], runs);
}

static void
check_store(struct check *c)
{
	struct fail f = {0};
	struct stat st;
	json_t *reply, *problem;
	size_t i;
	int code;

	if (stat(c->conf->server_store, &st) == -1) {
		find(c, "store", errno == ENOENT,
		    "%s: %s (it is made at the first start)",
		    c->conf->server_store, strerror(errno));
		return;
	}
	reply = client_ask_with(
	    c->conf, json_pack("{s:s}", "command", "check"), &f, &code);
	if (reply == NULL) {
		find(c, "store", false, "%s", f.text);
		return;
	}
	json_t *problems = json_object_get(reply, "problems");
	if (json_array_size(problems) == 0)
		find(c, "store", true, "%s is whole", c->conf->server_store);
	json_array_foreach(problems, i, problem)
	    find(c, "store", false, "%s", json_string_value(problem));
	json_decref(reply);
}

static void
print_findings(const struct check *c)
{
	json_t *finding;
	size_t i;

	json_array_foreach(c->findings, i, finding)
	{
		printf("%-4s %-12s ",
		    json_is_true(json_object_get(finding, "ok")) ? "ok" : "BAD",
		    show_text(finding, "area"));
		table_print_text(stdout, str_of(show_text(finding, "text")));
		putchar('\n');
	}
	puts(c->bad ? "\nSomething is wrong." : "\nAll is well.");
}

static void
print_json(const struct check *c)
{
	json_t *whole = json_pack(
	    "{s:b, s:O}", "ok", !c->bad, "findings", c->findings);

	json_print(whole, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(whole);
}

int
cmd_check(struct cli *cli, int argc, char **argv)
{
	struct check c = {.conf_file = cli->conf_file};
	struct fail f = {0};
	struct conf *conf;
	size_t n;
	bool done;
	int code = cli_options(cli, argc, argv, NULL, 0, 0, &n, &done);

	if (done)
		return code;
	c.findings = json_array();
	c.conf_file = cli->conf_file;
	conf = conf_read(cli->conf_file, &f);
	if (conf == NULL) {
		find(&c, "settings", false, "%s", f.text);
		code = CLI_CONFIG;
	} else {
		c.conf = conf;
		find(&c, "settings", true, "%s is understood", cli->conf_file);
		check_files(&c);
		check_certificate(&c);
		check_ports(&c, client_maild_listens(conf, &f) == 1);
		/* last: without maild, root becomes the store's owner for it */
		check_store(&c);
		code = c.bad ? CLI_FAILED : CLI_OK;
	}
	if (cli->json)
		print_json(&c);
	else
		print_findings(&c);
	json_decref(c.findings);
	conf_free(conf);
	return code;
}
