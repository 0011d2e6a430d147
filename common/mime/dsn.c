/* SPDX-License-Identifier: MIT */
#include "common/mime/dsn.h"

#include <assert.h>

#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/mime/people.h"
#include "common/mime/xtext.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define SAID_MAX       500       /* octets of a remote's words that are shown */
#define SAID_NAME_MAX  256       /* of a name */
#define ADDRESS_MAX    320       /* of an address */
#define BLOCK_MAX      (32 * KB) /* of the original header */

#define HEADER_FOLLOWS "The header of your message follows."

/* What the actions say. */
static const struct wording {
	const char *action;  /* RFC 3464 s2.3.3 */
	const char *unknown; /* status when there is none (RFC 3463 s2) */
	const char *subject;
	const char *opening;
	const char *closing;
} wordings[] = {
    [DSN_FAILED].action = "failed",
    [DSN_FAILED].unknown = "5.0.0",
    [DSN_FAILED].subject = "Undelivered mail: returned to you",
    [DSN_FAILED].opening = "Your message could not be delivered to:",
    [DSN_FAILED].closing = "We have given up on these. " HEADER_FOLLOWS,

    [DSN_DELAYED].action = "delayed",
    [DSN_DELAYED].unknown = "4.0.0",
    [DSN_DELAYED].subject = "Delayed mail: still trying",
    [DSN_DELAYED].opening = "Your message has not yet been delivered to:",
    [DSN_DELAYED].closing =
	"You need not send it again: we go on trying. " HEADER_FOLLOWS,

    [DSN_DELIVERED].action = "delivered",
    [DSN_DELIVERED].unknown = "2.0.0",
    [DSN_DELIVERED].subject = "Delivered mail: your message has arrived",
    [DSN_DELIVERED].opening = "Your message is in the mailbox of:",
    [DSN_DELIVERED]
	.closing = "You asked to be told. Whether it has been read we cannot "
		   "say. " HEADER_FOLLOWS,

    [DSN_RELAYED].action = "relayed",
    [DSN_RELAYED].unknown = "2.0.0",
    [DSN_RELAYED].subject = "Relayed mail: your message is on its way",
    [DSN_RELAYED]
	.opening = "Your message was taken by the next mail server, for:",
    [DSN_RELAYED].closing =
	"You asked to be told of its delivery. That server does not report "
	"deliveries, so you will hear of it again only if it cannot be "
	"delivered. " HEADER_FOLLOWS,

    [DSN_EXPANDED].action = "expanded",
    [DSN_EXPANDED].unknown = "2.0.0",
    [DSN_EXPANDED].subject = "Relayed mail: your message went to a list",
    [DSN_EXPANDED].opening = "Your message was sent on to everybody behind:",
    [DSN_EXPANDED].closing =
	"You asked to be told. Of each copy you will hear only if it cannot "
	"be delivered. " HEADER_FOLLOWS,
};
static const char closing_whole[] =
    "We have given up on these. Your message follows.";

static const struct wording *
wording_of(const struct dsn *d)
{
	return &wordings[d->recipients[0].action];
}

static void
add_said(struct str said, size_t max, struct buf *out)
{
	people_words(said, max, false, out);
}

static void
add_for_people(
    const struct dsn *d, const struct dsn_recipient *r, struct buf *out)
{
	char date[DATE_TEXT_MAX];
	struct buf line;

	buf_init(&line, 8 * KB);
	buf_add_char(&line, '<');
	people_words(r->original.len > 0 ? r->original : r->final, ADDRESS_MAX,
	    true, &line);
	buf_add_char(&line, '>');
	people_paragraph("  ", buf_str(&line), out);
	buf_clear(&line);
	people_words(r->sentence, SAID_MAX, true, &line);
	if (line.len > 0)
		people_paragraph("    ", buf_str(&line), out);
	if (r->diagnostic.len > 0) {
		buf_clear(&line);
		if (r->remote_mta.len > 0)
			add_said(r->remote_mta, SAID_NAME_MAX, &line);
		else
			buf_add(&line, STR("The other server"));
		buf_add(&line, STR(" said: "));
		add_said(r->diagnostic, SAID_MAX, &line);
		people_paragraph("    ", buf_str(&line), out);
	}
	buf_clear(&line);
	people_words(r->advice, SAID_MAX, true, &line);
	if (line.len > 0)
		people_paragraph("    ", buf_str(&line), out);
	if (r->action == DSN_DELAYED && r->until_s > d->now_s)
		buf_addf(out, "    We shall try until %s.\r\n",
		    date_text(r->until_s, date));
	buf_add(out, STR("\r\n"));
	buf_release(&line);
}

