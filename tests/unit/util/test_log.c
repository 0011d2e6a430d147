/* SPDX-License-Identifier: MIT */
#include "common/util/log.h"

#include <unistd.h>

#include "tests/test.h"

struct pipe_log {
	struct log log;
	int fds[2];
};

static void
open_log(struct pipe_log *p, bool priorities)
{
	CHECK(pipe(p->fds) == 0);
	p->log = (struct log){"smtpd", LOG_INFO, p->fds[1], priorities};
}

/* What was written, as a string. */
static void
close_log(struct pipe_log *p, char *text, size_t room)
{
	ssize_t n;

	close(p->fds[1]);
	n = read(p->fds[0], text, room - 1);
	CHECK(n >= 0);
	text[n > 0 ? n : 0] = '\0';
	close(p->fds[0]);
}

static void
check_lines(void)
{
	struct pipe_log p;
	char text[8192];

	open_log(&p, true);
	log_error(&p.log, "a %d", 1);
	log_warn(&p.log, "b");
	log_info(&p.log, "c");
	log_debug(&p.log, "not shown");
	close_log(&p, text, sizeof(text));
	CHECK_STR(text, "<3>smtpd: a 1\n<4>smtpd: b\n<6>smtpd: c\n");

	open_log(&p, false);
	p.log.max = LOG_DEBUG;
	log_debug(&p.log, "d");
	close_log(&p, text, sizeof(text));
	CHECK_STR(text, "smtpd: d\n");
}

/* Whatever a peer sent: one line, printable (ATTACKS G5). */
static void
check_escapes(void)
{
	struct pipe_log p;
	char text[8192];

	open_log(&p, false);
	log_info(
	    &p.log, "helo=%s", "x\r\n<3>smtpd: forged\x1b[31m\t\x7f\xc3\xa4");
	close_log(&p, text, sizeof(text));
	CHECK_STR(text,
	    "smtpd: helo=x\\x0d\\x0a<3>smtpd: forged\\x1b[31m\\x09\\x7f"
	    "\\xc3\\xa4\n");
}

static void
check_long(void)
{
	char huge[5000], text[8192];
	struct pipe_log p;

	for (int fill = 'a'; fill == 'a' || fill == 0xff; fill += 0xff - 'a') {
		memset(huge, fill, sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		open_log(&p, true);
		log_info(&p.log, "%s", huge);
		close_log(&p, text, sizeof(text));
		size_t each = fill == 'a' ? 1 : 4;
		CHECK(strlen(text) == strlen("<6>smtpd: \n") + 999 * each);
		CHECK(text[strlen(text) - 1] == '\n');
		CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	}
}

/* A log that cannot be written is no reason to stop. */
static void
check_closed(void)
{
	struct log l = {"smtpd", LOG_INFO, -1, false};

	log_info(&l, "nobody reads this");
}

int
main(void)
{
	check_lines();
	check_escapes();
	check_long();
	check_closed();
	return TEST_EXIT();
}
