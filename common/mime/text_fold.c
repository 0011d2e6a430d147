/* SPDX-License-Identifier: MIT */
#include <utf8proc.h>

#include "common/mime/text.h"
#include "common/util/utf8.h"

#define DECOMPOSED_MAX 32 /* U+FDFA becomes 18, the most there are */
#define REPLACEMENT    0xfffd

/* RFC 5051 s2: the titlecase of a character, then its decomposition; that of a
 * Hangul syllable too, so that both ways to write it are equal. */
static void
fold_one(uint32_t code, struct buf *out)
{
	utf8proc_int32_t codes[DECOMPOSED_MAX];
	utf8proc_uint8_t octets[DECOMPOSED_MAX * 4];
	size_t len = 0;
	int boundary = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char(
	    utf8proc_totitle((utf8proc_int32_t)code), codes, DECOMPOSED_MAX,
	    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);

	if (n < 0 || n > DECOMPOSED_MAX) {
		codes[0] = REPLACEMENT;
		n = 1;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++)
		len += (size_t)utf8proc_encode_char(codes[i], octets + len);
	buf_add(out, (struct str){(const char *)octets, len});
}

/* NUL would end the text for the index of store/search.h. */
static bool
is_ascii(char c)
{
	return (unsigned char)c < 0x80 && c != '\0';
}

/* The ASCII at the front of s, in capitals, as far as there is room. */
static struct str
fold_ascii(struct str s, struct buf *out)
{
	size_t n = 0, room = out->limit - out->len;
	char *at;

	while (n < s.len && is_ascii(s.at[n]))
		n++;
	out->overrun |= n > room;
	n = n < room ? n : room;
	at = buf_reserve(out, n);
	for (size_t i = 0; i < n; i++) {
		char c = s.at[i];

		at[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	buf_added(out, n);
	return str_after(s, n);
}

void
text_fold(struct str utf8, struct buf *out)
{
	uint32_t code;

	while (utf8.len > 0 && !out->overrun) {
		if (is_ascii(*utf8.at)) {
			utf8 = fold_ascii(utf8, out);
			continue;
		}
		if (*utf8.at == '\0' || !utf8_take(&utf8, &code)) {
			code = REPLACEMENT;
			utf8 = str_after(utf8, 1);
		}
		fold_one(code, out);
	}
}