static void
add_text_part(const struct dsn *d, struct buf *out)
{
	const struct wording *w = wording_of(d);
	struct buf text;

	buf_init(&text, DSN_ROOM(d->n));
	buf_addf(&text, "This is the mail server %.*s.\r\n\r\n%s\r\n\r\n",
	    STR_FMT(d->host), w->opening);
	for (size_t i = 0; i < d->n; i++)
		add_for_people(d, &d->recipients[i], &text);
	if (d->others > 0)
		buf_addf(&text,
		    "The same is true of %zu more of its recipients.\r\n\r\n",
		    d->others);
	people_paragraph(
	    "", str_of(d->whole ? closing_whole : w->closing), &text);
	if (d->trace.len > 0)
		buf_addf(
		    &text, "Its number here is %.*s.\r\n", STR_FMT(d->trace));
	buf_add(out, STR("Content-Type: text/plain; charset=utf-8\r\n"));
	people_part(buf_str(&text), out);
	buf_release(&text);
}

/* RFC 3464 s2.3.4, RFC 3463 s2: class.subject.detail of the right class */
static bool
is_status(struct str s, char class)
{
	struct str head = str_cut(&s, '.'), subject = str_cut(&s, '.');
	uint64_t n;

	return head.len == 1 && head.at[0] == class && subject.len <= 3 &&
	       s.len <= 3 && str_to_u64(subject, 999, &n) &&
	       str_to_u64(s, 999, &n);
}

/* An address with its type.  Not ASCII: RFC 6533 s3, utf-8-addr-xtext. */
static void
add_address(const char *field, struct str address, struct buf *out)
{
	struct buf value;
	uint32_t code;

	buf_init(&value, 8 * KB);
	if (!str_has_8bit(address) || !utf8_valid(address)) {
		buf_add(&value, STR("rfc822; "));
		add_said(address, ADDRESS_MAX, &value);
	} else {
		buf_add(&value, STR("utf-8; "));
		address = utf8_first(address, ADDRESS_MAX);
		while (utf8_take(&address, &code))
			if (code > ' ' && code <= '~' && code != '\\' &&
			    code != '+' && code != '=')
				buf_add_char(&value, (char)code);
			else
				buf_addf(&value, "\\x{%02X}", (unsigned)code);
	}
	compose_field(str_of(field), buf_str(&value), out);
	buf_release(&value);
}

/* ORCPT is in xtext, the field is not (RFC 3461 s6.3). */
static void
add_original(struct str orcpt, struct buf *out)
{
	struct str rest = orcpt, type = str_cut(&rest, ';');
	struct buf plain, value;

	buf_init(&plain, 2 * KB);
	buf_init(&value, 8 * KB);
	/* RFC 6533 s3: what is not ASCII stays in its own encoding */
	if (!xtext_decode(rest, &plain) || plain.overrun) {
		buf_clear(&plain);
		buf_add(&plain, str_first(rest, KB));
	}
	if (str_has_8bit(buf_str(&plain))) {
		add_address("Original-Recipient", buf_str(&plain), out);
	} else {
		add_said(type, SAID_NAME_MAX, &value);
		buf_add(&value, STR("; "));
		add_said(buf_str(&plain), 2 * ADDRESS_MAX, &value);
		compose_field(STR("Original-Recipient"), buf_str(&value), out);
	}
	buf_release(&value);
	buf_release(&plain);
}

/* A field whose value is a type and words of others. */
static void
add_typed(const char *field, const char *type, struct str said, size_t max,
    struct buf *out)
{
	struct buf value;

	if (said.len == 0)
		return;
	buf_init(&value, 8 * KB);
	buf_add(&value, str_of(type));
	add_said(said, max, &value);
	compose_field(str_of(field), buf_str(&value), out);
	buf_release(&value);
}

static void
add_date(const char *field, int64_t at_s, struct buf *out)
{
	char date[DATE_TEXT_MAX];

	if (at_s > 0)
		buf_addf(out, "%s: %s\r\n", field, date_text(at_s, date));
}

/* RFC 3464 s2.3 */
static void
add_recipient_fields(const struct dsn_recipient *r, struct buf *out)
{
	const struct wording *w = &wordings[r->action];

	buf_add(out, STR("\r\n"));
	if (r->orcpt.len > 0) /* RFC 3461 s6.3 (d): else it must not be there */
		add_original(r->orcpt, out);
	add_address("Final-Recipient", r->final, out);
	buf_addf(out, "Action: %s\r\n", w->action);
	if (is_status(r->status, w->unknown[0]))
		buf_addf(out, "Status: %.*s\r\n", STR_FMT(r->status));
	else
		buf_addf(out, "Status: %s\r\n", w->unknown);
	add_typed("Remote-MTA", "dns; ", r->remote_mta, SAID_NAME_MAX, out);
	add_typed("Diagnostic-Code", "smtp; ", r->diagnostic, SAID_MAX, out);
	add_date("Last-Attempt-Date", r->tried_s, out);
	if (r->action == DSN_DELAYED)
		add_date("Will-Retry-Until", r->until_s, out);
}

