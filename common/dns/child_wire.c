/* SPDX-License-Identifier: MIT */
#include "common/dns/child_wire.h"

#include <stddef.h>
#include <string.h>

#define ABSENT 0xffff /* the length of a string that is not there */

/* Both ends are one program on one machine: numbers go as they lie. */
struct head {
	uint32_t id, ttl_s;
	uint16_t n;
	uint8_t status, secure;
};

struct str
child_question_bytes(const struct child_question *q)
{
	return (struct str){(const char *)q,
	    offsetof(struct child_question, name) + strlen(q->name) + 1};
}

bool
child_question_read(struct str packet, struct child_question *out)
{
	size_t start = offsetof(struct child_question, name);

	*out = (struct child_question){.id = CHILD_NEWS};
	if (packet.len <= start || packet.len > start + CHILD_NAME_MAX)
		return false;
	memcpy(out, packet.at, packet.len);
	return out->id != CHILD_NEWS &&
	       out->name[packet.len - start - 1] == '\0';
}

static void
add_bytes(struct buf *out, const char *at, size_t len)
{
	uint16_t n = at != NULL && len < ABSENT ? (uint16_t)len : ABSENT;

	buf_add(out, (struct str){(const char *)&n, sizeof(n)});
	if (n != ABSENT)
		buf_add(out, (struct str){at, len});
}

static void
add_text(struct buf *out, const char *text)
{
	add_bytes(out, text, text != NULL ? strlen(text) + 1 : 0);
}

void
child_answer_write(struct buf *out, uint32_t id, const struct dns_answer *a)
{
	size_t most = a->n < CHILD_RECORDS_MAX ? a->n : CHILD_RECORDS_MAX;
	struct head head = {.id = id,
	    .ttl_s = a->ttl_s,
	    .n = (uint16_t)most,
	    .status = (uint8_t)a->status,
	    .secure = a->secure};

	buf_add(out, (struct str){(const char *)&head, sizeof(head)});
	add_text(out, a->canonical);
	add_text(out, a->why);
	for (size_t i = 0; i < most; i++)
		add_bytes(out, a->records[i].data.at, a->records[i].data.len);
}

static bool
take(struct str *in, void *out, size_t n)
{
	if (in->len < n)
		return false;
	memcpy(out, in->at, n);
	*in = str_after(*in, n);
	return true;
}

/* *out.at is NULL for what is absent. */
static bool
take_bytes(struct str *in, struct str *out)
{
	uint16_t n;

	*out = (struct str){NULL, 0};
	if (!take(in, &n, sizeof(n)))
		return false;
	if (n == ABSENT)
		return true;
	if (in->len < n)
		return false;
	*out = str_first(*in, n);
	*in = str_after(*in, n);
	return true;
}

static bool
take_text(struct str *in, const char **out)
{
	struct str text;

	if (!take_bytes(in, &text))
		return false;
	*out = text.at;
	if (text.at == NULL)
		return true;
	/* no lines: it is logged, and told to peers */
	for (size_t i = 0; i + 1 < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == '\x7f')
			return false;
	return text.len > 0 && text.at[text.len - 1] == '\0';
}

/* A name as resolver.h promises it. */
static bool
take_name(struct str *in, const char **out)
{
	if (!take_text(in, out))
		return false;
	if (*out == NULL)
		return true;
	for (const char *c = *out; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '\\')
			return false;
	return **out != '\0' && strlen(*out) < CHILD_NAME_MAX;
}

bool
child_answer_read(struct str packet, uint32_t *id, struct dns_answer *a,
    struct dns_record records[CHILD_RECORDS_MAX])
{
	struct head head;

	if (!take(&packet, &head, sizeof(head)) || head.n > CHILD_RECORDS_MAX ||
	    head.status > DNS_TEMPFAIL)
		return false;
	*id = head.id;
	*a = (struct dns_answer){.status = head.status,
	    .secure = head.secure == 1,
	    .ttl_s = head.ttl_s,
	    .n = head.n,
	    .records = records};
	if (!take_name(&packet, &a->canonical) || !take_text(&packet, &a->why))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!take_bytes(&packet, &records[i].data) ||
		    records[i].data.at == NULL)
			return false;
	return packet.len == 0 &&
	       (a->status != DNS_OK || a->n > 0 || *id == CHILD_NEWS);
}
