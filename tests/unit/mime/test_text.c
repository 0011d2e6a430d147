/* SPDX-License-Identifier: MIT */
/* What a search looks at: folding, base subjects, the text of messages fed in
 * pieces of every size, and parts that lie. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/mime/parts.h"
#include "common/mime/structure.h"
#include "common/mime/text.h"
#include "common/util/utf8.h"
#include "tests/test.h"

#define SAME "\xef\xbf\xbd" /* U+FFFD */

static const struct {
	const char *given, *want;
} folds[] = {
    {"",			 ""				    },
    {"Hello, World 09 ~",        "HELLO, WORLD 09 ~"                   },
    {"\xc3\xa9",		 "E\xcc\x81"                           }, /* e with acute */
    {"e\xcc\x81",                "E\xcc\x81"                           }, /* the same in two */
    {"\xc3\x9f",		 "\xe1\xba\x9e"                        }, /* sharp s: as its capital */
    {"\xc7\x84",		 "Dz\xcc\x8c"                          }, /* RFC 5051 s2: U+01C4, D z caron */
    {"\xef\xbc\xa1",             "A"				   }, /* a wide A */
    {"\xef\xac\x83",             "ffi"				 }, /* a ligature */
    {"\xd0\xb6\xce\xb1",         "\xd0\x96\xce\x91"                    },
    {"\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97"            },
    {"\xf0\x9f\x98\x80",         "\xf0\x9f\x98\x80"                    },
    {"\xea\xb0\x81",             "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"}, /* Hangul */
    {"a\xff"
     "b",		   "A" SAME "B"			  },
    {"a\xc3",		    "A" SAME			      },
    {"\xed\xa0\x80",             SAME SAME SAME                        }, /* a surrogate */
};

static void
fold_is(struct str given, struct str want)
{
	struct buf out;

	buf_init(&out, 10 * KB);
	text_fold(given, &out);
	if (!str_eq(buf_str(&out), want)) {
		fprintf(stderr, "%.*s: got \"%.*s\", want \"%.*s\"\n",
		    STR_FMT(given), STR_FMT(buf_str(&out)), STR_FMT(want));
		test_failures++;
	}
	buf_release(&out);
}

static void
folding(void)
{
	struct buf b;

	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++)
		fold_is(str_of(folds[i].given), str_of(folds[i].want));
	fold_is(STR("a\0b"), STR("A" SAME "B"));
	/* all of Unicode: it is UTF-8, and no NUL is in it */
	buf_init(&b, 1 * KB);
	for (uint32_t code = 0; code < 0x110000; code++) {
		char utf8[4];
		struct str s = {utf8, 0};
		uint32_t c = code;

		if (code < 0x80) {
			s.len = 1;
			utf8[0] = (char)code;
		} else {
			size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

			s.len = n;
			for (size_t i = n; i-- > 1; c >>= 6)
				utf8[i] = (char)(0x80 | (c & 0x3f));
			utf8[0] = (char)(0xf00 >> n | c);
		}
		buf_clear(&b);
		text_fold(s, &b);
		if (b.len == 0 || b.overrun || !utf8_valid(buf_str(&b)) ||
		    strlen(b.data) != b.len) {
			fprintf(stderr, "fold U+%04X\n", (unsigned)code);
			test_failures++;
		}
	}
	buf_release(&b);
}

/* A limit cuts, and never within a character of the original. */
static void
folding_into_little(void)
{
	for (size_t limit = 1; limit < 12; limit++) {
		struct buf out;

		buf_init(&out, limit);
		text_fold(STR("ab\xc3\xa9"
			      "cd\xf0\x9f\x98\x80"),
		    &out);
		CHECK(out.overrun == (limit < 11));
		CHECK(str_starts(STR("ABE\xcc\x81"
				     "CD\xf0\x9f\x98\x80"),
		    buf_str(&out)));
		CHECK(out.len == (limit < 2       ? limit
				     : limit < 5  ? 2
				     : limit < 7  ? limit
				     : limit < 11 ? 7
						  : 11));
		CHECK(out.len == 0 || utf8_valid(buf_str(&out)));
		buf_release(&out);
	}
}

