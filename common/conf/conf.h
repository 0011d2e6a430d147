/* SPDX-License-Identifier: MIT */
/*
 * conf: the configuration file, read once at start.
 *
 * INI: [section], `key = value', `#' comments.  An unknown section or key, a
 * value of the wrong type or out of range, or a key given twice is an error
 * that names file:line and says what would be right.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf/keys.h"
#include "common/util/buf.h"
#include "common/util/fail.h"

#define CONF_DEFAULT_FILE "/etc/pennypost/pennypost.conf"

struct conf_list {
	char **items; /* NULL-terminated */
	size_t n;
};

#define CONF_TYPE_TEXT  char *
#define CONF_TYPE_SIZE  uint64_t
#define CONF_TYPE_COUNT uint64_t
#define CONF_TYPE_TIME  int64_t /* ms */
#define CONF_TYPE_BOOL  bool
#define CONF_TYPE_LIST  struct conf_list

struct conf_source;

struct conf {
	struct conf_source *source; /* for conf_refuse() */
#define K(section, name, type, fallback, least, most, help)                    \
	CONF_TYPE_##type section##_##name;
	CONF_KEYS(K)
#undef K
};

/* The defaults alone. */
struct conf *conf_defaults(void);

/* The defaults, then what file says.  NULL on failure (f->text names the
 * line).  hostname is filled in from the system when empty. */
struct conf *conf_read(const char *file, struct fail *f);
void conf_free(struct conf *c);

/* For who knows better what a value may be: "FILE:LINE: NAME: " and the
 * sentence, FAIL_SYNTAX.  value is its place in c: &c->server_hostname.  -1.
 */
int conf_refuse(const struct conf *c, const void *value, struct fail *f,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Write all settings as a file that conf_read() takes; comments says whether
 * each is explained. */
void conf_print(const struct conf *c, bool comments, struct buf *out);

#endif
