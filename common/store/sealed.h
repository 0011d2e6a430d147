/* SPDX-License-Identifier: MIT */
/* sealed: what a stage has become, for the delivery that names it. */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "common/mime/structure.h"
#include "common/store/disk.h"
#include "common/store/stage.h"

#define SEALED_ROW_MAX (64 * (size_t)1024) /* stored octets; more is a file */
#define SEALED_WINDOW  17 /* log2 of what a reader must keep: 128 KiB */

enum sealed_codec {
	SEALED_PLAIN = 0,
	SEALED_ZSTD = 1
}; /* on disk */

struct sealed {
	uint64_t size;   /* plain octets */
	uint64_t stored; /* octets kept */
	enum sealed_codec codec;
	unsigned char hash[32]; /* BLAKE2b-256 of the plain octets */
	struct str data;        /* the stored octets, unless there is a file */
	const char *file;       /* object name, or NULL */
	const struct structure_result *info; /* strings the stage's own */
};

/* Borrowed from the stage, which must be sealed. */
const struct sealed *stage_sealed(const struct stage *s);

/* A transaction names the object file: stage_free() then leaves it, whether
 * or not it commits (a failed COMMIT may come back after a crash). */
void stage_named(struct stage *s);

#endif
