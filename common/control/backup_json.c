/* SPDX-License-Identifier: MIT */
#include "common/control/backup_json.h"

#include "common/control/call.h"

json_t *
backup_json_made(const struct backup_made *m)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", m->name,
	    "files", (json_int_t)m->files, "bytes", (json_int_t)m->octets,
	    "copied_files", (json_int_t)m->copied_files, "copied_bytes",
	    (json_int_t)m->copied_octets, "removed", (json_int_t)m->removed);
}

json_t *
backup_json_info(const struct backup_info *i)
{
	if (!i->valid)
		return json_pack("{s:o, s:b, s:o}", "name",
		    call_json_text(str_of(i->name)), "good", 0, "text",
		    call_json_text(str_of(i->why.text)));
	return json_pack("{s:o, s:b, s:o, s:I, s:o, s:I, s:I}", "name",
	    call_json_text(str_of(i->name)), "good", 1, "time",
	    call_json_time(i->made_ms), "number", (json_int_t)i->number,
	    "program", call_json_text(str_of(i->program)), "files",
	    (json_int_t)i->files, "bytes", (json_int_t)i->octets);
}

json_t *
backup_json_drill(const struct drill_report *r)
{
	if (r->at_ms == 0)
		return json_null();
	return json_pack("{s:o, s:b, s:o, s:o}", "time",
	    call_json_time(r->at_ms), "good", r->good, "snapshot",
	    call_json_text(str_of(r->snapshot)), "text",
	    call_json_text(str_of(r->text)));
}

json_t *
backup_json_summary(const struct backup_info *newest,
    const struct drill_report *drill, int64_t now_ms)
{
	json_t *out = json_object();
	bool any = newest != NULL && newest->name[0] != '\0';

	json_object_set_new(
	    out, "newest", any ? backup_json_info(newest) : json_null());
	if (any)
		json_object_set_new(out, "newest_age_s",
		    json_integer((now_ms - newest->made_ms) / 1000));
	json_object_set_new(out, "drill", backup_json_drill(drill));
	if (drill->at_ms != 0)
		json_object_set_new(out, "drill_age_s",
		    json_integer((now_ms - drill->at_ms) / 1000));
	return out;
}
