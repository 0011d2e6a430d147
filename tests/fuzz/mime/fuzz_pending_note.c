/* SPDX-License-Identifier: MIT */
/* Whatever others said and whatever the original is, a note is whole, fits,
 * and has one From at most.  \xfe stands between what the strings are. */
#include <assert.h>

#include "common/mime/header.h"
#include "common/mime/pending_note.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct str note, bool attached)
{
	struct str block, body;
	struct header_facts facts;

	header_split(note, &block, &body);
	assert(header_is_clean(block));
	header_survey(block, &facts);
	assert(facts.bad == 0 && facts.date == 1 && facts.message_id == 1);
	assert(facts.from <= 1);
	assert(header_count(block, STR("To")) <= 1);
	assert(header_count(block, STR("Content-Type")) == 1);
	/* what is attached is as it came */
	assert(attached || str_ends_nocase(body, STR("--\r\n")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, s[6], body;
	struct pending_note_recipient r[2];
	struct pending_note p;
	struct buf out;

	if (size < 2)
		return 0;
	rest = str_after(rest, 1);
	for (size_t i = 0; i < 6; i++)
		s[i] = str_cut(&rest, '\xfe');
	for (size_t i = 0; i < 2; i++)
		r[i] = (struct pending_note_recipient){
		    .state = (enum pending_note_state)(
			(data[0] >> (2 * i)) & 3),
		    .address = s[i],
		    .tries = data[0] % 3,
		    .tried_s = data[0] % 3 > 0 ? 1795341600 : 0,
		    .next_s = 1795342600,
		    .until_s = 1795441600,
		    .said = data[0] & 16,
		    .reply = s[2 + i],
		    .host = s[4],
		};
	p = (struct pending_note){
	    .host = STR("mx.d.test"),
	    .sender = s[5],
	    .id = STR("0d1q8zk4m2x7a"),
	    .now_s = 1795341600,
	    .random = 1,
	    .recipients = r,
	    .n = 1 + (data[0] >> 5 & 1),
	    .more = data[0] >> 6,
	};
	header_split(rest, &p.block, &body);
	if (data[0] & 64)
		p.message = rest;
	buf_init(&out, pending_note_room(&p));
	pending_note_compose(&p, &out);
	assert(!out.overrun);
	check(buf_str(&out), p.message.len > 0);
	buf_release(&out);
	return 0;
}
