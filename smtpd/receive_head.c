/* SPDX-License-Identifier: MIT */
/*
 * What goes before the body, from the top: Return-Path, our Received, what we
 * sign it with (DKIM, or an ARC set), what we found out about it, and the
 * header as it came, without results that pretend to be ours (and mended, from
 * a user agent).
 */
#include <assert.h>

#include "common/mime/compose.h"
#include "common/mime/header.h"
#include "common/mime/submission.h"
#include "common/policy/author.h"
#include "common/policy/authres.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "smtpd/receive_state.h"

static void
write_trace(struct receive *r)
{
	struct compose_received received = {
	    .helo = str_of(r->helo),
	    .peer_ip = str_of(r->ip),
	    .by = str_of(r->d->conf->server_hostname),
	    .tls = str_of(r->tls),
	    .id = str_of(r->id),
	    .extended = r->extended,
	    .utf8 = r->utf8,
	    .authenticated = r->login != NULL,
	    .at_s = r->now_ms / 1000,
	};

	buf_addf(&r->head, "Return-Path: <%s>\r\n", r->sender);
	r->skip = r->head.len;
	compose_received(&received, &r->head);
}

/* RFC 8689 s3, s4.1: one field, with its one value; REQUIRETLS is stronger. */
static bool
is_tls_optional(const struct receive *r)
{
	struct header_field field;
	struct str name = STR("TLS-Required"), block = buf_str(&r->block);
	struct buf value;
	bool is_no;

	if (r->require_tls || header_count(block, name) != 1 ||
	    !header_find(block, name, &field) || field.bad)
		return false;
	buf_init(&value, 1 * KB);
	header_unfold(field.value, &value);
	is_no = !value.overrun &&
	        str_eq_nocase(str_trim(buf_str(&value)), STR("No"));
	buf_release(&value);
	return is_no;
}

/* The header as it will be sent, and its Message-ID. */
static void
write_block(struct receive *r)
{
	struct str host = str_of(r->d->conf->server_hostname), id;
	struct submission_options mend = {
	    .now_s = r->now_ms / 1000,
	    .random = r->login != NULL ? rand_u64() : 0,
	    .hostname = host,
	};
	struct buf stripped;
	size_t removed = 0;

	buf_init(&stripped, r->intake.max + 64 * KB);
	authres_strip(buf_str(&r->intake.block), host, &stripped, &removed);
	if (removed > 0)
		log_warn(&r->d->log,
		    "results in our name removed id=%s fields=%zu rip=%s",
		    r->id, removed, r->ip);
	if (r->login != NULL)
		submission_fix(buf_str(&stripped), &mend, &r->block);
	else
		buf_add(&r->block, buf_str(&stripped));
	assert(!stripped.overrun && !r->block.overrun);
	buf_release(&stripped);
	r->tls_optional = is_tls_optional(r);
	if (header_message_id(buf_str(&r->block), &id))
		r->message_id = mem_dup(id);
}

/* Put the parts together. */
static void
complete(struct receive *r, struct str signatures)
{
	buf_add(&r->head, signatures);
	if (r->judged != NULL)
		buf_add(&r->head, r->judged->results);
	buf_add(&r->head, buf_str(&r->block));
	if (r->intake.complete)
		buf_add(&r->head, STR("\r\n"));
	assert(!r->head.overrun);
	buf_release(&r->block);
	receive_store(r);
}

static void
on_signed(void *arg, bool ok, struct str fields, const char *text)
{
	struct receive *r = arg;

	r->sign = NULL;
	if (ok)
		complete(r, fields);
	else
		receive_refuse(r, REPLY_CANNOT_SIGN, text);
}

/* RFC 8601 s2.2: what follows the name of our field. */
static struct str
results_of(const struct receive *r)
{
	struct str rest = r->judged->results;
	struct header_field field;

	return header_next(&rest, &field) ? str_trim(field.value) : STR("");
}

/* Whose name it is to be signed with, and how.  False: it is not. */
static bool
is_to_be_signed(const struct receive *r, struct sign_request *request,
    struct author *author)
{
	struct fail f;

	if (r->hashes == NULL)
		return false;
	if (r->login != NULL) {
		/* of several domains none speaks for all */
		if (author_find(buf_str(&r->block), author, &f) == -1)
			return false;
		request->domain = str_of(author->domain);
		return true;
	}
	/* a chain that cannot be checked now is not ours to add to */
	if (r->judged == NULL || r->judged->chain == ARC_TEMPERROR)
		return false;
	request->domain = str_of(r->forwards_as);
	request->seal = true;
	request->results = results_of(r);
	request->chain = r->judged->chain;
	return true;
}

void
receive_head(struct receive *r)
{
	struct sign_request request = {.now_s = r->now_ms / 1000};
	struct author author;
	struct sign *under_way;

	write_trace(r);
	write_block(r);
	if (!is_to_be_signed(r, &request, &author)) {
		complete(r, STR(""));
		return;
	}
	body_hashes_end(r->hashes);
	request.body_hash = body_hashes_get(r->hashes, r->hash);
	request.block = buf_str(&r->block);
	under_way = sign_begin(r->d, &request, on_signed, r);
	if (under_way != NULL) /* else it is done, and r may be gone */
		r->sign = under_way;
}
