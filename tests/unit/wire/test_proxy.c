/* SPDX-License-Identifier: MIT */
#include "common/wire/proxy.h"

#include "common/util/buf.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *line; /* without CRLF */
	const char *ip;   /* hexadecimal; empty: local; NULL: bad */
	uint16_t port;
} lines[] = {
    {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 25",               "c0000201",                         56324},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",   "ffffffff",
     65535												},
    {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0",                           "00000000",                         0    },
    {"PROXY TCP6 2001:db8::1 ::1 1 2",                           "20010db8000000000000000000000001", 1    },
    {"PROXY TCP6 :: :: 1 2",				     "00000000000000000000000000000000", 1    },
    {"PROXY TCP6 1:2:3:4:5:6:7:8 1:: 1 2",                       "00010002000300040005000600070008",
     1												    },
    {"PROXY TCP6 1:2:3:4:5:6:7:: 1:: 1 2",                       "00010002000300040005000600070000",
     1												    },
    {"PROXY TCP6 ::ffff:192.0.2.1 fe80:: 1 2",
     "00000000000000000000ffffc0000201",							     1    },
    {"PROXY TCP6 "
     "FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535", "ffffffffffffffffffffffffffffffff", 65535},
    {"PROXY UNKNOWN",					    "",				 0    },
    {"PROXY UNKNOWN ffff::1 whatever else is here",              "",                                 0    },
 /* no header */
    {"PROXY",						    NULL,			       0    },
    {"PROXY ",						   NULL,			       0    },
    {"proxy UNKNOWN",					    NULL,			       0    },
    {"PROXY  UNKNOWN",					   NULL,			       0    },
    {"PROXY UNKNOWNS",					   NULL,			       0    },
    {"PROXY unknown",					    NULL,			       0    },
    {"PROXY TCP5 192.0.2.1 198.51.100.7 1 2",                    NULL,                               0    },
    {"PROXY UDP4 192.0.2.1 198.51.100.7 1 2",                    NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 1",                      NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 1 ",                     NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 1 2 ",                   NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3",                  NULL,                               0    },
    {"PROXY TCP4  192.0.2.1 198.51.100.7 1 2",                   NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 65536 2",                NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 1 65536",                NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 01 2",                   NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100.7 -1 2",                   NULL,                               0    },
    {"PROXY TCP4 192.0.2.01 198.51.100.7 1 2",                   NULL,                               0    },
    {"PROXY TCP4 192.0.2.256 198.51.100.7 1 2",                  NULL,                               0    },
    {"PROXY TCP4 192.0.2 198.51.100.7 1 2",                      NULL,                               0    },
    {"PROXY TCP4 192.0.2.1.1 198.51.100.7 1 2",                  NULL,                               0    },
    {"PROXY TCP4 192.0.2.1 198.51.100 1 2",                      NULL,                               0    },
    {"PROXY TCP4 ::1 ::1 1 2",				   NULL,                               0    },
    {"PROXY TCP6 192.0.2.1 198.51.100.7 1 2",                    NULL,                               0    },
    {"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2",                         NULL,                               0    },
    {"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2",                     NULL,                               0    },
    {"PROXY TCP6 1:2:3:4:5:6:7::8 ::1 1 2",                      NULL,                               0    },
    {"PROXY TCP6 1::2::3 ::1 1 2",                               NULL,                               0    },
    {"PROXY TCP6 12345:: ::1 1 2",                               NULL,                               0    },
    {"PROXY TCP6 1: ::1 1 2",				    NULL,                               0    },
    {"PROXY TCP6 :1 ::1 1 2",				    NULL,                               0    },
    {"PROXY TCP6 ::: ::1 1 2",				   NULL,                               0    },
    {"PROXY TCP6 1:2:3:4:5:6:7:1.2.3.4 ::1 1 2",                 NULL,                               0    },
    {"PROXY TCP6 fe80::1%eth0 ::1 1 2",                          NULL,                               0    },
    {"PROXY UNKNOWN \t",					 NULL,			       0    },
    {"PROXY UNKNOWN \rx",					NULL,                               0    },
    {"PROXY UNKNOWN \nx",					NULL,                               0    },
    {"PROXY UNKNOWN \x80",				       NULL,                               0    },
    {"PROXY UNKNOWN "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",		     "",				 0    }, /* 107 with CRLF */
    {"PROXY UNKNOWN "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",		    NULL,			       0    },
    {"EHLO c.test",					      NULL,			       0    },
};

#define SIGNATURE "0d0a0d0a000d0a515549540a"

static const struct {
	const char *header; /* after the signature, hexadecimal */
	const char *ip;
	uint16_t port;
} binaries[] = {
    {"2111000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   "c0000201",			 56324},
    {"21210024"
     "20010db8000000000000000000000001"
     "00000000000000000000000000000001"
     "0001"
     "0019",	   "20010db8000000000000000000000001", 1    },
 /* TLVs: NOOP, an unknown one, nothing in it */
    {"21110015"
     "c0000201"
     "c6336407"
     "0001"
     "0019"
     "04000100"
     "ee0002abcd",     "c0000201",			 1    },
    {"2111000f"
     "c0000201"
     "c6336407"
     "0001"
     "0019"
     "ee0000",	 "c0000201",			 1    },
    {"20000000",            "",				 0    },
    {"2011000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   "",				 0    },
    {"20ff0001"
     "aa",	     "",				 0    },
    {"21000000",            "",				 0    },
    {"21000002"
     "abcd",	   "",				 0    },
 /* no header */
    {"1111000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"3111000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"2211000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"2112000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"2131000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"21410000",            NULL,			       0    },
    {"2111000b"
     "c0000201"
     "c6336407"
     "dc04"
     "00",	     NULL,			       0    },
    {"2121000c"
     "c0000201"
     "c6336407"
     "dc04"
     "0019",	   NULL,			       0    },
    {"2111000d"
     "c0000201"
     "c6336407"
     "dc04"
     "0019"
     "ee",	     NULL,			       0    },
    {"2111000f"
     "c0000201"
     "c6336407"
     "dc04"
     "0019"
     "ee0001",	 NULL,			       0    },
    {"21110201",            NULL,			       0    },
    {"2111ffff",            NULL,			       0    },
    {"20000201",            NULL,			       0    },
 /* a checksum that is none, or wrong */
    {"21110010"
     "c0000201"
     "c6336407"
     "dc04"
     "0019"
     "030001ff",       NULL,			       0    },
    {"21110013"
     "c0000201"
     "c6336407"
     "dc04"
     "0019"
     "03000400000000", NULL,			       0    },
};

static void
check_header(const struct proxy_header *h, const char *ip, uint16_t port)
{
	struct buf text;

	buf_init(&text, KB);
	enc_hex((struct str){(const char *)h->source, h->ip_len}, &text);
	CHECK(h->local == (ip[0] == '\0'));
	CHECK(str_eq(buf_str(&text), str_of(ip)));
	CHECK(h->port == port);
	buf_release(&text);
}

/* The header as it comes, octet by octet and with more behind it. */
static void
check(struct str header, const char *ip, uint16_t port)
{
	struct buf all;
	bool ended = false;

	buf_init(&all, 2 * KB);
	buf_add(&all, header);
	buf_add(&all, STR("EHLO c.test\r\n"));
	for (size_t n = 0; n <= all.len; n++) {
		struct str in = str_first(buf_str(&all), n);
		struct proxy_header h;
		enum proxy_result r = proxy_take(&in, &h);

		if (r == PROXY_READY) {
			CHECK(ip != NULL && n >= header.len);
			CHECK(in.len == n - header.len);
			if (ip != NULL)
				check_header(&h, ip, port);
		} else {
			CHECK(in.len == n); /* nothing is taken */
			CHECK(r == PROXY_MORE ? n < header.len || ip == NULL
					      : ip == NULL);
			CHECK(!ended || r == PROXY_BAD);
			ended = r == PROXY_BAD;
		}
	}
	CHECK(ended == (ip == NULL));
	buf_release(&all);
}

static void
test_lines(void)
{
	struct buf line;

	buf_init(&line, KB);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		buf_clear(&line);
		buf_addf(&line, "%s\r\n", lines[i].line);
		check(buf_str(&line), lines[i].ip, lines[i].port);
	}
	buf_release(&line);
}

static void
test_binaries(void)
{
	struct buf header;

	buf_init(&header, KB);
	for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
		buf_clear(&header);
		CHECK(enc_hex_decode(STR(SIGNATURE), &header));
		CHECK(enc_hex_decode(str_of(binaries[i].header), &header));
		check(buf_str(&header), binaries[i].ip, binaries[i].port);
	}
	buf_release(&header);
}

/* CRC32c as the definition has it, bit by bit, on the header with zeros in the
 * place of the sum. */
static void
test_checksum(void)
{
	static const char good[] = "2111001f"
				   "c0000201"
				   "c6336407"
				   "dc04"
				   "0019"
				   "ee0009313233343536373839"
				   "030004";
	struct buf header;
	uint32_t crc = UINT32_MAX;

	buf_init(&header, KB);
	CHECK(enc_hex_decode(STR(SIGNATURE), &header));
	CHECK(enc_hex_decode(str_of(good), &header));
	buf_add(&header, STR("\0\0\0\0"));
	for (size_t i = 0; i < header.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t in = (unsigned char)header.data[i] >> bit & 1;

			crc = crc >> 1 ^ (((crc & 1) ^ in) ? 0x82f63b78 : 0);
		}
	crc = ~crc;
	buf_cut(&header, header.len - 4);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(&header, (char)(crc >> shift));
	check(buf_str(&header), "c0000201", 56324);
	header.data[header.len - 1] ^= 1;
	check(buf_str(&header), NULL, 0);
	buf_release(&header);
}

int
main(void)
{
	test_lines();
	test_binaries();
	test_checksum();
	return TEST_EXIT();
}
