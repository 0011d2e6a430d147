/* SPDX-License-Identifier: MIT */
/* backup_letter: a mail to postmaster: there is no backup, or it is good for
 * nothing. */
#ifndef MAILD_BACKUP_LETTER_H
#define MAILD_BACKUP_LETTER_H

#include "common/store/backup_drill.h"
#include "maild/maild.h"

struct backup_letter {
	bool drill;                       /* it is the drill that failed */
	const char *why;                  /* borrowed during the call, as all */
	const struct backup_info *newest; /* name empty: there is none */
	int64_t again_ms;                 /* when it is tried again */
};

/* Compose and deliver it; a failure is logged. */
void backup_letter_send(struct maild *m, const struct backup_letter *l);

#endif