static void
add_status_part(const struct dsn *d, struct buf *out)
{
	buf_add(out, STR("Content-Type: message/delivery-status\r\n\r\n"));
	/* RFC 3464 s2.2 */
	add_typed(
	    "Original-Envelope-Id", "", d->envelope_id, SAID_NAME_MAX, out);
	add_typed("Reporting-MTA", "dns; ", d->host, SAID_NAME_MAX, out);
	add_date("Arrival-Date", d->arrived_s, out);
	for (size_t i = 0; i < d->n; i++)
		add_recipient_fields(&d->recipients[i], out);
}

/* The header of the part that holds the message. */
static void
begin_message_part(const struct dsn *d, struct buf *out)
{
	/* RFC 6532 s3.7 */
	buf_addf(out, "Content-Type: %s\r\n",
	    d->utf8 && d->eight_bit ? "message/global" : "message/rfc822");
	if (d->eight_bit)
		buf_add(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_add(out, STR("\r\n"));
}

/* RFC 6522 s4: the fields, without the empty line.  Too many: cut behind a
 * line. */
static void
add_header_part(const struct dsn *d, struct buf *out)
{
	struct str block = str_first(d->block, BLOCK_MAX);
	size_t lf;

	if (block.len < d->block.len)
		block = str_find_last(block, '\n', &lf)
		            ? str_first(block, lf + 1)
		            : str_first(block, 0);
	buf_add(out, STR("Content-Type: text/rfc822-headers\r\n"));
	people_part(block, out);
}

static void
add_header(const struct dsn *d, struct buf *out)
{
	struct buf value;
	struct str id;

	buf_init(&value, 4 * KB);
	buf_addf(out, "From: Mail Delivery System <mailer-daemon@%.*s>\r\n",
	    STR_FMT(d->host));
	buf_addf(&value, "<%.*s>", STR_FMT(str_first(d->to, KB)));
	compose_field(STR("To"), buf_str(&value), out);
	compose_field(STR("Subject"), str_of(wording_of(d)->subject), out);
	add_date("Date", d->now_s, out);
	buf_add(out, STR("Message-ID: "));
	compose_message_id(d->now_s, d->random, d->host, out);
	buf_add(out, STR("\r\n"));
	if (header_message_id(d->block, &id) && str_is_printable(id) &&
	    str_starts(id, STR("<"))) {
		compose_field(STR("In-Reply-To"), id, out);
		compose_field(STR("References"), id, out);
	}
	/* RFC 3834 s5: nobody shall answer this by machine */
	buf_add(out, STR("Auto-Submitted: auto-replied\r\n"
			 "MIME-Version: 1.0\r\n"));
	if (d->whole && d->eight_bit) /* RFC 2045 s6.4: as what is inside */
		buf_add(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_release(&value);
}

/* "=_" is in no quoted-printable text, and nobody knows the rest */
static void
add_boundary(const struct dsn *d, struct buf *out)
{
	buf_addf(out, "=_%016llx%08llx", (unsigned long long)d->random,
	    (unsigned long long)d->now_s);
}

static void
add_delimiter(const struct dsn *d, const char *end, struct buf *out)
{
	buf_add(out, STR("\r\n--"));
	add_boundary(d, out);
	buf_addf(out, "%s\r\n", end);
}

void
dsn_begin(const struct dsn *d, struct buf *out)
{
	assert(d->n > 0 && d->host.len > 0 && d->to.len > 0);
	add_header(d, out);
	buf_add(out, STR("Content-Type: multipart/report; "
			 "report-type=delivery-status;\r\n\tboundary=\""));
	add_boundary(d, out);
	buf_add(out, STR("\"\r\n"));
	add_delimiter(d, "", out);
	add_text_part(d, out);
	add_delimiter(d, "", out);
	add_status_part(d, out);
	add_delimiter(d, "", out);
	if (d->whole)
		begin_message_part(d, out);
}

void
dsn_end(const struct dsn *d, struct buf *out)
{
	add_delimiter(d, "--", out);
}

void
dsn_compose(const struct dsn *d, struct buf *out)
{
	assert(!d->whole);
	dsn_begin(d, out);
	add_header_part(d, out);
	dsn_end(d, out);
}

bool
dsn_wanted(unsigned notify, enum dsn_notify what)
{
	return notify == 0 ? what != DSN_NOTIFY_SUCCESS
	                   : (notify & what) && !(notify & DSN_NOTIFY_NEVER);
}