static const struct {
	const char *subject, *base;
	bool reply;
} subjects[] = {
  /* RFC 5256 s2.1, base in capitals */
    {"",			      "",		  false},
    {"hello",			 "HELLO",             false},
    {"  a \t b\r\n c  ",              "A B C",             false},
    {"Re: hello",		     "HELLO",             true },
    {"RE:hello",		      "HELLO",             true },
    {"fw: hello",		     "HELLO",             true },
    {"Fwd: hello",		    "HELLO",             true },
    {"re : hello",		    "HELLO",             true },
    {"re[2]: hello",                  "HELLO",             true },
    {"re [2] : hello",                "HELLO",             true },
    {"re [2]  [3]: hello",            "RE [2] [3]: HELLO", false},
    {"Re: Re: FWD: hello",            "HELLO",             true },
    {"[list] hello",                  "HELLO",             false},
    {"[list] Re: hello",              "HELLO",             true },
    {"Re: [list] hello",              "HELLO",             true },
    {"Re: [list] Re: [other] hello",  "HELLO",             true },
    {"[a][b] [c]re: hello",           "HELLO",             true },
    {"[a][b] hello",                  "HELLO",             false},
    {"[list]",			"[LIST]",            false},
    {"[a] [list]",		    "[LIST]",            false},
    {"Re: [list]",		    "[LIST]",            true },
    {"hello (fwd)",                   "HELLO",             true },
    {"hello (fwd) (FWD)  ",           "HELLO",             true },
    {"hello(fwd)",		    "HELLO",             true },
    {"[fwd: hello]",                  "HELLO",             true },
    {"[FWD: re: [list] hello (fwd)]", "HELLO",             true },
    {"[fwd: [fwd: hello]]",           "HELLO",             true },
    {"[list] [fwd: hello]",           "HELLO",             true },
    {"[fwd: hello",                   "[FWD: HELLO",       false},
    {"[fwd: hello] there",            "THERE",             false},
    {"[fwd:]",			"",                  true },
    {"Re:",			   "",		  true },
    {"(fwd)",			 "",		  true },
    {"[a[b]c] d",		     "[A[B]C] D",         false},
    {"[a",			    "[A",                false},
    {"[] x",			  "X",                 false},
    {"reply: x",		      "REPLY: X",          false},
    {"fwdx: y",		       "FWDX: Y",           false},
    {"Aw: x",			 "AW: X",             false},
    {"re",			    "RE",                false},
    {"re: \xc3\xa9",                  "E\xcc\x81",         true },
};

static void
base_subjects(void)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct buf out;
		bool reply;

		buf_init(&out, 1 * KB);
		text_base_subject(str_of(subjects[i].subject), &out, &reply);
		CHECK_STR(out.data != NULL ? out.data : "", subjects[i].base);
		if (reply != subjects[i].reply) {
			fprintf(stderr, "\"%s\": reply %d\n",
			    subjects[i].subject, reply);
			test_failures++;
		}
		buf_release(&out);
	}
}

/* A megabyte of each: work that grew with the square would run into the time
 * limit of the test. */
