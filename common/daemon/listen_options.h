/* SPDX-License-Identifier: MIT */
/*
 * listen_options: a word of [listen]: where to listen, and what holds for
 * those who connect there.
 *
 *	address:port[,judge=no][,tls=required][,proxy=required]
 *	    [,size=10M][,recipients=50]
 */
#ifndef DAEMON_LISTEN_OPTIONS_H
#define DAEMON_LISTEN_OPTIONS_H

#include "common/net/address.h"
#include "common/util/fail.h"

struct listen_options {
	bool judge;          /* mail that comes here is judged; the default */
	bool tls_required;   /* no mail without TLS */
	bool proxy;          /* connections begin with a PROXY header */
	uint64_t size;       /* largest message, 0: limits.message_size */
	uint64_t recipients; /* most of them, 0: limits.recipients */
};

enum listen_word {
	LISTEN_WORD_OK,
	LISTEN_WORD_NO_ADDRESS, /* its options are good all the same */
	LISTEN_WORD_NO_OPTION,
};

/* What the word says; f has a sentence about what it should. */
enum listen_word listen_options_parse(struct str word, struct address *at,
    struct listen_options *options, struct fail *f);

/* Those of a word that says none. */
struct listen_options listen_options_default(void);

#endif
