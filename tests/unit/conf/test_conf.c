/* SPDX-License-Identifier: MIT */
#include "common/conf/conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/conf/hostname.h"
#include "common/conf/setting.h"
#include "common/util/mem.h"
#include "tests/test.h"

static struct conf *
read_text(struct str text, struct fail *f)
{
	char file[] = "/tmp/pennypost-conf-XXXXXX";
	int fd = mkstemp(file);
	struct conf *c;

	CHECK(fd != -1);
	CHECK(write(fd, text.at, text.len) == (ssize_t)text.len);
	close(fd);
	*f = (struct fail){0};
	c = conf_read(file, f);
	/* tests compare from ":LINE:" on */
	if (c == NULL && strncmp(f->text, file, strlen(file)) == 0)
		memmove(f->text, f->text + strlen(file),
		    strlen(f->text + strlen(file)) + 1);
	unlink(file);
	return c;
}

static void
test_good(void)
{
	struct fail f;
	struct conf *c = read_text(STR("# a comment; with = signs\n"
				       "; another\n"
				       "\n"
				       "[server]\n"
				       "hostname = mx.d.test\r\n"
				       "   store=/tmp/a store;x#y\n"
				       "\t\n"
				       "[limits]\n"
				       "message_size = 3K\n"
				       "recipients = 7\n"
				       "[listen]\n"
				       "smtp =  127.0.0.1:25 \t [::1]:25  \n"
				       "imap =\n"
				       "[server]\n"
				       "user = a b\n"
				       "[relay]\n"
				       "retry_first = 90s\n"
				       "local_addresses = yes"),
	    &f);

	CHECK_STR(f.text, "");
	if (c == NULL)
		return;
	CHECK_STR(c->server_hostname, "mx.d.test");
	CHECK_STR(c->server_store, "/tmp/a store;x#y");
	CHECK_STR(c->server_user, "a b");
	CHECK(c->limits_message_size == 3072);
	CHECK(c->limits_recipients == 7);
	CHECK(c->listen_smtp.n == 2 && c->listen_imap.n == 0);
	CHECK(c->listen_imap.items[0] == NULL);
	CHECK_STR(c->listen_smtp.items[0], "127.0.0.1:25");
	CHECK_STR(c->listen_smtp.items[1], "[::1]:25");
	CHECK(c->listen_smtp.items[2] == NULL);
	CHECK(c->relay_retry_first == 90000);
	CHECK(c->relay_local_addresses);
	CHECK(!c->test_accept_any);                      /* default */
	CHECK(c->relay_expire == INT64_C(5) * 86400000); /* default */
	conf_free(c);
}

static void
test_long_line(void)
{
	struct fail f;
	struct buf text;
	struct conf *c;

	buf_init(&text, 100000);
	buf_add(&text, STR("[listen]\nsmtp ="));
	for (int i = 0; i < 500; i++)
		buf_addf(&text, " 127.0.%d.%d:2525", i / 200, i % 200);
	buf_add(&text, STR("\npop3 = x:1\n"));
	c = read_text(buf_str(&text), &f);
	CHECK(c != NULL && c->listen_smtp.n == 500 &&
	      strcmp(c->listen_smtp.items[499], "127.0.2.99:2525") == 0 &&
	      strcmp(c->listen_pop3.items[0], "x:1") == 0);
	conf_free(c);

	buf_clear(&text);
	buf_add(&text, STR("[listen]\nsmtp = "));
	for (int i = 0; i < 16001; i++)
		buf_add_char(&text, 'x');
	CHECK(read_text(buf_str(&text), &f) == NULL);
	CHECK_STR(f.text, ":2: the line is longer than 16000 bytes");
	buf_release(&text);
}

