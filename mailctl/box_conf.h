/* SPDX-License-Identifier: MIT */
/* box_conf: the configuration of a box, made from its options. */
#ifndef MAILCTL_BOX_CONF_H
#define MAILCTL_BOX_CONF_H

#include "common/conf/conf.h"
#include "mailctl/box.h"
#include "mailctl/sockets.h"

/* domain names the host (mx.DOMAIN), dir holds everything, run the sockets
 * between the daemons.  NULL: *f, of kind FAIL_SYNTAX, says which option is
 * wrong. */
struct conf *box_conf_new(const struct box_options *o, const char *domain,
    const char *dir, const char *run, struct fail *f);

/* Change a setting: "section.key=value". */
int box_conf_set(struct conf *conf, const char *word, struct fail *f);

/* Write down the ports that were found free. */
void box_conf_note_ports(struct conf *conf, const struct box_options *o,
    const struct sockets *sockets);

/* As a file the daemons read. */
int box_conf_write(const struct conf *conf, const char *file, struct fail *f);

#endif
