/* SPDX-License-Identifier: MIT */
#include "mailctl/import_message.h"

#include <string.h>

#include "common/util/mem.h"

#define HEAD_MAX                                                               \
	(256 * KB) /* what a header says beyond it is not looked for           \
	            */

void
import_message_begin(
    struct import_message *m, const char *store, uint64_t max_size)
{
	*m = (struct import_message){.store = store, .max_size = max_size};
	buf_init(&m->head, HEAD_MAX);
	import_fields_init(&m->fields);
	if (store != NULL)
		m->stage = stage_new(store);
}

static void
emit(struct import_message *m, struct str s)
{
	m->size += s.len;
	if (m->stage != NULL && m->size <= m->max_size)
		stage_add(m->stage, s);
}

/* The header is known: from here on octets need not be kept. */
static void
end_head(struct import_message *m, bool is_all)
{
	struct str head = buf_str(&m->head);

	m->head_done = true;
	import_fields_read(&m->fields, &head);
	/* all there is may be a header whose last line had no end */
	if (is_all && m->fields.cut && str_ends_nocase(head, STR("\r\n")))
		head.len -= 2;
	emit(m, head);
	buf_release(&m->head);
}

/* Octets as they will be stored. */
static void
put(struct import_message *m, struct str s)
{
	if (m->end_held) {
		m->end_held = false;
		put(m, STR("\r\n"));
	}
	if (m->head_done) {
		emit(m, s);
		return;
	}
	buf_add(&m->head, s);
	if (m->head.overrun) {
		end_head(m, false);
		emit(m, s);
	}
}

static void
put_line_end(struct import_message *m)
{
	bool head_over = !m->head_done && m->line == 0;

	put(m, STR(""));
	m->line = 0;
	if (head_over) {
		put(m, STR("\r\n"));
		if (!m->head_done)
			end_head(m, false);
		return;
	}
	m->end_held = true;
}

void
import_message_add(struct import_message *m, struct str octets)
{
	size_t end;

	if (octets.len > 0 && memchr(octets.at, '\0', octets.len) != NULL)
		m->has_nul = true;
	while (octets.len > 0) {
		bool whole = str_find(octets, '\n', &end);
		struct str text = whole ? str_first(octets, end) : octets;

		octets = str_after(octets, whole ? end + 1 : text.len);
		/* a CR is kept back until it is clear that no LF follows */
		if (m->cr && (text.len > 0 || !whole)) {
			put(m, STR("\r"));
			m->line++;
			m->cr = false;
		}
		if (text.len > 0 && text.at[text.len - 1] == '\r') {
			m->cr = true;
			text.len--;
		}
		if (text.len > 0) {
			put(m, text);
			m->line += text.len;
		}
		if (whole) {
			m->cr = false;
			put_line_end(m);
		}
	}
}

const char *
import_message_end(struct import_message *m)
{
	if (m->cr)
		put(m, STR("\r"));
	if (!m->head_done) {
		put(m, STR(""));
		if (!m->head_done)
			end_head(m, true);
	} else if (m->end_held && !m->fields.cut) {
		put(m, STR(""));
	}
	if (m->fields.nobodys)
		return "";
	if (m->has_nul)
		return "has a NUL octet, which no mail may have";
	if (m->size > m->max_size)
		return "is larger than limits.message_size";
	if (m->size == 0)
		return "is empty";
	return NULL;
}

void
import_message_release(struct import_message *m)
{
	stage_free(m->stage);
	buf_release(&m->head);
	import_fields_release(&m->fields);
}
