/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim_sign.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/mime/header.h"
#include "common/policy/canon.h"
#include "common/policy/dkim_fields.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define WIDTH     77 /* columns of a line (RFC 5322 s2.1.1) */
#define TAB_WIDTH 8
#define NAMES_MAX (256 * KB)

/* How often more than it is there a field is signed. */
enum more {
	AS_IT_IS,
	IF_THERE,
	ALWAYS
};

static const struct {
	struct str name;
	enum more more;
} fields[] = {
    {STR("from"),		      ALWAYS  },
    {STR("reply-to"),                  ALWAYS  },
    {STR("to"),			ALWAYS  },
    {STR("cc"),			ALWAYS  },
    {STR("subject"),                   ALWAYS  },
    {STR("date"),		      ALWAYS  },
    {STR("message-id"),                ALWAYS  },
    {STR("in-reply-to"),               ALWAYS  },
    {STR("references"),                ALWAYS  },
    {STR("mime-version"),              ALWAYS  },
    {STR("content-type"),              ALWAYS  },
    {STR("content-transfer-encoding"), ALWAYS  },
    {STR("sender"),		    IF_THERE},
    {STR("resent-date"),               AS_IT_IS},
    {STR("resent-from"),               AS_IT_IS},
    {STR("resent-to"),                 AS_IT_IS},
    {STR("resent-cc"),                 AS_IT_IS},
    {STR("list-id"),                   AS_IT_IS},
    {STR("list-help"),                 AS_IT_IS},
    {STR("list-unsubscribe"),          AS_IT_IS},
    {STR("list-unsubscribe-post"),     AS_IT_IS},
    {STR("list-subscribe"),            AS_IT_IS},
    {STR("list-post"),                 AS_IT_IS},
    {STR("list-owner"),                AS_IT_IS},
    {STR("list-archive"),              AS_IT_IS},
    {STR("tls-report-domain"),         AS_IT_IS}, /* RFC 8460 s5.3 */
    {STR("tls-report-submitter"),      AS_IT_IS},
};

/* What h= says, without folds. */
static void
add_names(struct str block, struct buf *names)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t n = header_count(block, fields[i].name);

		n += fields[i].more == ALWAYS ||
		     (fields[i].more == IF_THERE && n > 0);
		for (; n > 0; n--) {
			if (names->len > 0)
				buf_add_char(names, ':');
			buf_add(names, fields[i].name);
		}
	}
}

/* A line of a field that is being written. */
struct line {
	struct buf *out;
	size_t column;
};

static void
fold(struct line *l)
{
	buf_add(l->out, STR("\r\n\t"));
	l->column = TAB_WIDTH;
}

/* On this line if it fits, else on the next; blank: with a space before. */
static void
add(struct line *l, struct str text, bool blank)
{
	if (l->column + text.len + blank > WIDTH)
		fold(l);
	else if (blank) {
		buf_add_char(l->out, ' ');
		l->column++;
	}
	buf_add(l->out, text);
	l->column += text.len;
}

/* "tag=value;" */
static void
add_tag(struct line *l, const char *tag, struct str value)
{
	char text[320];
	int n = snprintf(text, sizeof(text), "%s=%.*s;", tag, STR_FMT(value));

	add(l, (struct str){text, (size_t)n}, true);
}

static void
add_h(struct line *l, struct str names)
{
	add(l, STR("h="), true);
	while (names.len > 0) {
		struct str whole = names, one = str_cut(&names, ':');

		/* with its colon */
		add(l, str_first(whole, one.len + (names.len > 0)), false);
	}
	add(l, STR(";"), false);
}

static void
add_field(const struct dkim_sign *s, struct str names, struct buf *field)
{
	struct line line = {field, 0};
	struct buf bh;
	char t[24];

	buf_init(&bh, 64);
	enc_base64(
	    (struct str){(const char *)s->body_hash, KEY_DIGEST_LEN}, &bh);
	snprintf(t, sizeof(t), "%" PRId64, s->now_s);
	add(&line, STR("DKIM-Signature: v=1;"), false);
	add_tag(&line, "a",
	    s->algorithm == KEY_RSA ? STR("rsa-sha256")
				    : STR("ed25519-sha256"));
	add_tag(&line, "c", STR("relaxed/relaxed"));
	add_tag(&line, "d", s->domain);
	add_tag(&line, "s", s->selector);
	add_tag(&line, "t", str_of(t));
	add_h(&line, names);
	add_tag(&line, "bh", buf_str(&bh));
	fold(&line);
	add(&line, STR("b="), false);
	buf_release(&bh);
}

void
dkim_sign_digest(const struct dkim_sign *s, struct buf *field,
    uint8_t digest[KEY_DIGEST_LEN])
{
	struct dkim_fields *there = dkim_fields_new(s->block);
	struct buf names, text;
	size_t before = field->len;

	buf_init(&names, NAMES_MAX);
	/* as in checking: a field gets two octets longer at most */
	buf_init(&text, 4 * s->block.len + 2 * NAMES_MAX);
	add_names(s->block, &names);
	add_field(s, buf_str(&names), field);
	dkim_fields_add(there, CANON_RELAXED, buf_str(&names),
	    (struct str){NULL, 0}, &text);
	canon_field(CANON_RELAXED, str_after(buf_str(field), before), &text);
	if (text.overrun || names.overrun)
		field->overrun = true; /* the caller looks there */
	else
		buf_cut(&text, text.len - 2);
	key_sha256(buf_str(&text), digest);
	buf_release(&text);
	buf_release(&names);
	dkim_fields_free(there);
}

void
dkim_sign_finish(struct buf *field, struct str signature)
{
	struct str rest;
	struct buf text;
	size_t room = WIDTH - TAB_WIDTH - 2;

	buf_init(&text, ENC_BASE64_LEN(KEY_SIGNATURE_MAX));
	enc_base64(signature, &text);
	for (rest = buf_str(&text); rest.len > 0; room = WIDTH - TAB_WIDTH) {
		struct str part = str_first(rest, room);

		buf_add(field, part);
		rest = str_after(rest, part.len);
		if (rest.len > 0)
			buf_add(field, STR("\r\n\t"));
	}
	buf_add(field, STR("\r\n"));
	field->overrun |= text.overrun;
	buf_release(&text);
}
