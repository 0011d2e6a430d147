/* SPDX-License-Identifier: MIT */
/*
 * A form is the body in one canonicalization; it passes once, whatever many
 * wishes there are for it.  What is at the end of a body counts only when
 * something follows (RFC 6376 s3.4.3), so line ends and blanks are held back
 * as numbers, and the rest is gathered in batches for the hashes.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/canon.h"
#include "common/util/mem.h"

#define BATCH (4 * KB)
#define FORMS 2 /* as many as enum canon has */

struct form {
	enum canon how;
	bool cr, blank; /* held back: a CR that may begin a CRLF, white space */
	uint64_t crlfs; /* held back */
	uint64_t length; /* of what was given to the batch */
	size_t n;
	char batch[BATCH];
};

struct wish {
	enum canon how;
	uint64_t octets, left;
	EVP_MD_CTX *sha256;
	uint8_t hash[BODY_HASH_LEN];
};

struct body_hashes {
	bool fed, ended;
	struct form *forms[FORMS]; /* by enum canon; NULL: nobody wants it */
	size_t n;
	struct wish wishes[BODY_HASHES_MAX];
};

struct body_hashes *
body_hashes_new(void)
{
	return MEM_NEW(struct body_hashes);
}

void
body_hashes_free(struct body_hashes *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++)
		EVP_MD_CTX_free(h->wishes[i].sha256);
	for (size_t i = 0; i < FORMS; i++)
		free(h->forms[i]);
	free(h);
}

bool
body_hashes_want(
    struct body_hashes *h, enum canon how, uint64_t octets, size_t *place)
{
	struct wish *w;

	assert(!h->fed && !h->ended);
	for (size_t i = 0; i < h->n; i++)
		if (h->wishes[i].how == how && h->wishes[i].octets == octets) {
			*place = i;
			return true;
		}
	if (h->n == BODY_HASHES_MAX)
		return false;
	w = &h->wishes[ *place = h->n++];
	w->how = how;
	w->octets = w->left = octets;
	w->sha256 = EVP_MD_CTX_new();
	if (w->sha256 == NULL ||
	    EVP_DigestInit_ex(w->sha256, EVP_sha256(), NULL) != 1)
		abort(); /* out of memory, or no libcrypto to speak of */
	if (h->forms[how] == NULL) {
		h->forms[how] = MEM_NEW(struct form);
		h->forms[how]->how = how;
	}
	return true;
}

static void
hash(struct body_hashes *h, enum canon how, struct str octets)
{
	for (size_t i = 0; i < h->n; i++) {
		struct wish *w = &h->wishes[i];
		size_t n = octets.len < w->left ? octets.len : w->left;

		if (w->how != how || n == 0)
			continue;
		EVP_DigestUpdate(w->sha256, octets.at, n);
		if (w->octets != BODY_HASH_ALL)
			w->left -= n;
	}
}

static void
flush(struct body_hashes *h, struct form *f)
{
	hash(h, f->how, (struct str){f->batch, f->n});
	f->n = 0;
}

static void
add(struct body_hashes *h, struct form *f, struct str run)
{
	f->length += run.len;
	if (run.len > BATCH - f->n)
		flush(h, f);
	if (run.len >= BATCH) {
		hash(h, f->how, run);
		return;
	}
	memcpy(f->batch + f->n, run.at, run.len);
	f->n += run.len;
}

