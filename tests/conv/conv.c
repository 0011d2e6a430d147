/* SPDX-License-Identifier: MIT */
#include "tests/conv/conv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/mem.h"

#define FILE_MAX      (16 * MB)
#define FLIGHT_MAX    (64 * MB)
#define EVERY_SIZE_TO (8 * KB) /* flights up to this are cut at every size */

enum kind {
	SAY,
	EXPECT,
	TLS,
	END_INPUT,
	CLOSE,
	DO
};

/* `...' in an expected line, among the bytes it is made of. */
#define ANYTHING 256

struct item {
	enum kind kind;
	size_t line;       /* in the file */
	struct buf bytes;  /* SAY: the flight; DO: the words */
	uint16_t *pattern; /* EXPECT: bytes and ANYTHING */
	size_t n;
};

struct conversation {
	const char *file; /* borrowed */
	struct buf options;
	struct item *items;
	size_t n;
	size_t longest; /* flight */
};

static void
conversation_release(struct conversation *c)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_release(&c->items[i].bytes);
		free(c->items[i].pattern);
	}
	free(c->items);
	buf_release(&c->options);
}

static bool
complain(const struct conversation *c, size_t line, const char *what)
{
	fprintf(stderr, "%s:%zu: %s\n", c->file, line, what);
	return false;
}

static bool
hex(char c, unsigned *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, str_lower(c)) : NULL;

	if (at == NULL)
		return false;
	*out = (unsigned)(at - digits);
	return true;
}

/* One byte, escaped or not, from the front of *s.  False if the escape is
 * none, or s ends within it. */
static bool
take_byte(struct str *s, char *out)
{
	static const char names[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
	const char *at;
	unsigned high, low;

	if (!str_take(s, '\\')) {
		*out = *s->at;
		*s = str_after(*s, 1);
		return true;
	}
	if (s->len >= 3 && s->at[0] == 'x' && hex(s->at[1], &high) &&
	    hex(s->at[2], &low)) {
		*out = (char)(high << 4 | low);
		*s = str_after(*s, 3);
		return true;
	}
	if (s->len == 0 || (at = strchr(names, s->at[0])) == NULL)
		return false;
	*out = bytes[at - names];
	*s = str_after(*s, 1);
	return true;
}

/* {text*N} at the front of *s: what to repeat and how often. */
static bool
take_repetition(struct str *s, struct str *text, size_t *n)
{
	struct str in = *s, count;
	size_t end, star;

	if (!str_take(&in, '{') || !str_find(in, '}', &end))
		return false;
	*text = str_first(in, end);
	if (!str_find_last(*text, '*', &star))
		return false;
	count = str_after(*text, star + 1);
	*text = str_first(*text, star);
	if (!str_to_size(count, FLIGHT_MAX, n) || text->len == 0)
		return false;
	*s = str_after(in, end + 1);
	return true;
}

static bool
add_unescaped(struct buf *out, struct str text)
{
	char c;

	while (text.len > 0) {
		if (!take_byte(&text, &c))
			return false;
		buf_add_char(out, c);
	}
	return true;
}

/* Append what a `says' line stands for. */
static bool
add_said(struct buf *out, struct str text)
{
	struct str again;
	size_t n;
	char c;

	while (text.len > 0) {
		if (str_eq(text, STR("\\")))
			return true; /* no CRLF */
		if (take_repetition(&text, &again, &n)) {
			for (; n > 0 && !out->overrun; n--)
				if (!add_unescaped(out, again))
					return false;
		} else if (take_byte(&text, &c)) {
			buf_add_char(out, c);
		} else {
			return false;
		}
	}
	buf_add(out, STR("\r\n"));
	return true;
}

static bool
add_expected(struct item *item, struct str text)
{
	struct buf same;
	bool ok = true;

	buf_init(&same, FLIGHT_MAX);
	while (ok && text.len > 0) {
		struct str again = text;
		size_t n = 1;

		if (str_starts(text, STR("..."))) {
			text = str_after(text, 3);
			item->pattern = mem_grow(
			    item->pattern, item->n + 1, sizeof(uint16_t));
			item->pattern[item->n++] = ANYTHING;
			continue;
		}
		buf_clear(&same);
		if (take_repetition(&text, &again, &n)) {
			while (ok && n-- > 0)
				ok = add_unescaped(&same, again);
		} else {
			char c = '\0';

			ok = take_byte(&text, &c);
			buf_add_char(&same, c);
		}
		item->pattern = mem_grow(
		    item->pattern, item->n + same.len + 1, sizeof(uint16_t));
		for (size_t i = 0; i < same.len; i++)
			item->pattern[item->n++] = (unsigned char)same.data[i];
	}
	buf_release(&same);
	return ok;
}

static struct item *
add_item(struct conversation *c, enum kind kind, size_t line)
{
	c->items = mem_grow(c->items, c->n + 1, sizeof(*c->items));
	c->items[c->n] = (struct item){.kind = kind, .line = line};
	buf_init(&c->items[c->n].bytes, FLIGHT_MAX);
	return &c->items[c->n++];
}

static bool
add_line(struct conversation *c, struct str text, size_t line, bool client)
{
	struct str says = client ? STR("S:") : STR("C:");
	struct str hears = client ? STR("C:") : STR("S:");
	struct item *item;

	if (str_trim(text).len == 0 || text.at[0] == '#')
		return true;
	if (str_take(&text, '@')) {
		buf_add(&c->options, str_trim(text));
		buf_add_char(&c->options, '\n');
		return c->n == 0 ||
		       complain(c, line, "options come before everything else");
	}
	if (str_starts(text, says)) {
		text = str_after(text, 2);
		str_take(&text, ' ');
		item = c->n > 0 && c->items[c->n - 1].kind == SAY
		           ? &c->items[c->n - 1]
		           : add_item(c, SAY, line);
		if (!add_said(&item->bytes, text) || item->bytes.overrun)
			return complain(c, line, "bad escape or too long");
		if (item->bytes.len > c->longest)
			c->longest = item->bytes.len;
		return true;
	}
	if (str_starts(text, hears)) {
		text = str_after(text, 2);
		str_take(&text, ' ');
		return add_expected(add_item(c, EXPECT, line), text) ||
		       complain(c, line, "bad escape");
	}
	text = str_trim(text);
	if (str_eq(text, STR("tls")))
		add_item(c, TLS, line);
	else if (str_eq(text, STR("eof")))
		add_item(c, END_INPUT, line);
	else if (str_eq(text, STR("close")))
		add_item(c, CLOSE, line);
	else if (str_starts(text, STR("do ")))
		buf_add(&add_item(c, DO, line)->bytes, str_after(text, 3));
	else
		return complain(c, line, "not understood (tests/conv/conv.h)");
	return true;
}

static bool
read_file(const char *file, struct buf *out)
{
	FILE *f = fopen(file, "rb");
	char *room;
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		return false;
	}
	while ((room = buf_reserve(out, 4 * KB)) != NULL &&
	       (n = fread(room, 1, 4 * KB, f)) > 0)
		buf_added(out, n);
	fclose(f);
	return !out->overrun;
}

