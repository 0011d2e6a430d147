/* SPDX-License-Identifier: MIT */
#include "common/mime/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/utf8.h"

#define REPLACEMENT STR("\xef\xbf\xbd")

/* Names as mail has them, and what to read the text with: the superset that
 * senders mean.  NULL: UTF-8 if it is, else Windows-1252. */
static const struct charset_row {
	const char *name, *reader;
} rows[] = {
    {"utf-8",             "UTF-8"        },
    {"utf8",	      "UTF-8"        },
    {"us-ascii",          NULL           },
    {"ascii",             NULL           },
    {"ansi_x3.4-1968",    NULL           },
    {"iso646-us",         NULL           },
    {"unknown-8bit",      NULL           },
    {"x-unknown",         NULL           },
    {"unknown",           NULL           },
    {"8bit",	      NULL           },
    {"7bit",	      NULL           },
    {"iso-8859-1",        "CP1252"       },
    {"iso8859-1",         "CP1252"       },
    {"iso_8859-1",        "CP1252"       },
    {"latin1",            "CP1252"       },
    {"l1",		"CP1252"       },
    {"windows-1252",      "CP1252"       },
    {"cp1252",            "CP1252"       },
    {"ansi",	      "CP1252"       },
    {"iso-8859-2",        "ISO-8859-2"   },
    {"iso8859-2",         "ISO-8859-2"   },
    {"latin2",            "ISO-8859-2"   },
    {"iso-8859-3",        "ISO-8859-3"   },
    {"iso-8859-4",        "ISO-8859-4"   },
    {"iso-8859-5",        "ISO-8859-5"   },
    {"iso-8859-6",        "ISO-8859-6"   },
    {"iso-8859-7",        "ISO-8859-7"   },
    {"iso-8859-8",        "ISO-8859-8"   },
    {"iso-8859-8-i",      "ISO-8859-8"   },
    {"iso-8859-9",        "ISO-8859-9"   },
    {"iso-8859-10",       "ISO-8859-10"  },
    {"iso-8859-11",       "ISO-8859-11"  },
    {"iso-8859-13",       "ISO-8859-13"  },
    {"iso-8859-14",       "ISO-8859-14"  },
    {"iso-8859-15",       "ISO-8859-15"  },
    {"iso8859-15",        "ISO-8859-15"  },
    {"latin-9",           "ISO-8859-15"  },
    {"iso-8859-16",       "ISO-8859-16"  },
    {"windows-874",       "CP874"        },
    {"tis-620",           "CP874"        },
    {"windows-1250",      "CP1250"       },
    {"cp1250",            "CP1250"       },
    {"windows-1251",      "CP1251"       },
    {"cp1251",            "CP1251"       },
    {"windows-1253",      "CP1253"       },
    {"windows-1254",      "CP1254"       },
    {"windows-1255",      "CP1255"       },
    {"windows-1256",      "CP1256"       },
    {"windows-1257",      "CP1257"       },
    {"windows-1258",      "CP1258"       },
    {"ibm437",            "CP437"        },
    {"cp437",             "CP437"        },
    {"ibm850",            "CP850"        },
    {"cp850",             "CP850"        },
    {"ibm852",            "CP852"        },
    {"cp852",             "CP852"        },
    {"ibm855",            "CP855"        },
    {"ibm866",            "CP866"        },
    {"cp866",             "CP866"        },
    {"koi8-r",            "KOI8-R"       },
    {"koi8r",             "KOI8-R"       },
    {"koi8-u",            "KOI8-U"       },
    {"macintosh",         "MACINTOSH"    },
    {"x-mac-roman",       "MACINTOSH"    },
    {"x-mac-cyrillic",    "MAC-CYRILLIC" },
    {"viscii",            "VISCII"       },
    {"gb2312",            "GB18030"      },
    {"gb_2312-80",        "GB18030"      },
    {"euc-cn",            "GB18030"      },
    {"gbk",	       "GB18030"      },
    {"x-gbk",             "GB18030"      },
    {"cp936",             "GB18030"      },
    {"gb18030",           "GB18030"      },
    {"hz-gb-2312",        "HZ"           },
    {"big5",	      "BIG5-HKSCS"   },
    {"big5-hkscs",        "BIG5-HKSCS"   },
    {"x-x-big5",          "BIG5-HKSCS"   },
    {"cp950",             "CP950"        },
    {"euc-tw",            "EUC-TW"       },
    {"shift_jis",         "CP932"        },
    {"shift-jis",         "CP932"        },
    {"sjis",	      "CP932"        },
    {"x-sjis",            "CP932"        },
    {"ms_kanji",          "CP932"        },
    {"windows-31j",       "CP932"        },
    {"cp932",             "CP932"        },
    {"euc-jp",            "EUC-JP-MS"    },
    {"x-euc-jp",          "EUC-JP-MS"    },
    {"iso-2022-jp",       "ISO-2022-JP-3"},
    {"iso-2022-jp-1",     "ISO-2022-JP-3"},
    {"iso-2022-jp-2",     "ISO-2022-JP-2"},
    {"iso-2022-jp-3",     "ISO-2022-JP-3"},
    {"_iso-2022-jp$esc",  "ISO-2022-JP-3"},
    {"csiso2022jp",       "ISO-2022-JP-3"},
    {"euc-kr",            "UHC"          },
    {"ks_c_5601-1987",    "UHC"          },
    {"ksc5601",           "UHC"          },
    {"cp949",             "UHC"          },
    {"iso-2022-kr",       "ISO-2022-KR"  },
    {"johab",             "JOHAB"        },
    {"iso-2022-cn",       "ISO-2022-CN"  },
    {"utf-7",             "UTF-7"        },
    {"unicode-1-1-utf-7", "UTF-7"        },
    {"utf-16",            "UTF-16"       },
    {"utf-16le",          "UTF-16LE"     },
    {"utf-16be",          "UTF-16BE"     },
    {"utf-32",            "UTF-32"       },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One conversion of each row that is open: then it never needs its file. */
struct charset_tables {
	iconv_t open[ROWS];
};

/* The row of a name; RFC 2231 and careless senders add quotes and spaces. */
static const struct charset_row *
row_of(struct str name)
{
	name = str_trim(name);
	for (size_t i = 0; i < ROWS; i++)
		if (str_eq_nocase(name, str_of(rows[i].name)))
			return &rows[i];
	return NULL;
}

/* Characters are added whole or, from the first that does not fit, not. */
static void
add_whole(struct str utf8, struct buf *out)
{
	size_t room = out->limit - out->len;

	if (out->overrun)
		return;
	if (utf8.len > room)
		out->overrun = true;
	buf_add(out, utf8_first(utf8, room));
}

static void
add_lenient_utf8(struct str text, struct buf *out)
{
	struct str run = text;

	while (text.len > 0) {
		uint32_t code;

		if ((unsigned char)text.at[0] < 128) {
			text.at++;
			text.len--;
			continue;
		}
		if (utf8_take(&text, &code))
			continue;
		add_whole(str_first(run, run.len - text.len), out);
		add_whole(REPLACEMENT, out);
		text = str_after(text, 1);
		run = text;
	}
	add_whole(run, out);
}

/* A charset nobody knows. */
static void
add_ascii(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 128)
			add_whole(str_first(str_after(text, i), 1), out);
		else
			add_whole(REPLACEMENT, out);
}

