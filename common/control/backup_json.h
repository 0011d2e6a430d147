/* SPDX-License-Identifier: MIT */
/* backup_json: backups and drills as JSON. */
#ifndef CONTROL_BACKUP_JSON_H
#define CONTROL_BACKUP_JSON_H

#include <jansson.h>

#include "common/store/backup.h"
#include "common/store/backup_drill.h"

/* {"name","files","bytes","copied_files","copied_bytes","removed"} */
json_t *backup_json_made(const struct backup_made *m);

/* {"name","good","time","number","program","files","bytes"} or {"name","good",
 * "text"} */
json_t *backup_json_info(const struct backup_info *i);

/* {"time","good","snapshot","text"}; null: there never was one. */
json_t *backup_json_drill(const struct drill_report *r);

/* {"newest","newest_age_s","drill","drill_age_s"} of a directory's newest valid
 * snapshot (may be NULL) and last drill, at this time. */
json_t *backup_json_summary(const struct backup_info *newest,
    const struct drill_report *drill, int64_t now_ms);

#endif
