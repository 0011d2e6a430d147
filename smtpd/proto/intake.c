/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/intake.h"

#include "common/mime/header.h"
#include "common/mime/submission.h"
#include "common/util/mem.h"
#include "smtpd/proto/smtp_chunk.h"

#define PIECE     (64 * KB) /* more than one piece of data ever has */
#define LOOSE_MAX 20        /* each is looked for in the whole block */

void
intake_init(struct intake *in, size_t max)
{
	*in = (struct intake){.max = max};
	buf_init(&in->block, max + PIECE);
}

void
intake_release(struct intake *in)
{
	buf_release(&in->block);
}

/* Where the block ends, counted with the CRLF of its last field. */
static bool
find_end(struct intake *in, size_t *end)
{
	struct str block = buf_str(&in->block);
	size_t at;

	*end = 0;
	if (str_starts(block, STR("\r\n")))
		return true;
	if (!str_find_str(str_after(block, in->looked), STR("\r\n\r\n"), &at)) {
		in->looked = block.len > 3 ? block.len - 3 : 0;
		return false;
	}
	*end = in->looked + at + 2;
	return true;
}

void
intake_take(struct intake *in, struct str *text)
{
	size_t before = in->block.len;
	struct str part = *text;
	size_t end;

	if (in->complete)
		return;
	/* what follows an empty line is not of the block */
	if (str_find_str(*text, STR("\r\n\r\n"), &end))
		part = str_first(*text, end + 4);
	if (!in->too_long)
		buf_add(&in->block, part);
	in->too_long |= in->block.overrun;
	in->complete = !in->too_long && find_end(in, &end);
	if (in->complete) {
		in->too_long = end > in->max;
		*text = str_after(*text, end + 2 - before);
		buf_cut(&in->block, end);
	} else {
		/* one more octet: the CR of the empty line may be in it */
		in->too_long |= in->block.len > in->max + 1;
		*text = str_after(*text, text->len);
	}
	if (in->too_long)
		buf_release(&in->block);
}

/* Blanks between name and colon: a field of old (RFC 5322 s4.5.3) to some
 * readers, none to others. */
static bool
is_loose(struct str before_colon)
{
	struct str name = str_trim(before_colon);
	size_t at;

	return name.len > 0 && name.len < before_colon.len &&
	       !str_find(name, ' ', &at) && !str_find(name, '\t', &at);
}

/* Could two readers see different fields here?  What all real mail has now
 * and then is let pass: lines that nobody takes for a field, like mbox's
 * "From ", continuations of blanks only, old spellings without a twin. */
static bool
is_ambiguous(const struct header_field *f, struct str block, size_t *n_loose)
{
	struct str rest = f->whole;
	struct str line = str_cut(&rest, '\n');
	size_t colon;

	if (line.at[0] == ' ' || line.at[0] == '\t')
		/* continues nothing: is it the first field? */
		return str_trim(line).len > 1; /* its CR */
	if (!str_find(line, ':', &colon))
		/* "From\r\n : x" is a field to some */
		return str_starts(str_trim(rest), STR(":"));
	line = str_first(line, colon);
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] > 126 ||
		    (line.at[i] < ' ' && line.at[i] != '\t'))
			return true;
	/* those in our name are taken out however they are written, and the
	 * others bind nobody (RFC 8601 s5) */
	if (!is_loose(line) ||
	    str_eq_nocase(str_trim(line), STR("Authentication-Results")))
		return false;
	return ++*n_loose > LOOSE_MAX ||
	       header_count(block, str_trim(line)) > 1;
}

/* BINARYMIME is of bodies: a header has lines in any case (RFC 3030 s3), and
 * whoever shows it by lines would find fields there that we never saw. */
static enum smtp_reply
judge_octets(struct str block)
{
	struct smtp_text text = {0};

	smtp_text_look(&text, block);
	if (text.bare || text.after_cr)
		return REPLY_BARE_NEWLINE;
	return text.nul ? REPLY_HAS_NUL : REPLY_OK;
}

enum smtp_reply
intake_judge(
    const struct intake *in, const struct intake_law *law, struct fail *why)
{
	struct str block = buf_str(&in->block);
	struct header_facts facts;
	struct header_field f;
	enum smtp_reply r = judge_octets(block);
	size_t n_loose = 0;

	why->text[0] = '\0';
	if (in->too_long || block.len > in->max)
		return REPLY_HEADER_TOO_BIG;
	if (r != REPLY_OK)
		return r;
	header_survey(block, &facts);
	if (facts.fields > law->max_fields)
		return REPLY_HEADER_TOO_MANY;
	if (facts.received > law->max_received)
		return REPLY_LOOP;
	for (struct str rest = block; header_next(&rest, &f);)
		if (is_ambiguous(&f, block, &n_loose)) {
			fail(why, FAIL_PERM, "ambiguous line \"%.*s\"",
			    STR_FMT(str_first(f.whole, 60)));
			return REPLY_HEADER_BAD;
		}
	if (law->submission && submission_check(block, why) == -1)
		return REPLY_BAD_SUBMISSION;
	return REPLY_OK;
}
