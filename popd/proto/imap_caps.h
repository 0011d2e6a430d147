/* SPDX-License-Identifier: MIT */
/*
 * imap_caps: what the server offers, when, and what can be switched off.
 *
 * C(NAME, "as advertised", when): BEFORE login, AFTER it, ALWAYS, or PLAIN:
 * before login only while passwords may be sent.  A capability that is off is
 * not advertised and not done.
 */
#ifndef POPD_PROTO_IMAP_CAPS_H
#define POPD_PROTO_IMAP_CAPS_H

#include "common/util/buf.h"

/* clang-format off */
#define IMAP_CAPS(C)                                                           \
	C(IMAP4REV1, "IMAP4rev1", ALWAYS)                                      \
	C(IMAP4REV2, "IMAP4rev2", ALWAYS)                                      \
	C(LITERAL_PLUS, "LITERAL+", ALWAYS)                                    \
	C(SASL_IR, "SASL-IR", ALWAYS)                                          \
	C(ID, "ID", ALWAYS)                                                    \
	C(ENABLE, "ENABLE", ALWAYS)                                            \
	C(AUTH_PLAIN, "AUTH=PLAIN", PLAIN)                                     \
	C(AUTH_LOGIN, "AUTH=LOGIN", PLAIN)                                     \
	C(IDLE, "IDLE", AFTER)                                                 \
	C(NAMESPACE, "NAMESPACE", AFTER)                                       \
	C(CHILDREN, "CHILDREN", AFTER)                                         \
	C(UNSELECT, "UNSELECT", AFTER)                                         \
	C(UIDPLUS, "UIDPLUS", AFTER)                                           \
	C(MOVE, "MOVE", AFTER)                                                 \
	C(SPECIAL_USE, "SPECIAL-USE", AFTER)                                   \
	C(CREATE_SPECIAL_USE, "CREATE-SPECIAL-USE", AFTER)                     \
	C(LIST_EXTENDED, "LIST-EXTENDED", AFTER)                               \
	C(LIST_STATUS, "LIST-STATUS", AFTER)                                   \
	C(STATUS_SIZE, "STATUS=SIZE", AFTER)                                   \
	C(CONDSTORE, "CONDSTORE", AFTER)                                       \
	C(QRESYNC, "QRESYNC", AFTER)                                           \
	C(ESEARCH, "ESEARCH", AFTER)                                           \
	C(SEARCHRES, "SEARCHRES", AFTER)                                       \
	C(WITHIN, "WITHIN", AFTER)                                             \
	C(SORT, "SORT", AFTER)                                                 \
	C(SORT_DISPLAY, "SORT=DISPLAY", AFTER)                                 \
	C(ESORT, "ESORT", AFTER)                                               \
	C(THREAD_REFERENCES, "THREAD=REFERENCES", AFTER)                       \
	C(THREAD_ORDEREDSUBJECT, "THREAD=ORDEREDSUBJECT", AFTER)               \
	C(MULTIAPPEND, "MULTIAPPEND", AFTER)                                   \
	C(APPENDLIMIT, "APPENDLIMIT", AFTER) /* "=octets" is added */          \
	C(REPLACE, "REPLACE", AFTER)                                           \
	C(BINARY, "BINARY", AFTER)                                             \
	C(COMPRESS, "COMPRESS=DEFLATE", AFTER)                                 \
	C(QUOTA, "QUOTA", AFTER)                                               \
	C(QUOTA_STORAGE, "QUOTA=RES-STORAGE", AFTER)                           \
	C(METADATA, "METADATA", AFTER)                                         \
	C(NOTIFY, "NOTIFY", AFTER)                                             \
	C(PREVIEW, "PREVIEW", AFTER)                                           \
	C(SAVEDATE, "SAVEDATE", AFTER)                                         \
	C(OBJECTID, "OBJECTID", AFTER)                                         \
	C(PARTIAL, "PARTIAL", AFTER)                                           \
	C(UTF8_ACCEPT, "UTF8=ACCEPT", AFTER)                                   \
	C(INPROGRESS, "INPROGRESS", AFTER)                                     \
	C(UIDONLY, "UIDONLY", AFTER)                                           \
	C(I18NLEVEL, "I18NLEVEL=1", AFTER)
/* clang-format on */

enum imap_cap {
#define C(NAME, text, when) IMAP_CAP_##NAME,
	IMAP_CAPS(C)
#undef C
	IMAP_CAP_COUNT
};

/* A set of capabilities: bit enum imap_cap. */
typedef uint64_t imap_caps;

/* Those named in a list with spaces between; ASCII case ignored.  False, and
 * *unknown is the first name that is none, if there is one; the others are in
 * the set. */
bool imap_caps_parse(struct str list, imap_caps *out, struct str *unknown);

/* What a client that calls itself so in ID must not be offered, since it
 * breaks: docs/design.md has the reasons. */
imap_caps imap_caps_of_client(struct str name);

struct imap_caps_now {
	imap_caps off;
	bool logged_in, tls;
	bool passwords; /* may be sent */
	uint64_t message_max;
};

/* "CAPABILITY IMAP4rev1 ...".  Without LITERAL+ there is LITERAL-. */
void imap_caps_write(struct buf *out, const struct imap_caps_now *now);

#endif
