/* SPDX-License-Identifier: MIT */
/* dev_internet: the rest of the world beside a `mailctl dev': the DNS and the
 * servers of --internet FILE. */
#ifndef MAILCTL_DEV_INTERNET_H
#define MAILCTL_DEV_INTERNET_H

#include <jansson.h>

#include "common/conf/conf.h"
#include "common/net/loop.h"
#include "common/util/log.h"

struct dev_internet;

/* Read the file and answer DNS.  loop and log are borrowed. */
struct dev_internet *dev_internet_new(
    struct loop *l, const struct log *log, const char *file, struct fail *f);

/* "127.0.0.1:PORT" */
const char *dev_internet_dns(const struct dev_internet *d);

/* Start the servers, their files in DIR/internet, and set relay.port and
 * relay.trust so that they are found. */
int dev_internet_start(
    struct dev_internet *d, const char *dir, struct conf *conf, struct fail *f);

/* {"dns", "dir", "ca", "servers"}; the caller's. */
json_t *dev_internet_describe(const struct dev_internet *d);

/* Stop before the loop is freed, free after it. */
void dev_internet_stop(struct dev_internet *d);
void dev_internet_free(struct dev_internet *d);

#endif