static const struct {
	struct str text;
	const char *want;
} bad[] = {
    {STR("[server]\nhostnam = x\n"),
     ":2: [server] has no setting hostnam; the nearest is hostname"                                                 },
    {STR("\n\n[servre]\n"),
     ":3: there is no section [servre]; the nearest is [server]"                                                    },
    {STR("[limit]\nerrors = 3\n"),
     ":1: there is no section [limit]; the nearest is [limits]"                                                     },
    {STR("[tls]\nhostname = x\n"),
     ":2: hostname does not belong to [tls] but to [server]"                                                        },
    {STR("hostname = x\n"),
     ":1: a setting must stand under a section like [server]"                                                       },
    {STR("[server]\nhostname = x\n\nhostname = x\n"),
     ":4: hostname is given twice; it was set in line 2"							    },
    {STR("[limits]\nmessage_size = 50MB\n"),
     ":2: message_size must be a size like 256K, 50M or 1G, from 1K to 4G, "
	"not \"50MB\""											      },
    {STR("[limits]\nmessage_size = 99999999999G\n"),
     ":2: message_size must be a size like 256K, 50M or 1G, from 1K to 4G, "
	"not "
	"\"99999999999G\""											  },
    {STR("[limits]\nrecipients = -1\n"),
     ":2: recipients must be a whole number like 20, from 1 to 10000, not "
	"\"-1\""												    },
    {STR("[relay]\nexpire = 5\n"),                    ":2: expire must be a time like 10s, 5m, 4h "
				   "or 5d, from 1s to 30d, not \"5\""             },
    {STR("[relay]\nexpire =\n"),                      ":2: expire must be a time like 10s, 5m, 4h "
				 "or 5d, from 1s to 30d, not \"\""                  },
    {STR("[relay]\nport = 70000\n"),                  ":2: port must be a whole number like 20, "
				     "from 1 to 65535, not \"70000\""           },
    {STR("[relay]\nport = 0\n"),
     ":2: port must be a whole number like 20, from 1 to 65535, not \"0\""                                          },
    {STR("[limits]\nrecipients = 0\n"),               ":2: recipients must be a whole number "
					"like 20, from 1 to 10000, not \"0\""},
    {STR("[limits]\nmessage_size = 5G\n"),
     ":2: message_size must be a size like 256K, 50M or 1G, from 1K to 4G, "
	"not \"5G\""												},
    {STR("[relay]\nretry_first = 0s\n"),
     ":2: retry_first must be a time like 10s, 5m, 4h or 5d, from 100ms to "
	"1d, not \"0s\""											    },
    {STR("[relay]\nlocal_addresses = maybe\n"),
     ":2: local_addresses must be yes or no, not \"maybe\""                                                         },
    {STR("[server]\nhostname\n"),                     ":2: a setting looks like `key = value'"                      },
    {STR("[server]\nhostname: x\n"),                  ":2: a setting looks like `key = value'"                      },
    {STR("[server\nhostname = x\n"),                  ":1: a section looks like [server]"                           },
    {STR("["),					":1: a section looks like [server]"                           },
    {STR("[]\n"),				     ":1: a setting must stand under a section like [server]"      },
    {STR("[server]\nhostname = x # mine\n"),
     ":2: a comment must stand on a line of its own"								},
    {STR("[server]\nhostname = x ; mine\n"),
     ":2: a comment must stand on a line of its own"								},
    {STR("[server]\nhostname =#x\n"),
     ":2: a comment must stand on a line of its own"								},
    {STR("[server]\nhostname:a = x\n"),
     ":2: a setting looks like `key = value'"								       },
    {STR("[server]\nhostname = a\0b\n"),
     ":2: there is a NUL byte: this is not a text file"							     },
    {STR("[server]\n= x\n"),
     ":2: [server] has no setting ; the nearest is user"							    },
};

static void
test_bad(void)
{
	struct fail f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(read_text(bad[i].text, &f) == NULL);
		CHECK(f.kind == FAIL_PERM);
		CHECK_STR(f.text, bad[i].want);
	}
	CHECK(conf_read("/nonexistent/x.conf", &f) == NULL);
	CHECK_STR(f.text, "cannot read /nonexistent/x.conf: No such file or "
			  "directory (-c FILE names another)");
	CHECK(conf_read("/tmp", &f) == NULL);
	CHECK(f.text[0] != '\0');
}

