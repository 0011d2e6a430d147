/* SPDX-License-Identifier: MIT */
#include "common/mime/mbox.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

#define D "Thu Jan  1 00:00:00 2015"

/* What is read, as text: "<at FROM>" begins, "{...}" is a message's text,
 * "}at" ends it, "!at" is junk. */
static void
read_all(struct str file, size_t chunk, struct buf *out)
{
	struct mbox *m = mbox_new(0);
	size_t at = 0;
	bool over = false;

	while (!over) {
		size_t n = file.len - at < chunk ? file.len - at : chunk;
		/* octets of its own, so that a read beyond them is seen */
		char *copy = mem_dup((struct str){file.at + at, n});
		struct str in = {copy, n};
		enum mbox_event ev;
		struct mbox_item item;

		over = n == 0;
		while ((ev = mbox_step(m, &in, over, &item)) != MBOX_NONE) {
			switch (ev) {
			case MBOX_FROM:
				buf_addf(out, "<%u>{", (unsigned)item.at);
				break;
			case MBOX_LOOK:
				mbox_looked(m, item.at <= file.len,
				    str_first(str_after(file, item.at),
					MBOX_LOOK_MAX));
				break;
			case MBOX_TEXT:
				CHECK(item.text.len > 0);
				buf_add(out, item.text);
				break;
			case MBOX_END:
				buf_addf(out, "}%u", (unsigned)item.at);
				break;
			case MBOX_JUNK:
				buf_addf(out, "!%u", (unsigned)item.at);
				break;
			case MBOX_NONE:
				break;
			}
		}
		CHECK(in.len == 0);
		at += n;
		free(copy);
	}
	mbox_free(m);
}

static void
check_every_split(void)
{
	static const struct {
		const char *file, *want;
	} vectors[] = {
	    {"",							       ""							  },
	    {"\n\n",							   ""							  },
	    {"From a " D "\nA: b\n\nhi\n\n",                                   "<0>{A: b\n\nhi\n}42"                                       },
	    {"\n\nFrom a " D "\nA: b\n\nhi\n",                                 "<2>{A: b\n\nhi\n}43"                                       },
 /* CRLF; no final line end */
	    {"From a " D "\r\nA: b\r\n\r\nhi",                                 "<0>{A: b\r\n\r\nhi}43"                                     },
	    {"From a " D "\r\nA: b\r\n\r\nhi\r\n\r\nFrom b " D "\r\nC: d\r\n",
             "<0>{A: b\r\n\r\nhi\r\n}47<47>{C: d\r\n}86"										   },
 /* only the last of several empty lines is nobody's */
	    {"From a " D "\nA: b\n\n\n\n\nFrom b " D "\nC: d\n\n",
             "<0>{A: b\n\n\n\n}41<41>{C: d\n}79"											   },
 /* no empty line before: the date decides */
	    {"From a " D "\nA: b\n\nhi\nFrom b " D "\nC: d\n",
             "<0>{A: b\n\nhi\n}41<41>{C: d\n}78"											   },
 /* no date: text, unless it is Thunderbird's */
	    {"From a " D "\nA: b\n\nhi\n\nFrom now on\nFrom \nx\n\nFrom -\nC: "
	     "d\n",					       "<0>{A: b\n\nhi\n\nFrom now on\nFrom \nx\n}63<63>{C: d\n}75"},
 /* mboxrd */
	    {"From a " D "\nA: b\n\n>From x\n>>From y\n>Fro\n> From\n>",
             "<0>{A: b\n\nFrom x\n>From y\n>Fro\n> From\n>}68"									     },
	    {"From a " D "\n>From b\nA: b\n\n\n>From x",
             "<0>{From b\nA: b\n\n\nFrom x}54"											     },
 /* mboxcl2 */
	    {"From a " D "\nContent-Length: 41\n\n>From x\n\nFrom b " D
	     "\n\nFrom c " D "\nC: d\n",
             "<0>{Content-Length: 41\n\n>From x\n\nFrom b " D
		"\n}94<94>{C: d\n}131"												     },
 /* that length is wrong */
	    {"From a " D "\nContent-Length: 4\n\n>From x\n\nFrom c " D
	     "\nC: d\n",					  "<0>{Content-Length: 4\n\nFrom x\n}60<60>{C: d\n}97"        },
	    {"From a " D "\nContent-Length: 999999999999\n\nx\n",
             "<0>{Content-Length: 999999999999\n\nx\n}64"										  },
	    {"From a " D "\nContent-Length: 2\n\nx\n",
             "<0>{Content-Length: 2\n\nx\n}53"											     },
	    {"From a " D "\nContent-Length: 0\n\nFrom a " D "\nA: b\n",
             "<0>{Content-Length: 0\n\n}51<51>{A: b\n}88"										  },
	    {"From a " D "\nContent-Length: 12x\n\nx\n",
             "<0>{Content-Length: 12x\n\nx\n}55"											   },
	    {"From a " D "\r\nContent-Length: 4\r\n\r\nab\r\n\r\nFrom b " D
	     "\r\nC: d\r\n",				      "<0>{Content-Length: 4\r\n\r\nab\r\n}60<60>{C: d\r\n}99"    },
 /* an empty line, text, and a quote that the end cuts */
	    {"From a " D "\nA: b\n\n\n>",                                      "<0>{A: b\n\n\n>}40"                                        },
	    {"From a " D "\nA: b\n\n\nx",                                      "<0>{A: b\n\n\nx}40"                                        },
	    {"From a " D "\nA: b\n\n\n\rx\n",                                  "<0>{A: b\n\n\n\rx\n}42"                                    },
 /* junk without a line's end, and nothing but empty lines */
	    {"junk",							   "!0"							},
	    {"\n\r\n",							 ""							  },
	    {"\nFrom a " D "\nA: b\n",					 "<1>{A: b\n}38"                                             },
	    {"junk\nmore\nFrom a " D "\nA: b\n",                               "!0<10>{A: b\n}47"                                          },
	    {"From a " D "\nFrom b " D "\n",                                   "<0>{}32<32>{}64"                                           },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t chunk = 1; chunk < 140; chunk++) {
			struct buf got;

			buf_init(&got, 64 * KB);
			buf_add(&got, STR(""));
			read_all(str_of(vectors[i].file), chunk, &got);
			CHECK_STR(
			    got.data != NULL ? got.data : "", vectors[i].want);
			buf_release(&got);
			if (test_failures > 0) {
				fprintf(stderr, "vector %zu, chunk %zu\n", i,
				    chunk);
				return;
			}
		}
}