static bool
conversation_read(struct conversation *c, const char *file, bool client)
{
	struct buf text;
	struct str rest;
	bool ok;

	*c = (struct conversation){.file = file};
	buf_init(&c->options, 4 * KB);
	buf_init(&text, FILE_MAX);
	ok = read_file(file, &text);
	rest = buf_str(&text);
	for (size_t line = 1; ok && rest.len > 0; line++)
		ok = add_line(c, str_cut(&rest, '\n'), line, client);
	buf_release(&text);
	if (ok && c->n == 0)
		ok = complain(c, 1, "nothing is said");
	return ok;
}

/* Does the line match?  Backtracks to the last ANYTHING only, which suffices.
 */
static bool
matches(const struct item *item, struct str line)
{
	size_t p = 0, i = 0, star = SIZE_MAX, resume = 0;

	while (i < line.len) {
		if (p < item->n && item->pattern[p] == ANYTHING) {
			star = p++;
			resume = i;
		} else if (p < item->n &&
			   item->pattern[p] == (unsigned char)line.at[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++resume;
		} else {
			return false;
		}
	}
	while (p < item->n && item->pattern[p] == ANYTHING)
		p++;
	return p == item->n;
}

/* Bytes for a person to read. */
static void
show(struct str s)
{
	bool cut = s.len > 300;

	s = str_first(s, 300);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '\r' || c == '\n')
			fprintf(stderr, c == '\r' ? "\\r" : "\\n");
		else if (c < ' ' || c > '~')
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
	fprintf(stderr, "%s\n", cut ? " (and more)" : "");
}

/* One playing of a conversation. */
struct play {
	const struct conversation *c;
	const struct conv_peer *peer;
	void *p;
	size_t chunk;
};

static bool
differs(const struct play *play, size_t line, const char *what)
{
	struct str out = play->peer->output(play->p);

	fprintf(stderr,
	    "%s:%zu: %s (fed in pieces of %zu); output there: ", play->c->file,
	    line, what, play->chunk);
	show(out);
	return false;
}

