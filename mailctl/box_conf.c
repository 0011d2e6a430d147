/* SPDX-License-Identifier: MIT */
#include "mailctl/box_conf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf/setting.h"
#include "common/util/mem.h"

#define TEXT_ROOM (256 * KB)
#define PATH_ROOM 4200
#define FORM_ROOM 200

static int
refuse_value(const struct setting *s, struct str value, struct fail *f)
{
	struct buf form;

	buf_init(&form, FORM_ROOM);
	setting_form(s, &form);
	fail(f, FAIL_SYNTAX, "%s.%s=%.*s: it must be %.*s", s->section, s->name,
	    STR_FMT(value), STR_FMT(buf_str(&form)));
	buf_release(&form);
	return -1;
}

static int
set(struct conf *conf, struct str section, struct str name, struct str value,
    struct fail *f)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		if (!str_eq(str_of(s->section), section) ||
		    !str_eq(str_of(s->name), name))
			continue;
		return setting_read(s, conf, value) ? 0
		                                    : refuse_value(s, value, f);
	}
	return fail(f, FAIL_SYNTAX, "there is no setting %.*s.%.*s",
	    STR_FMT(section), STR_FMT(name));
}

int
box_conf_set(struct conf *conf, const char *word, struct fail *f)
{
	struct str value = str_of(word);
	struct str key = str_cut(&value, '=');
	struct str section = str_cut(&key, '.');

	return set(conf, section, key, value, f);
}

/* What a service's word says beside the address, from the comma on. */
static struct str
options_of(const struct conf *conf, enum service service)
{
	const struct conf_list *lists[] = {
#define S(name, program) &conf->listen_##name,
	    SERVICES(S)
#undef S
	};
	struct str word = STR("");
	size_t comma;

	if (lists[service]->n > 0)
		word = str_of(lists[service]->items[0]);
	return str_find(word, ',', &comma) ? str_after(word, comma) : STR("");
}

static int
set_listen(struct conf *conf, const struct box_options *o, enum service service,
    struct str port, struct fail *f)
{
	bool v6 = strchr(o->host, ':') != NULL;
	struct buf at;
	int rc;

	buf_init(&at, KB);
	buf_addf(&at, "%s%s%s:%.*s%.*s", v6 ? "[" : "", o->host, v6 ? "]" : "",
	    STR_FMT(port), STR_FMT(options_of(conf, service)));
	rc = set(conf, STR("listen"), str_of(service_name(service)),
	    buf_str(&at), f);
	buf_release(&at);
	return rc;
}

/* "smtp=2525" */
static int
set_port(struct conf *conf, const struct box_options *o, const char *word,
    struct fail *f)
{
	struct str port = str_of(word);
	struct str name = str_cut(&port, '=');
	size_t number;

	for (int s = 0; s < SERVICE_COUNT; s++)
		if (str_eq(name, str_of(service_name((enum service)s))) &&
		    str_to_size(port, UINT16_MAX, &number))
			return set_listen(conf, o, (enum service)s, port, f);
	return fail(
	    f, FAIL_SYNTAX, "--port %s: it must be like smtp=2525", word);
}

/* What the options do not say one by one. */
static int
set_fixed(struct conf *conf, const struct box_options *o, const char *domain,
    const char *dir, const char *run, struct fail *f)
{
	char host[512], store[PATH_ROOM], cert[PATH_ROOM], key[PATH_ROOM];
	char clock[PATH_ROOM];
	const struct {
		struct str section, name;
		const char *value;
	} fixed[] = {
	    {STR("server"),     STR("hostname"),                host                        },
	    {STR("server"),     STR("store"),                   store                       },
	    {STR("server"),     STR("runtime"),                 run                         },
 /* not the users of an installed package: the files are ours */
	    {STR("server"),     STR("user"),                    geteuid() == 0 ? "root" : ""},
	    {STR("tls"),        STR("certificate"),             cert                        },
	    {STR("tls"),        STR("key"),                     key                         },
 /* a test suite is one client at one address, and often wrong */
	    {STR("limits"),     STR("connections_per_address"), "10000"                     },
	    {STR("limits"),     STR("connections_per_account"), "10000"                     },
	    {STR("limits"),     STR("auth_failures"),           "10000"                     },
	    {STR("submission"), STR("messages_per_hour"),       "0"                         },
	    {STR("submission"), STR("recipients_per_day"),      "0"                         },
	    {STR("submission"), STR("new_recipients_per_day"),  "0"                         },
	    {STR("relay"),      STR("local_addresses"),         "yes"                       },
	    {STR("dns"),        STR("forward"),                 o->dns                      },
	    {STR("test"),       STR("clock"),                   o->clock ? clock : ""       },
	    {STR("test"),       STR("accept_any"),              o->accept_any ? "yes" : "no"},
	    {STR("test"),       STR("allow_plaintext"),
             o->allow_plaintext ? "yes" : "no"                                              },
	};
	int rc = 0;

	snprintf(host, sizeof(host), "mx.%.500s", domain);
	snprintf(store, sizeof(store), "%s/store", dir);
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(clock, sizeof(clock), "%s/clock", dir);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed) && rc == 0; i++)
		if (fixed[i].value[0] != '\0')
			rc = set(conf, fixed[i].section, fixed[i].name,
			    str_of(fixed[i].value), f);
	return rc;
}

struct conf *
box_conf_new(const struct box_options *o, const char *domain, const char *dir,
    const char *run, struct fail *f)
{
	struct conf *conf = conf_defaults();
	int rc = set_fixed(conf, o, domain, dir, run, f);

	for (int s = 0; s < SERVICE_COUNT && rc == 0; s++)
		rc = set_listen(conf, o, (enum service)s, STR("0"), f);
	for (size_t i = 0; i < o->ports.n && rc == 0; i++)
		rc = set_port(conf, o, o->ports.at[i], f);
	for (size_t i = 0; i < o->settings.n && rc == 0; i++)
		rc = box_conf_set(conf, o->settings.at[i], f);
	if (rc == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

void
box_conf_note_ports(struct conf *conf, const struct box_options *o,
    const struct sockets *sockets)
{
	for (int s = 0; s < SERVICE_COUNT; s++) {
		char port[8];
		struct fail f;
		int rc;
		snprintf(port, sizeof(port), "%u",
		    (unsigned)sockets_port(sockets, (enum service)s));
		rc = set_listen(conf, o, (enum service)s, str_of(port), &f);
		assert(rc == 0);
	}
}

int
box_conf_write(const struct conf *conf, const char *path, struct fail *f)
{
	FILE *file = fopen(path, "we");
	struct buf text;
	bool wrote;

	if (file == NULL)
		return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	buf_init(&text, TEXT_ROOM);
	conf_print(conf, false, &text);
	wrote = !text.overrun &&
	        fwrite(text.data, 1, text.len, file) == text.len;
	buf_release(&text);
	if (fclose(file) != 0 || !wrote)
		return fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
	return 0;
}