static void
base_subjects_of_the_malicious(void)
{
	static const char *const units[] = {"[a]", "[fwd:", "re:", "(fwd)",
	    "[a] re: ", "[", "re[", "re [x] ", " ", "]", "[fwd: [a] "};
	enum {
		OCTETS = 1 << 20
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		for (int closed = 0; closed < 2; closed++) {
			struct buf in, out;
			bool reply;
			size_t n = 0;

			buf_init(&in, 3 * OCTETS);
			buf_init(&out, 3 * OCTETS);
			while (in.len < OCTETS) {
				buf_add(&in, str_of(units[i]));
				n++;
			}
			for (; closed && n > 0; n--)
				buf_add_char(&in, ']');
			text_base_subject(buf_str(&in), &out, &reply);
			CHECK(out.len <= in.len && !out.overrun);
			buf_release(&in);
			buf_release(&out);
		}
}

#define MULTIPART                                                              \
	"Subject: =?utf-8?q?Caf=C3=A9?= au\r\n lait\r\n"                       \
	"Content-Type: multipart/mixed; boundary=b\r\n"                        \
	"\r\n"                                                                 \
	"preamble\r\n"                                                         \
	"--b\r\n"                                                              \
	"Content-Type: text/plain; charset=iso-8859-1\r\n"                     \
	"Content-Transfer-Encoding: quoted-printable\r\n"                      \
	"\r\n"                                                                 \
	"na=EFve =\r\nsoft\r\nline\r\n"                                        \
	"--b\r\n"                                                              \
	"Content-Type: text/html; charset=utf-8\r\n"                           \
	"Content-Transfer-Encoding: base64\r\n"                                \
	"\r\n"                                                                 \
	"PHA+b25lPC9wPjxiPnR3bzwvYj4=\r\n"                                     \
	"--b\r\n"                                                              \
	"Content-Type: application/octet-stream; name=x.bin\r\n"               \
	"\r\n"                                                                 \
	"hidden\r\n"                                                           \
	"--b\r\n"                                                              \
	"Content-Type: message/rfc822\r\n"                                     \
	"\r\n"                                                                 \
	"Subject: inner\r\n"                                                   \
	"\r\n"                                                                 \
	"inside\r\n"                                                           \
	"--b--\r\n"                                                            \
	"epilogue\r\n"

#define MULTIPART_HEAD                                                         \
	"SUBJECT: CAFE\xcc\x81 AU LAIT\n"                                      \
	"CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=B\n\n"                        \
	"CONTENT-TYPE: TEXT/PLAIN; CHARSET=ISO-8859-1\n"                       \
	"CONTENT-TRANSFER-ENCODING: QUOTED-PRINTABLE\n"                        \
	"CONTENT-TYPE: TEXT/HTML; CHARSET=UTF-8\n"                             \
	"CONTENT-TRANSFER-ENCODING: BASE64\n"                                  \
	"CONTENT-TYPE: APPLICATION/OCTET-STREAM; NAME=X.BIN\n"                 \
	"CONTENT-TYPE: MESSAGE/RFC822\n"                                       \
	"SUBJECT: INNER\n"

#define MULTIPART_TEXT                                                         \
	"NAI\xcc\x88VE SOFT\nLINE\n"                                           \
	"ONE\nTWO\n"                                                           \
	"INSIDE\n"

static const struct {
	const char *message, *head, *text;
} messages[] = {
    {MULTIPART,							MULTIPART_HEAD,						    MULTIPART_TEXT     },
    {"Subject: x\r\n\r\nplain\r\ntext\r\n",                            "SUBJECT: X\n\n",
     "PLAIN\nTEXT\n\n"																       },
    {"Subject: x\n\nbare\nlines",				      "SUBJECT: X\n\n",                                                  "BARE\nLINES\n"    },
    {"Subject: only a header\r\n",				     "SUBJECT: ONLY A HEADER\n\n",                                      "\n"               },
    {"",							       "\n",							      "\n"               },
    {"Content-Type: text/plain; charset=utf-16be\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nAGEA4Q==\r\n",     "CONTENT-TYPE: TEXT/PLAIN; CHARSET=UTF-16BE\n"
	"CONTENT-TRANSFER-ENCODING: BASE64\n\n",			"AA\xcc\x81\n"     },
    {"Content-Type: text/plain\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\n",	 "CONTENT-TYPE: TEXT/PLAIN\nCONTENT-TRANSFER-ENCODING: BASE64\n\n",
     "A" SAME "B\n"																	  },
    {"Content-Type: text/plain; charset=no-such\r\n\r\na\xe9",
     "CONTENT-TYPE: TEXT/PLAIN; CHARSET=NO-SUCH\n\n",										     "A" SAME "\n"      },
    {"X\xe9Y: v\r\n\r\n",					      "X?Y: V\n\n",						      "\n"               },
    {"no field\r\n Subject: y\r\nSubject: x\r\nnone either\r\n\r\n",
     "NO FIELD\n SUBJECT: Y\nSUBJECT: X\nNONE EITHER\n\n",										"\n"               },
    {"Content-Type: message/delivery-status\r\n\r\nStatus: 4.2.2\r\n",
     "CONTENT-TYPE: MESSAGE/DELIVERY-STATUS\n\n",											 "STATUS: 4.2.2\n\n"},
    {"Content-Type: image/png\r\n\r\nnot text",                        "CONTENT-TYPE: IMAGE/PNG\n\n",
     ""																		      },
};

/* Read it with these parts, in pieces. */
static void
read_in(struct str message, struct str parts, size_t piece, struct buf *head,
    struct buf *text)
{
	struct text_reader *r = text_reader_new(parts);

	while (
	    message.len > 0 && text_reader_feed(r, str_first(message, piece)))
		message = str_after(message, piece);
	text_reader_finish(r, head, text);
	text_reader_free(r);
}

static void
find_parts(struct str message, struct buf *parts)
{
	struct structure *s = structure_new();

	structure_feed(s, message);
	buf_clear(parts);
	buf_add(parts, structure_finish(s)->parts);
	structure_free(s);
}

static void
texts_of_messages(void)
{
	struct buf parts, head, text;

	buf_init(&parts, 1 * MB);
	buf_init(&head, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct str m = str_of(messages[i].message);

		find_parts(m, &parts);
		for (size_t piece = 1; piece <= m.len + 1; piece++) {
			buf_clear(&head);
			buf_clear(&text);
			buf_add_char(&head, ' '); /* it is appended */
			buf_add_char(&text, ' ');
			read_in(m, buf_str(&parts), piece, &head, &text);
			CHECK_STR(head.data + 1, messages[i].head);
			CHECK_STR(text.data + 1, messages[i].text);
			if (test_failures > 0)
				return;
		}
	}
	buf_release(&parts);
	buf_release(&head);
	buf_release(&text);
}

/* Of a text that is too long the beginning is taken, and where no room is left
 * nothing of those behind it. */
static void
text_that_is_too_long(const char *line, bool room)
{
	struct buf message, parts, head, text;
	size_t at;

	buf_init(&message, TEXT_MAX + MB);
	buf_init(&parts, 1 * MB);
	buf_init(&head, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	buf_add(&message, STR("Content-Type: multipart/mixed; boundary=b\r\n"
			      "\r\n--b\r\n\r\nbegin\r\n"));
	while (message.len < TEXT_MAX + 100 * KB)
		buf_add(&message, str_of(line));
	buf_add(&message, STR("\r\n--b\r\n\r\nbehind\r\n--b--\r\n"));
	find_parts(buf_str(&message), &parts);
	read_in(buf_str(&message), buf_str(&parts), 100 * KB, &head, &text);
	CHECK(text.len <= TEXT_MAX && text.len > TEXT_MAX - TEXT_MAX / 8);
	CHECK(str_starts(buf_str(&text), STR("BEGIN\nA LINE OF TEXT")));
	CHECK(str_find_str(buf_str(&text), STR("BEHIND"), &at) == room);
	buf_release(&message);
	buf_release(&parts);
	buf_release(&head);
	buf_release(&text);
}

/* Its end is missing, or the parts are of another message, or noise. */
static void
messages_that_do_not_fit_their_parts(void)
{
	struct str m = STR(MULTIPART);
	struct buf parts, damaged, head, text;
	uint64_t seed = 7;

	buf_init(&parts, 1 * MB);
	buf_init(&damaged, 1 * MB);
	buf_init(&head, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	find_parts(m, &parts);
	for (size_t n = 0; n < m.len; n++) {
		buf_clear(&head);
		buf_clear(&text);
		read_in(str_first(m, n), buf_str(&parts), 50, &head, &text);
		CHECK(n < 120 || str_starts(buf_str(&head),
				     STR("SUBJECT: CAFE\xcc\x81 AU LAIT\n")));
		CHECK(utf8_valid(buf_str(&text)));
	}
	for (int round = 0; round < 20000; round++) {
		buf_clear(&damaged);
		buf_add(&damaged, buf_str(&parts));
		for (int k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005ULL +
			       1442695040888963407ULL;
			damaged.data[(seed >> 33) % damaged.len] =
			    (char)(seed >> 24);
		}
		buf_clear(&head);
		buf_clear(&text);
		read_in(m, buf_str(&damaged), 1000, &head, &text);
		CHECK(head.len == 0 || utf8_valid(buf_str(&head)));
		CHECK(text.len == 0 || utf8_valid(buf_str(&text)));
	}
	buf_release(&parts);
	buf_release(&damaged);
	buf_release(&head);
	buf_release(&text);
}

/* More text than is looked at: what is made stays within its limit, and is the
 * same however it came. */
static void
more_than_the_limit(void)
{
	struct buf message, parts, head, text, again;

	buf_init(&message, 3 * TEXT_MAX);
	buf_init(&parts, 1 * MB);
	buf_init(&head, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	buf_add(&message, STR("Content-Type: multipart/mixed; boundary=b\r\n"));
	while (message.len < STRUCTURE_HEADER_MAX + 10 * KB)
		buf_add(&message, STR("X-Much: more and more of it\r\n"));
	for (int part = 0; part < 2; part++) {
		buf_add(&message, STR("\r\n--b\r\n\r\n"));
		for (size_t n = 0; n < TEXT_MAX / 8 * 5; n += 20)
			buf_add(&message, STR("\xc3\xa9 0123456 0123456\r\n"));
	}
	buf_add(&message, STR("\r\n--b--\r\n"));
	CHECK(!message.overrun);
	find_parts(buf_str(&message), &parts);
	read_in(buf_str(&message), buf_str(&parts), 64 * KB, &head, &text);
	CHECK(text.len > TEXT_MAX - 10 && text.len <= TEXT_MAX);
	CHECK(utf8_valid(buf_str(&text)));
	CHECK(head.len > 200 * KB && head.len < STRUCTURE_HEADER_MAX + 10 * KB);
	buf_clear(&head);
	read_in(buf_str(&message), buf_str(&parts), message.len, &head, &again);
	CHECK(str_eq(buf_str(&text), buf_str(&again)));
	buf_release(&message);
	buf_release(&parts);
	buf_release(&head);
	buf_release(&text);
	buf_release(&again);
}

static size_t corpus_files;

/* Whole and in pieces of seven it is the same text, and UTF-8. */
static int
read_file(const char *path, const struct stat *st, int type, struct FTW *w)
{
	struct buf message, parts, head[2], text[2];
	FILE *file;
	size_t n;

	(void)w;
	if (type != FTW_F || st->st_size > (off_t)(1 * MB))
		return 0;
	file = fopen(path, "rb");
	if (file == NULL)
		return 0;
	corpus_files++;
	buf_init(&message, 2 * MB);
	buf_init(&parts, 2 * MB);
	for (int i = 0; i < 2; i++) {
		buf_init(&head[i], TEXT_MAX);
		buf_init(&text[i], TEXT_MAX);
	}
	n = fread(buf_reserve(&message, 1 * MB), 1, 1 * MB, file);
	buf_added(&message, n);
	fclose(file);
	find_parts(buf_str(&message), &parts);
	read_in(buf_str(&message), buf_str(&parts), n + 1, &head[0], &text[0]);
	read_in(buf_str(&message), buf_str(&parts), 7, &head[1], &text[1]);
	if (!str_eq(buf_str(&head[0]), buf_str(&head[1])) ||
	    !str_eq(buf_str(&text[0]), buf_str(&text[1])) ||
	    !utf8_valid(buf_str(&head[0])) || !utf8_valid(buf_str(&text[0]))) {
		fprintf(stderr, "%s: the text differs\n", path);
		test_failures++;
	}
	buf_release(&message);
	buf_release(&parts);
	for (int i = 0; i < 2; i++) {
		buf_release(&head[i]);
		buf_release(&text[i]);
	}
	return 0;
}

static void
corpus(void)
{
	const char *dir = getenv("PENNYPOST_CORPUS");
	char path[4096];

	if (dir == NULL || dir[0] == '\0') {
		puts("PENNYPOST_CORPUS is not set: no corpus to read");
		return;
	}
	snprintf(path, sizeof(path), "%s/messages", dir);
	nftw(path, read_file, 16, FTW_PHYS);
	CHECK(corpus_files > 0);
}

int
main(void)
{
	folding();
	folding_into_little();
	base_subjects();
	base_subjects_of_the_malicious();
	/* line ends are shorter than they came */
	text_that_is_too_long("a line of text\r\n", true);
	text_that_is_too_long("a line of text\n", false);
	texts_of_messages();
	messages_that_do_not_fit_their_parts();
	more_than_the_limit();
	corpus();
	return TEST_EXIT();
}