static bool
expect(const struct play *play, const struct item *item)
{
	struct str out = play->peer->output(play->p);
	size_t at;

	if (!str_find_str(out, STR("\r\n"), &at))
		return differs(play, item->line, "no such line was said");
	if (!matches(item, str_first(out, at)))
		return differs(play, item->line, "another line was said");
	play->peer->drop(play->p, at + 2);
	return true;
}

static bool
say(const struct play *play, const struct item *item)
{
	struct str rest = buf_str(&item->bytes);

	if (play->peer->closed(play->p))
		return differs(play, item->line, "closed before this");
	while (rest.len > 0 && !play->peer->closed(play->p)) {
		struct str piece = str_first(rest, play->chunk);
		/* A copy of its own size, so that the sanitizer sees any
		 * read past it. */
		char *copy = mem_new(piece.len, 1);

		memcpy(copy, piece.at, piece.len);
		play->peer->feed(play->p, (struct str){copy, piece.len});
		free(copy);
		rest = str_after(rest, piece.len);
	}
	return true;
}

static bool
play_item(const struct play *play, const struct item *item)
{
	if (item->kind != EXPECT && play->peer->output(play->p).len > 0)
		return differs(play, item->line, "more was said before this");
	switch (item->kind) {
	case EXPECT:
		return expect(play, item);
	case SAY:
		return say(play, item);
	case TLS:
		play->peer->tls(play->p);
		return true;
	case END_INPUT:
		play->peer->eof(play->p);
		return true;
	case CLOSE:
		return play->peer->closed(play->p) ||
		       differs(play, item->line, "not closed");
	case DO:
		return (play->peer->act != NULL &&
			   play->peer->act(play->p, buf_str(&item->bytes))) ||
		       differs(play, item->line, "nobody knows how to do this");
	}
	return false;
}

static bool
play_once(
    const struct conversation *c, const struct conv_peer *peer, size_t chunk)
{
	const struct item *last = &c->items[c->n - 1];
	struct play play = {c, peer, peer->open(buf_str(&c->options)), chunk};
	bool ok = true;

	for (size_t i = 0; ok && i < c->n; i++)
		ok = play_item(&play, &c->items[i]);
	if (ok && peer->output(play.p).len > 0)
		ok = differs(&play, last->line, "more was said after this");
	if (ok && last->kind != CLOSE && peer->closed(play.p))
		ok = differs(&play, last->line, "closed after this");
	peer->free(play.p);
	return ok;
}

static bool
play_some(const struct conversation *c, const struct conv_peer *peer)
{
	for (size_t i = 0; peer->sizes[i] != 0; i++)
		if (peer->sizes[i] < c->longest &&
		    !play_once(c, peer, peer->sizes[i]))
			return false;
	return play_once(c, peer, c->longest > 0 ? c->longest : 1);
}

static bool
play_all(const struct conversation *c, const struct conv_peer *peer)
{
	static const size_t sizes[] = {1, 2, 3, 5, 7, 13, 64, 100, 255, 256,
	    257, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2048, 2049, 4095,
	    4096, 4097, 8191, 8192, 8193, 16383, 16384, 16385, 65535, 65536,
	    65537, 262144, 1048576};

	if (peer->sizes != NULL)
		return play_some(c, peer);
	if (c->longest <= EVERY_SIZE_TO) {
		for (size_t chunk = c->longest; chunk > 0; chunk--)
			if (!play_once(c, peer, chunk))
				return false;
		return c->longest > 0 || play_once(c, peer, 1);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] < c->longest && !play_once(c, peer, sizes[i]))
			return false;
	return play_once(c, peer, c->longest - 1) &&
	       play_once(c, peer, c->longest);
}

static int
is_conversation(const struct dirent *entry)
{
	return str_ends_nocase(str_of(entry->d_name), STR(".conv"));
}

int
conv_run_dir(const char *dir, const struct conv_peer *peer)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_conversation, alphasort);
	int failed = 0, left_out = 0;

	if (n <= 0) {
		fprintf(stderr, "%s: no conversations there\n", dir);
		free(names);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		struct conversation c;
		struct buf path;

		if (peer->begins != NULL &&
		    !str_starts(
			str_of(names[i]->d_name), str_of(peer->begins))) {
			free(names[i]);
			left_out++;
			continue;
		}
		buf_init(&path, 4 * KB);
		buf_addf(&path, "%s/%s", dir, names[i]->d_name);
		if (!conversation_read(&c, path.data, peer->client) ||
		    !play_all(&c, peer))
			failed++;
		conversation_release(&c);
		buf_release(&path);
		free(names[i]);
	}
	free(names);
	n -= left_out;
	fprintf(stderr, "%s: %d of %d conversations as written\n", dir,
	    n - failed, n);
	return n > 0 ? failed : 1;
}
