/* SPDX-License-Identifier: MIT */
/*
 * imap_section: what BODY[...] and BINARY[...] name (RFC 9051 s6.4.5.1), and
 * which octets of a message that is.  Pure.
 */
#ifndef POPD_PROTO_IMAP_SECTION_H
#define POPD_PROTO_IMAP_SECTION_H

#include "common/mime/parts.h"
#include "common/mime/structure.h"
#include "popd/proto/imap_arg.h"

/* A header block is filtered as far as this. */
#define IMAP_HEADER_MAX STRUCTURE_HEADER_MAX

enum imap_section_what {
	IMAP_SECTION_ALL, /* the part, or the message: nothing follows */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,     /* HEADER.FIELDS (...) */
	IMAP_SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT (...) */
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

struct imap_section {
	enum imap_section_what what;
	uint32_t numbers[STRUCTURE_DEPTH_MAX];
	size_t n;
	bool nowhere;       /* more numbers than any message has levels */
	struct buf names;   /* of fields: what `fields' points into */
	struct str *fields; /* sorted */
	size_t n_fields;
};

/* All zero is BODY[]. */
void imap_section_release(struct imap_section *s);

/* *out is all its own. */
void imap_section_copy(const struct imap_section *s, struct imap_section *out);

/* Take "[...]" from the arguments, and append it to label as a response has
 * it.  binary: numbers only.  False: it breaks the grammar. */
bool imap_section_take(struct imap_args *a, bool binary,
    struct imap_section *out, struct buf *label);

/* Does it need to know where the parts are? */
bool imap_section_needs_parts(const struct imap_section *s);

/* Is what it names more than header fields: is a message read by it? */
bool imap_section_is_text(const struct imap_section *s);

/* Octets of a message. */
struct imap_span {
	uint64_t at, len;
	bool filtered; /* only some header fields of them: imap_section_filter()
	                */
	enum part_encoding encoding; /* of a leaf part */
	uint64_t decoded_len;        /* of it */
};

/* Where it is in a message of `size' octets with these parts (mime/parts.h).
 * False: the message has no such part. */
bool imap_section_find(const struct imap_section *s, struct str parts,
    uint64_t size, struct imap_span *out);

/* Append those fields of a header block that the section wants, as they are,
 * and the empty line that ends it. */
void imap_section_filter(
    const struct imap_section *s, struct str header, struct buf *out);

#endif