static void
check_from(void)
{
	static const struct {
		const char *line, *sender;
		bool good, has_date;
		int64_t date_s;
	} vectors[] = {
	    {"From a@b Thu Jan  1 00:00:00 1970\n",               "a@b", true,  true,  0       },
	    {"From a@b Thu Jan 1 00:01 1970",                     "a@b", true,  true,  60      },
	    {"From a b  Thu Jan  1 01:00:00 1970 +0100\r\n",      "a b", true,  true,
             0										 },
	    {"From a Thu Jan  1 00:00:00 EST 1970 remote from x", "a",   true,
             true,								     5 * 3600},
	    {"From - Thu Jan  1 00:00:00 1970",                   "-",   true,  true,  0       },
	    {"From Thu Jan  1 00:00:00 1970",                     "",    true,  true,  0       },
	    {"From ",					     "",    true,  false, 0       },
	    {"From -",					    "-",   true,  false, 0       },
	    {"From me to you",				    "",    false, false, 0       },
	    {"From a@b Thu Jan 32 00:00:00 1970",                 "",    false, false, 0       },
	    {"From a@b Thu Jan 111 00:00:00 1970",                "",    false, false, 0       },
	    {"From a@b Thu Jan x 00:00:00 1970",                  "",    false, false, 0       },
	    {"From a@b Thu Jan 1 0:0 1970",                       "",    false, false, 0       },
	    {"From a@b Thu Jan 1 00:00:000 1970",                 "",    false, false, 0       },
	    {"From a@b Thu Jan 1 00:00:00 70",                    "",    false, false, 0       },
	    {"From a@b Thu Jan 1 00:00:00 19700",                 "",    false, false, 0       },
	    {"From a@b Thu Jan 1 00:00:00 EST EST 1970",          "a@b", true,  true,
             5 * 3600									  },
	    {"From a@b Thu Jan 1 00:00:00 a b c 1970",            "",    false, false, 0       },
	    {"From a@b Thu Jan 1 00:00:00 remote 1970",           "",    false, false, 0       },
	    {"From a@b Thur Jan 1 00:00:00 1970",                 "",    false, false, 0       },
	    {"From a@b Thu",				      "",    false, false, 0       },
	    {"From \r\n",					 "",    true,  false, 0       },
	    {"From a@b Foo Jan  1 00:00:00 1970",                 "",    false, false, 0       },
	    {"From: a@b",					 "",    false, false, 0       },
	};
	struct buf line;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct mbox_from got;

		CHECK(mbox_from_parse(str_of(vectors[i].line), &got) ==
		      vectors[i].good);
		CHECK(got.has_date == vectors[i].has_date);
		CHECK(!got.has_date || got.date_s == vectors[i].date_s);
		CHECK(!vectors[i].good ||
		      str_eq(got.sender, str_of(vectors[i].sender)));
	}
	buf_init(&line, 1 * KB);
	mbox_from_write(STR("a@b"), 1420070400, &line);
	CHECK_STR(line.data, "From a@b Thu Jan  1 00:00:00 2015\n");
	buf_clear(&line);
	mbox_from_write(STR("a@b"), 1420070400 + 19 * 86400 + 3661, &line);
	CHECK_STR(line.data, "From a@b Tue Jan 20 01:01:01 2015\n");
	buf_release(&line);
}

