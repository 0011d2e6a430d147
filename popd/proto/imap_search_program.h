/* SPDX-License-Identifier: MIT */
/*
 * imap_search_program: the keys of one search as a tree, and what is said of a
 * message while not everything is known of it.
 *
 * The tree is an array in the order of the command: a key that has others in
 * it is followed by these, and `next' is the place behind all of them.  The
 * first is an AND of all.  Whatever a key needs of the session (sets, `$',
 * \Recent, names of keywords, the clock) is resolved when it is parsed, so a
 * program can be carried out anywhere.
 */
#ifndef POPD_PROTO_IMAP_SEARCH_PROGRAM_H
#define POPD_PROTO_IMAP_SEARCH_PROGRAM_H

#include "common/util/buf.h"
#include "popd/proto/seqset.h"

#define SEARCH_KEYS_MAX  5000 /* of one search */
#define SEARCH_DEPTH_MAX 250  /* NOT, OR and parentheses within each other */

/* K(NAME, what it takes to tell) */
#define SEARCH_KINDS(K)                                                        \
	K(AND, ALWAYS)                                                         \
	K(OR, ALWAYS)                                                          \
	K(NOT, ALWAYS)                                                         \
	K(ALL, ALWAYS)                                                         \
	K(UIDS, ALWAYS)  /* in sets[set] */                                    \
	K(SAVED, ALWAYS) /* `$' */                                             \
	K(RECENT, ALWAYS)                                                      \
	K(FLAGS, MIRROR)  /* one of these flags is set */                      \
	K(MODSEQ, MIRROR) /* this and all down to SENT: low to high */         \
	K(SIZE, ROW)                                                           \
	K(RECEIVED_DAY, ROW) /* days since 1970 */                             \
	K(RECEIVED, ROW)     /* Unix seconds */                                \
	K(SAVED_DAY, ROW)                                                      \
	K(EMAIL, ROW)                                                          \
	K(SENT_DAY, INFO)                                                      \
	K(HEADER, TEXT) /* a field has this in it */                           \
	K(BODY, TEXT)                                                          \
	K(TEXT, TEXT)

enum search_kind {
#define K(NAME, needs) SEARCH_##NAME,
	SEARCH_KINDS(K)
#undef K
};

/* What must be known of a message, each with all that comes before it. */
enum search_level {
	SEARCH_BY_ALWAYS, /* its UID */
	SEARCH_BY_MIRROR, /* flags, modseq */
	SEARCH_BY_ROW,    /* size, dates */
	SEARCH_BY_INDEX,  /* what the index of texts knows: a guess */
	SEARCH_BY_INFO,   /* the Date field */
	SEARCH_BY_TEXT,
};
enum search_level search_level_of(enum search_kind kind);

/* Text of a key, in program.text. */
struct search_span {
	size_t at, len;
};

struct search_key {
	enum search_kind kind;
	size_t next; /* the place in keys behind this one */
	union {
		size_t set;     /* UIDS */
		uint64_t flags; /* FLAGS */
		uint64_t email; /* EMAIL */
		struct {
			int64_t low, high; /* both in it; low > high: none */
		};
		struct {
			struct search_span needle; /* folded */
			struct search_span field;  /* HEADER: lower case */
			size_t hits; /* what the index says of the needle:
			              * place in op.hits from 1, 0 nothing */
		};
	};
};

struct search_program {
	struct search_key *keys;
	size_t n, room;
	struct seqset *sets; /* of UIDs */
	size_t n_sets;
	struct seqset saved, recent; /* UIDs, only where they are asked for */
	struct buf text;
	bool by_modseq; /* MODSEQ is among the keys */
};

void search_program_init(struct search_program *q);
void search_program_release(struct search_program *q);

struct str search_text_of(
    const struct search_program *q, struct search_span span);

/* The highest level that its keys need. */
enum search_level search_program_level(const struct search_program *q);

enum search_truth {
	SEARCH_NO,
	SEARCH_YES,
	SEARCH_OPEN, /* not known yet */
};

/* What is true of a message, given what `leaf' says of keys that have no others
 * in them. */
typedef enum search_truth search_leaf(
    void *arg, const struct search_program *q, const struct search_key *k);
enum search_truth search_judge(
    const struct search_program *q, search_leaf *leaf, void *arg);

/* A leaf whose level is ALWAYS, for a message of this UID; OPEN for others. */
enum search_truth search_by_uid(
    const struct search_program *q, const struct search_key *k, uint32_t uid);

/* Is n in the range of the key? */
enum search_truth search_in_range(const struct search_key *k, int64_t n);

#endif