/* Something follows: what was held back counts. */
static void
release(struct body_hashes *h, struct form *f)
{
	for (; f->crlfs > 0; f->crlfs--)
		add(h, f, STR("\r\n"));
	if (f->blank)
		add(h, f, STR(" "));
	f->blank = false;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Eight octets at once. */
#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

static uint64_t
load(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	return eight;
}

/* 0x80 for each octet that is this one, 0 for the others. */
static uint64_t
find_each(uint64_t eight, char octet)
{
	uint64_t v = eight ^ EACH((uint64_t)octet);

	return ~(((v & EACH(0x7f)) + EACH(0x7f)) | v | EACH(0x7f));
}

/* Is a line as relaxed has it: words with single spaces between?  Most lines
 * are, so that the way here is short. */
static bool
is_plain_line(struct str line)
{
	uint64_t found = 0;
	size_t i = 0;

	if (line.len == 0 || is_white(line.at[0]) ||
	    is_white(line.at[line.len - 1]))
		return false;
	for (; i + 8 < line.len; i += 8) {
		uint64_t here = load(line.at + i), next = load(line.at + i + 1);

		found |= find_each(here, '\t') |
		         (find_each(here, ' ') & find_each(next, ' '));
	}
	for (; i + 1 < line.len; i++)
		found |= line.at[i] == '\t' ||
		         (line.at[i] == ' ' && line.at[i + 1] == ' ');
	return found == 0;
}

/* How many octets from the front stand for themselves: in relaxed, single
 * spaces between words too, so that a run is a line and not a word.  A line is
 * looked at as a whole when it begins only: one full of blanks is not to cost
 * its square. */
static size_t
plain_run(enum canon how, struct str s, bool begins)
{
	size_t n = 0;

	if (how == CANON_SIMPLE)
		return str_find(s, '\r', &n) ? n : s.len;
	if (begins) {
		struct str line = str_find(s, '\r', &n) ? str_first(s, n) : s;

		if (is_plain_line(line))
			return line.len;
	}
	for (n = 0; n < s.len; n++) {
		if (!is_white(s.at[n]))
			continue;
		if (s.at[n] != ' ' || n == 0 || n + 1 == s.len ||
		    is_white(s.at[n + 1]))
			break;
	}
	return n;
}

static void
feed(struct body_hashes *h, struct form *f, struct str s)
{
	bool begins = true; /* a line, or at least this piece */

	while (s.len > 0) {
		size_t n = 1;

		if (f->cr && s.at[0] == '\n') {
			f->crlfs++;
			f->cr = f->blank = false;
			begins = true;
		} else if (f->cr) {
			release(h, f);
			add(h, f, STR("\r"));
			f->cr = false;
			continue;
		} else if (s.at[0] == '\r')
			f->cr = true;
		else if ((n = plain_run(f->how, s, begins)) > 0) {
			release(h, f);
			add(h, f, str_first(s, n));
			begins = false;
		} else {
			begins = false;
			f->blank = true;
			n = 1;
		}
		s = str_after(s, n);
	}
}

void
body_hashes_feed(struct body_hashes *h, struct str piece)
{
	assert(!h->ended);
	h->fed = true;
	for (size_t i = 0; i < FORMS; i++)
		if (h->forms[i] != NULL)
			feed(h, h->forms[i], piece);
}

/* RFC 6376 s3.4.3, s3.4.4: one line end, whatever many there were, or none;
 * a body of nothing is a line end in simple, nothing in relaxed. */
static void
end(struct body_hashes *h, struct form *f)
{
	if (f->cr) {
		release(h, f);
		add(h, f, STR("\r"));
	}
	if (f->length > 0 || f->how == CANON_SIMPLE)
		add(h, f, STR("\r\n"));
	flush(h, f);
}

void
body_hashes_end(struct body_hashes *h)
{
	assert(!h->ended);
	h->ended = true;
	for (size_t i = 0; i < FORMS; i++)
		if (h->forms[i] != NULL)
			end(h, h->forms[i]);
	for (size_t i = 0; i < h->n; i++)
		EVP_DigestFinal_ex(
		    h->wishes[i].sha256, h->wishes[i].hash, NULL);
}

const uint8_t *
body_hashes_get(const struct body_hashes *h, size_t place)
{
	assert(h->ended && place < h->n);
	return h->wishes[place].hash;
}

uint64_t
body_hashes_length(const struct body_hashes *h, size_t place)
{
	assert(h->ended && place < h->n);
	return h->forms[h->wishes[place].how]->length;
}