/* What is written is read as it was, at every split of both. */
static void
check_round_trip(void)
{
	static const char *const messages[] = {
	    "A: b\r\n\r\nFrom x\r\n>From y\r\n>>From z\r\n>\r\n\r\n\r\n",
	    "A: b\r\n\r\nFro\r\nF\r\n>Fr\r\nFrom", "\r\n", ">", "From \r\n\r\n",
	    "x\rFrom y\r\n", "x\r", ">\r\r", "\r\n\r",
	    "A: b\r\nContent-Length: 1\r\n\r\nxyz\r\n"};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		for (size_t chunk = 1; chunk < 50; chunk++) {
			struct str text = str_of(messages[i]);
			struct mbox_writer w = {0};
			struct buf file, got, want;
			bool cut;

			buf_init(&file, 4 * KB);
			buf_init(&got, 4 * KB);
			buf_init(&want, 4 * KB);
			buf_add(&file, STR("From a " D "\n"));
			for (; text.len > 0; text = str_after(text, chunk))
				mbox_write(&w, str_first(text, chunk), &file);
			cut = mbox_write_end(&w, &file);
			buf_add(&want, STR("<0>{"));
			for (const char *c = messages[i]; *c != '\0'; c++)
				if (*c != '\r' || c[1] != '\n')
					buf_add_char(&want, *c);
			buf_addf(&want, "%s}%zu<%zu>{C: d\n}%zu",
			    cut ? "\n" : "", file.len, file.len, file.len + 37);
			buf_add(&file, STR("From b " D "\nC: d\n"));
			read_all(buf_str(&file), chunk, &got);
			CHECK_STR(got.data, want.data);
			buf_release(&file);
			buf_release(&got);
			buf_release(&want);
		}
}

/* A line of a megabyte is never held. */
static void
check_long_line(void)
{
	struct mbox *m = mbox_new(0);
	struct mbox_item item;
	struct str in = STR("From a " D "\nA: b\n\n");
	size_t total = 0, fed = 0;

	CHECK(mbox_step(m, &in, false, &item) == MBOX_FROM);
	for (int i = 0; i < 10000; i++) {
		do
			while (mbox_step(m, &in, false, &item) == MBOX_TEXT) {
				CHECK(item.text.len <= 2000);
				total += item.text.len;
			}
		while (in.len > 0);
		in = STR("From a long line that never ends, it is not a "
			 "beginning since no date is in it, ");
		fed += in.len;
	}
	/* what was fed last waits for nothing but its turn */
	CHECK(fed > 500000 && total + in.len == fed + 6);
	mbox_free(m);
}

int
main(void)
{
	check_every_split();
	check_from();
	check_round_trip();
	check_long_line();
	return TEST_EXIT();
}
