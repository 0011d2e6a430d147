/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/conn_internal.h"

#define RECORD       (16 * KB) /* RFC 8446 s5.1: plaintext of one record */
#define WIRE_HIGH    (64 * KB) /* encrypt no further ahead than this */
#define WIRE_LIMIT   (1 * MB)  /* never reached: WIRE_HIGH and one flight */

#define PROBLEM_MOST (2 * KB) /* with the longest names: it always fits */

/* ---- the BIO: OpenSSL's view of our buffers ---- */

static int
bio_read(BIO *b, char *data, size_t len, size_t *done)
{
	struct conn *c = BIO_get_data(b);
	struct conn_engine *e = c->tls;
	struct str from = e->raw.len > 0 ? buf_str(&e->raw) : e->fresh;

	BIO_clear_retry_flags(b);
	*done = 0;
	if (from.len == 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	from = str_first(from, len);
	memcpy(data, from.at, from.len);
	if (e->raw.len > 0)
		buf_drop(&e->raw, from.len);
	else
		e->fresh = str_after(e->fresh, from.len);
	*done = from.len;
	return 1;
}

static int
bio_write(BIO *b, const char *data, size_t len, size_t *done)
{
	struct conn *c = BIO_get_data(b);
	struct conn_engine *e = c->tls;

	BIO_clear_retry_flags(b);
	*done = 0;
	if (e->wire.len >= WIRE_HIGH) {
		BIO_set_retry_write(b);
		return 0;
	}
	buf_add(&e->wire, (struct str){data, len});
	assert(!e->wire.overrun);
	*done = len;
	return 1;
}

const struct tls_bio tls_bio = {bio_read, bio_write};

/* ---- the engine ---- */

struct conn_engine *
engine_new(struct conn *c, struct tls *t, struct tls_expect *expect)
{
	struct conn_engine *e = MEM_NEW(struct conn_engine);

	e->tls = tls_ref(t);
	e->expect = expect;
	buf_init(&e->raw, LOOP_SCRATCH);
	buf_init(&e->wire, WIRE_LIMIT);
	/* what was said before goes out in the clear, before all else */
	if (c->out.len > 0) {
		struct buf before = c->out;

		c->out = e->wire;
		c->out.limit = before.limit;
		before.limit = WIRE_LIMIT + before.len;
		e->wire = before;
	}
	return e;
}

void
engine_free(struct conn_engine *e)
{
	if (e == NULL)
		return;
	if (e->ssl != NULL) {
		/* without it OpenSSL forgets the session */
		if (e->state == ENGINE_ESTABLISHED && !e->said_bye)
			SSL_shutdown(e->ssl);
		ERR_clear_error();
		SSL_free(e->ssl);
	}
	buf_release(&e->raw);
	buf_release(&e->wire);
	tls_expect_free(e->expect);
	free(e->problem);
	tls_free(e->tls);
	free(e);
}

static bool
has_input(const struct conn_engine *e)
{
	return e->raw.len > 0 || e->fresh.len > 0 || SSL_has_pending(e->ssl);
}

static void
broken(struct conn *c, const char *doing, const char *why)
{
	c->tls->state = ENGINE_BROKEN;
	buf_release(&c->tls->raw);
	c->tls->fresh = (struct str){NULL, 0};
	conn_tls_failed(c, doing, why);
}

/* Is this only a matter of waiting?  If not the connection ends. */
static bool
may_wait(struct conn *c, int rc, const char *doing)
{
	int err = SSL_get_error(c->tls->ssl, rc);

	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return true;
	broken(c, doing, tls_reason());
	return false;
}

static void
judge(struct conn_engine *e)
{
	struct buf words;

	buf_init(&words, PROBLEM_MOST);
	e->info.kind = tls_expect_judge(e->expect, e->ssl, &words);
	e->info.verified = e->info.kind == CONN_TLS_GOOD;
	if (!e->info.verified)
		e->info.problem = e->problem = buf_take(&words);
	buf_release(&words);
	tls_expect_free(e->expect);
	e->expect = NULL;
}

static void
establish(struct conn *c)
{
	struct conn_engine *e = c->tls;
	struct conn_tls *info = &e->info;

	e->state = ENGINE_ESTABLISHED;
	if (c->state == CONN_OPEN)
		c->step_at = 0;
	info->version = SSL_get_version(e->ssl);
	info->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(e->ssl));
	info->bits = SSL_CIPHER_get_bits(SSL_get_current_cipher(e->ssl), NULL);
	if (!SSL_is_server(e->ssl))
		judge(e);
	loop_tidy_later(c->loop);
	conn_soon(c);
}

