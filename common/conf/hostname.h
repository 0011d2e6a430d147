/* SPDX-License-Identifier: MIT */
/* hostname: the system's own name, with its domain if it has one. */
#ifndef CONF_HOSTNAME_H
#define CONF_HOSTNAME_H

#include "common/util/str.h"

/* The name the kernel knows, made whole by hosts: the text of /etc/hosts,
 * where Debian writes `127.0.1.1 mx.d.test mx'.  Not by the resolver: it is
 * not running yet, and libc's would load plug-ins and start threads.
 * The caller frees the result, "localhost" if the system has no name. */
char *hostname_of_system(void);

/* The first dotted name on the line of hosts that has name on it.  False if
 * there is none. */
bool hostname_complete(struct str hosts, struct str name, struct str *out);

#endif
