/* SPDX-License-Identifier: MIT */
/*
 * A session with popd's ops on a real store in which INBOX has three messages:
 * the first octet chooses what is enabled, the second in what pieces the client
 * speaks; the rest is what it says.  What is answered is made of responses,
 * and where the pieces meet makes no difference.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/conv/imap_host.h"
#include "tests/fuzz/popd_proto/imap_responses.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum way {
	EVERYTHING = 1 << 0, /* all that can be enabled */
	NOT_SELECTED = 1 << 1,
	READ_ONLY = 1 << 2,
	SMALL_PIECES = 1 << 3, /* octets of messages come in pieces of 7 */
};

/* Made at the first session, copied by each, removed at the end. */
static struct imap_host_store *store;

static void
remove_store(void)
{
	imap_host_store_free(store);
}

static void
make_store(void)
{
	store = imap_host_store_new();
	atexit(remove_store);
}

#define PLAIN "From: a@b\r\nSubject: one\r\n\r\nbody\r\n"
#define PARTS                                                                  \
	"Content-Type: multipart/mixed; boundary=b\r\nSubject: "               \
	"=?utf-8?q?=41?=\r\n"                                                  \
	"Date: Sun, 22 Nov 2026 09:00:00 "                                     \
	"+0000\r\n\r\n--b\r\n\r\none\r\n--b\r\n"                               \
	"Content-Type: message/rfc822\r\n\r\nSubject: "                        \
	"in\r\n\r\n<p>x\r\n--b\r\n"                                            \
	"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"

static void
say(struct imap_host *h, struct str s)
{
	if (!imap_host_closed(h))
		imap_host_feed(h, s);
}

static void
append(struct imap_host *h, struct str message)
{
	struct buf line;

	buf_init(&line, 4 * KB);
	buf_addf(&line, "a APPEND INBOX (\\Flagged) {%zu+}\r\n%.*s\r\n",
	    message.len, STR_FMT(message));
	say(h, buf_str(&line));
	buf_release(&line);
}

static void
play(struct str bytes, size_t piece, unsigned ways, struct buf *said)
{
	struct imap_host_options o = {
	    .engine = {.hostname = "mx.d.test",
		       .tls = true,
		       .max_errors = 20,
		       .message_max = 10000,
		       .off = ways & EVERYTHING ? "COMPRESS=DEFLATE"
	                                 : "COMPRESS=DEFLATE UIDONLY"},
	    .pieces = ways & SMALL_PIECES ? 7 : 4096,
	};
	struct imap_host *h = imap_host_new(store, &o);

	say(h, STR("a LOGIN alice@d.test pw-alice-Xyz123\r\n"));
	append(h, STR(PLAIN));
	append(h, STR(PARTS));
	append(h, STR(PLAIN));
	if (ways & EVERYTHING)
		say(h, STR("a ENABLE QRESYNC IMAP4rev2 UTF8=ACCEPT\r\n"));
	if (!(ways & NOT_SELECTED))
		say(h, ways & READ_ONLY ? STR("a EXAMINE INBOX\r\n")
					: STR("a SELECT INBOX\r\n"));
	buf_clear(imap_host_said(h));
	for (; bytes.len > 0; bytes = str_after(bytes, piece))
		say(h, str_first(bytes, piece));
	buf_add(said, buf_str(imap_host_said(h)));
	imap_host_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str bytes = {(const char *)data + 2, len - 2};
	struct buf whole, cut;

	if (len < 2 || len > 8 * KB)
		return 0;
	if (store == NULL)
		make_store();
	buf_init(&whole, 64 * MB);
	buf_init(&cut, 64 * MB);
	play(bytes, len, data[0], &whole);
	imap_responses_check(buf_str(&whole));
	if (data[1] > 0) {
		play(bytes, data[1], data[0], &cut);
		assert(str_eq(buf_str(&whole), buf_str(&cut)));
	}
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
