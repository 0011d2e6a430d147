/* SPDX-License-Identifier: MIT */
#include "mailctl/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "mailctl/cli.h"

/* The octets up to a newline or the end of fd. */
static int
read_line(int fd, struct buf *out, struct fail *f)
{
	char c;
	ssize_t n;

	buf_init(out, PASSPHRASE_MAX);
	/* growing later would leave copies behind */
	buf_reserve(out, PASSPHRASE_MAX);
	while ((n = read(fd, &c, 1)) != 0 && c != '\n') {
		if (n == -1 && errno != EINTR)
			return fail(f, FAIL_TEMP,
			    "the password could not be "
			    "read: %s",
			    strerror(errno));
		if (n == 1)
			buf_add_char(out, c);
	}
	if (out->len > 0 && out->data[out->len - 1] == '\r')
		buf_cut(out, out->len - 1);
	if (out->overrun)
		return fail(f, FAIL_PERM,
		    "the password is longer than %d "
		    "octets",
		    PASSPHRASE_MAX);
	if (out->len == 0)
		return fail(f, FAIL_PERM, "no password was given");
	return 0;
}

static int
ask(int tty, const char *prompt, struct buf *out, struct fail *f)
{
	struct termios old, quiet;
	sigset_t keys, before;
	int rc;

	buf_init(out, PASSPHRASE_MAX);
	if (tcgetattr(tty, &old) == -1)
		return fail(f, FAIL_TEMP, "the terminal: %s", strerror(errno));
	/* Ctrl-C must not leave the terminal mute: it waits until after */
	sigemptyset(&keys);
	sigaddset(&keys, SIGINT);
	sigaddset(&keys, SIGTSTP);
	sigaddset(&keys, SIGTERM);
	sigprocmask(SIG_BLOCK, &keys, &before);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ISIG | ICANON;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	if (write(tty, prompt, strlen(prompt)) == -1)
		rc = fail(f, FAIL_TEMP, "the terminal: %s", strerror(errno));
	else
		rc = read_line(tty, out, f);
	tcsetattr(tty, TCSAFLUSH, &old);
	if (write(tty, "\n", 1) == -1 && rc == 0)
		rc = fail(f, FAIL_TEMP, "the terminal: %s", strerror(errno));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int
passphrase_read(const char *prompt, bool twice, struct buf *out, struct fail *f)
{
	struct buf again;
	int tty, rc;

	if (!isatty(0))
		return read_line(0, out, f);
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	buf_init(out, PASSPHRASE_MAX);
	if (tty == -1)
		return fail(f, FAIL_TEMP, "/dev/tty: %s", strerror(errno));
	rc = ask(tty, prompt, out, f);
	if (rc == 0 && twice) {
		rc = ask(tty, "Once more: ", &again, f);
		if (rc == 0 && !str_eq(buf_str(out), buf_str(&again)))
			rc = fail(f, FAIL_PERM, "these were not the same");
		passphrase_release(&again);
	}
	close(tty);
	return rc;
}

void
passphrase_release(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->len);
	buf_release(b);
}

int
passphrase_into(json_t *request, const char *prompt)
{
	struct fail f = {0};
	struct buf password;
	int code = CLI_OK;

	if (passphrase_read(prompt, true, &password, &f) == -1) {
		code = cli_failed(&f);
	} else if (json_object_set_new(request, "password",
		       json_stringn(password.data, password.len)) == -1) {
		cli_complain("the password is not UTF-8");
		code = CLI_FAILED;
	}
	passphrase_release(&password);
	return code;
}