/* Printed, read and printed again it is the same. */
static void
test_print(void)
{
	struct fail f;
	struct buf one, two;
	struct conf *c = conf_defaults(), *again;

	buf_init(&one, 64 * KB);
	buf_init(&two, 64 * KB);
	c->timeouts_stall = 1500;
	c->limits_header_size = 1025;
	c->limits_message_size = 3 * MB;
	free(c->server_hostname);
	c->server_hostname = mem_dup(STR("mx.d.test"));
	conf_print(c, true, &one);
	CHECK(strstr(one.data, "\n[relay]\n# Port of other servers.\n"
			       "port = 25\n") != NULL);
	CHECK(strstr(one.data, "\nstall = 1500ms\n") != NULL);
	CHECK(strstr(one.data, "\nheader_size = 1025\n") != NULL);
	CHECK(strstr(one.data, "\nexpire = 5d\n") != NULL);
	CHECK(strstr(one.data, "\nmessage_size = 3M\n") != NULL);
	again = read_text(buf_str(&one), &f);
	CHECK(again != NULL);
	if (again != NULL) {
		conf_print(again, true, &two);
		CHECK_STR(two.data, one.data);
		buf_clear(&two);
		conf_print(again, false, &two);
		CHECK(strchr(two.data, '#') == NULL);
	}
	conf_free(again);
	conf_free(c);
	buf_release(&one);
	buf_release(&two);
}

static void
test_hostname(void)
{
	static const char hosts[] = "127.0.0.1 localhost\n"
				    "# 127.0.1.1 old.d.test mx\n"
				    "127.0.1.1\tmx.d.test mx # mx.e.test\n"
				    "::1 ip6-localhost";
	struct str out = {0};
	char *own = hostname_of_system();

	CHECK(own[0] != '\0');
	free(own);
	CHECK(hostname_complete(str_of(hosts), STR("MX"), &out) &&
	      str_eq(out, STR("mx.d.test")));
	CHECK(!hostname_complete(str_of(hosts), STR("localhost"), &out));
	CHECK(!hostname_complete(str_of(hosts), STR("none"), &out));
	CHECK(!hostname_complete(STR(""), STR("none"), &out));
}

static bool
is_number(enum setting_type type)
{
	return type == SETTING_SIZE || type == SETTING_COUNT ||
	       type == SETTING_TIME;
}

/* The list itself: what parser and man page count on. */
static void
test_keys(void)
{
	struct conf *c = conf_defaults();

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		size_t len = strlen(s->help);

		CHECK(len > 0 && s->help[len - 1] == '.');
		CHECK(is_number(s->type) == (*s->least != '\0'));
		CHECK(is_number(s->type) == (*s->most != '\0'));
		if (is_number(s->type)) {
			CHECK(setting_read(s, c, str_of(s->least)));
			CHECK(setting_read(s, c, str_of(s->most)));
			/* nothing is 0 unless its list says so */
			CHECK(setting_read(s, c, STR("0")) ==
			      (strcmp(s->least, "0") == 0));
			CHECK(setting_read(s, c, STR("0s")) ==
			      (strcmp(s->least, "0s") == 0));
		}
		CHECK(strlen(s->name) < 40 && strlen(s->section) < 40);
		for (size_t j = 0; j < i; j++) {
			CHECK(strcmp(settings[j].name, s->name) != 0 ||
			      strcmp(settings[j].section, s->section) != 0);
			/* a section's settings stand together */
			CHECK(strcmp(settings[j].section, s->section) != 0 ||
			      strcmp(settings[i - 1].section, s->section) == 0);
		}
	}
	conf_free(c);
}

/* Who knows better what a value may be names the line, too. */
static void
test_refuse(void)
{
	struct fail f;
	struct conf *c = read_text(
	    STR("\n[imap]\n\ncapabilities_off = MAGIC\n"), &f);
	const char *colon;

	CHECK(conf_refuse(c, &c->imap_capabilities_off, &f, "no %s", "magic") ==
	      -1);
	colon = strchr(f.text, ':');
	CHECK(f.kind == FAIL_SYNTAX && colon != NULL);
	CHECK_STR(colon, ":4: capabilities_off: no magic");
	CHECK(conf_refuse(c, &c->relay_port, &f, "not here") == -1);
	CHECK(strstr(f.text, ": port: not here") != NULL);
	CHECK(strstr(f.text, ":0:") == NULL);
	conf_free(c);
	c = conf_defaults();
	CHECK(conf_refuse(c, &c->relay_port, &f, "no") == -1);
	CHECK_STR(f.text, "port: no");
	conf_free(c);
}

int
main(void)
{
	struct fail f;
	struct conf *c = read_text(STR(""), &f);

	CHECK(c != NULL && c->server_hostname[0] != '\0');
	conf_free(c);
	conf_free(NULL);
	test_keys();
	test_good();
	test_long_line();
	test_bad();
	test_print();
	test_refuse();
	test_hostname();
	return TEST_EXIT();
}