/* As much as goes, U+FFFD for each octet that does not. */
static void
add_converted(iconv_t cd, struct str text, struct buf *out)
{
	char made[1024];
	char *in = (char *)(uintptr_t)text.at;
	size_t left = text.len;

	while (!out->overrun) {
		char *to = made;
		size_t room = sizeof(made);
		/* at last the state is asked for what it still holds */
		bool ending = left == 0;
		size_t rc = iconv(
		    cd, ending ? NULL : &in, ending ? NULL : &left, &to, &room);
		bool full = rc == (size_t)-1 && errno == E2BIG;

		add_lenient_utf8((struct str){made, sizeof(made) - room}, out);
		if (rc != (size_t)-1 && ending)
			return;
		if (rc == (size_t)-1 && (!full || room == sizeof(made))) {
			if (left == 0)
				return;
			add_whole(REPLACEMENT, out);
			in++;
			left--;
		}
	}
}

static void
convert(const char *reader, struct str text, struct buf *out)
{
	iconv_t cd = iconv_open("UTF-8", reader);

	if (cd == (iconv_t)-1) {
		add_ascii(text, out);
		return;
	}
	add_converted(cd, text, out);
	iconv_close(cd);
}

bool
charset_known(struct str name)
{
	const struct charset_row *row = row_of(name);

	/* what senders write who do not know it themselves names none */
	return row != NULL &&
	       (row->reader != NULL ||
		   str_ends_nocase(str_of(row->name), STR("ascii")) ||
		   str_eq(str_of(row->name), STR("ansi_x3.4-1968")) ||
		   str_eq(str_of(row->name), STR("iso646-us")));
}

void
charset_to_utf8(struct str charset, struct str text, struct buf *out)
{
	const struct charset_row *row = row_of(charset);

	if (text.len == 0)
		return;
	if (row != NULL && row->reader != NULL &&
	    str_eq(str_of(row->reader), STR("UTF-8")))
		add_lenient_utf8(text, out);
	else if (row != NULL && row->reader != NULL)
		convert(row->reader, text, out);
	else if (row == NULL && charset.len > 0)
		add_ascii(text, out);
	else if (!str_has_8bit(text) || utf8_valid(text))
		add_whole(text, out);
	else
		convert("CP1252", text, out);
}

struct charset_tables *
charset_load(void)
{
	struct charset_tables *t = MEM_NEW(struct charset_tables);

	for (size_t i = 0; i < ROWS; i++)
		t->open[i] = rows[i].reader != NULL
		                 ? iconv_open("UTF-8", rows[i].reader)
		                 : (iconv_t)-1;
	return t;
}

void
charset_unload(struct charset_tables *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < ROWS; i++)
		if (t->open[i] != (iconv_t)-1)
			iconv_close(t->open[i]);
	free(t);
}
