/* SPDX-License-Identifier: MIT */
/*
 * import_hints: what a folder says of its messages outside of them: the
 * flags in a Maildir's file names and the keywords of its dovecot-keywords;
 * the index beside .eml files.
 */
#ifndef MAILCTL_IMPORT_HINTS_H
#define MAILCTL_IMPORT_HINTS_H

#include "mailctl/import_fields.h"
#include "mailctl/import_source.h"

struct import_hints;

struct import_hints *import_hints_new(const struct import_source *s);
void import_hints_free(struct import_hints *h);

/* Before a message is read: what of its header is to be believed. */
void import_hints_prepare(
    const struct import_hints *h, const char *name, struct import_fields *f);

/* Afterwards: set flags, keywords and date. */
void import_hints_apply(const struct import_hints *h, const char *name,
    bool in_new, int64_t file_ms, struct import_fields *f);

#endif
