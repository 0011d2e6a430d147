/* SPDX-License-Identifier: MIT */
#include "common/util/fail.h"

#include <stdarg.h>
#include <stdio.h>

int
fail(struct fail *f, enum fail_kind kind, const char *fmt, ...)
{
	va_list ap;

	f->kind = kind;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}
