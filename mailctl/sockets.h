/* SPDX-License-Identifier: MIT */
/*
 * sockets: the listening sockets of the whole suite, opened in one place and
 * handed to the daemons as systemd would (sd_listen_fds(3)).
 */
#ifndef MAILCTL_SOCKETS_H
#define MAILCTL_SOCKETS_H

#include <stdint.h>

#include "common/conf/conf.h"
#include "common/util/fail.h"

/* S(name, program that serves it): the keys of [listen]. */
#define SERVICES(S)                                                            \
	S(smtp, "smtpd")                                                       \
	S(submission, "smtpd")                                                 \
	S(submissions, "smtpd")                                                \
	S(pop3, "popd")                                                        \
	S(pop3s, "popd")                                                       \
	S(imap, "popd")                                                        \
	S(imaps, "popd")

enum service {
#define S(name, program) SERVICE_##name,
	SERVICES(S)
#undef S
	SERVICE_COUNT
};

#define SOCKETS_MAX 32

struct sockets {
	struct {
		enum service service;
		int fd;
		uint16_t port;
	} at[SOCKETS_MAX];
	size_t n;
};

const char *service_name(enum service s);
const char *service_program(enum service s);

/* Bind and listen to what the configuration names.  On failure nothing stays
 * open.  sockets_close() is the caller's. */
int sockets_open(struct sockets *s, const struct conf *conf, struct fail *f);
void sockets_close(struct sockets *s);

/* The first port of a service, 0 if it has none. */
uint16_t sockets_port(const struct sockets *s, enum service service);

#endif