static void
handshake(struct conn *c)
{
	struct conn_engine *e = c->tls;
	int rc;

	if (e->ssl == NULL) {
		e->ssl = tls_session(e->tls, c);
		if (e->ssl == NULL ||
		    (e->expect != NULL &&
			!tls_expect_apply(e->expect, e->ssl))) {
			broken(c, "handshake", "out of memory");
			return;
		}
	}
	ERR_clear_error();
	rc = SSL_do_handshake(e->ssl);
	if (rc == 1)
		establish(c);
	else if (may_wait(c, rc, "handshake") && c->fin)
		broken(c, "handshake", "the peer closed");
}

static void
decrypt(struct conn *c)
{
	struct conn_engine *e = c->tls;
	size_t room;

	while (!c->eof && !c->paused && (room = conn_in_room(c)) > 0 &&
	       has_input(e)) {
		char *record = loop_record(c->loop);
		int n;

		ERR_clear_error();
		n = SSL_read(e->ssl, record,
		    (int)(room < LOOP_RECORD ? room : LOOP_RECORD));
		if (n > 0) {
			conn_take(c, (struct str){record, (size_t)n});
			explicit_bzero(record, (size_t)n);
			continue;
		}
		if (SSL_get_error(e->ssl, n) == SSL_ERROR_ZERO_RETURN) {
			c->eof = c->eof_clean = true;
			conn_soon(c);
			break;
		}
		if (!may_wait(c, n, "input"))
			return;
		break;
	}
	/* an end that was not announced may be an attacker's cut */
	if (c->fin && !c->eof && e->raw.len == 0 && e->fresh.len == 0 &&
	    SSL_pending(e->ssl) == 0) {
		c->eof = true;
		conn_soon(c);
	}
}

static void
encrypt(struct conn *c)
{
	struct conn_engine *e = c->tls;
	struct buf *out = conn_outgoing(c);

	while (out->len > 0 && e->wire.len < WIRE_HIGH) {
		size_t max = out->len < LOOP_RECORD ? out->len : LOOP_RECORD;
		int n;

		ERR_clear_error();
		n = SSL_write(e->ssl, out->data, (int)max);
		if (n > 0)
			buf_drop(out, (size_t)n);
		else {
			may_wait(c, n, "output");
			return;
		}
	}
}

void
engine_run(struct conn *c)
{
	struct conn_engine *e = c->tls;

	if (e->state == ENGINE_WAITING && e->wire.len == 0)
		e->state = ENGINE_HANDSHAKE;
	if (e->state == ENGINE_HANDSHAKE)
		handshake(c);
	if (e->state == ENGINE_ESTABLISHED && c->state == CONN_OPEN)
		decrypt(c);
	if (e->state == ENGINE_ESTABLISHED && !e->said_bye)
		encrypt(c);
}

void
engine_input(struct conn *c, struct str bytes)
{
	struct conn_engine *e = c->tls;

	if (e->state == ENGINE_BROKEN)
		return;
	assert(e->state != ENGINE_WAITING && e->raw.len == 0);
	e->fresh = bytes;
	engine_run(c);
	if (e->fresh.len > 0)
		buf_add(&e->raw, e->fresh);
	e->fresh = (struct str){NULL, 0};
	assert(!e->raw.overrun);
	if (e->raw.len == 0)
		buf_release(&e->raw);
}

void
engine_say_bye(struct conn *c)
{
	struct conn_engine *e = c->tls;

	if (e->state != ENGINE_ESTABLISHED || e->said_bye)
		return;
	ERR_clear_error();
	SSL_shutdown(e->ssl);
	e->said_bye = true;
	ERR_clear_error();
}

/* RFC 9266 s2: the context is the empty string. */
bool
conn_tls_exporter(const struct conn *c, uint8_t out[CONN_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	const struct conn_engine *e = c->tls;
	bool good;

	if (e == NULL || e->state != ENGINE_ESTABLISHED ||
	    SSL_version(e->ssl) < TLS1_3_VERSION)
		return false;
	good = SSL_export_keying_material(e->ssl, out, CONN_EXPORTER_LEN, label,
		   sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1;
	ERR_clear_error();
	return good;
}
