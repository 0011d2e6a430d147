/* SPDX-License-Identifier: MIT */
#include "common/store/press.h"

#include <stdlib.h>

#include "common/store/sealed.h"
#include "common/util/mem.h"

#define LEVEL 1

struct press *
press_new(void)
{
	return MEM_NEW(struct press);
}

void
press_free(struct press *p)
{
	if (p == NULL)
		return;
	ZSTD_freeCCtx(p->zstd);
	structure_free(p->structure);
	free(p->room);
	free(p);
}

static bool
set(ZSTD_CCtx *zstd, ZSTD_cParameter parameter, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, parameter, value));
}

ZSTD_CCtx *
press_zstd(struct press *p, uint64_t size)
{
	if (p->zstd == NULL)
		p->zstd = ZSTD_createCCtx();
	/* what a failure left under way ends here */
	if (p->zstd == NULL ||
	    ZSTD_isError(
		ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_and_parameters)) ||
	    !set(p->zstd, ZSTD_c_compressionLevel, LEVEL) ||
	    !set(p->zstd, ZSTD_c_windowLog, SEALED_WINDOW) ||
	    !set(p->zstd, ZSTD_c_checksumFlag, 1) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(p->zstd, size)))
		return NULL;
	return p->zstd;
}

struct structure *
press_structure(struct press *p)
{
	if (p->structure == NULL)
		p->structure = structure_new();
	else
		structure_reset(p->structure);
	return p->structure;
}

char *
press_room(struct press *p, size_t size)
{
	if (size > p->room_size) {
		free(p->room);
		p->room = mem_new(size, 1);
		p->room_size = size;
	}
	return p->room;
}

void
press_drop_stream(struct press *p)
{
	ZSTD_freeCCtx(p->zstd);
	p->zstd = NULL;
}
