/* SPDX-License-Identifier: MIT */
#include "tests/bench/imap_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/load.h"

#define PIECE (256 * KB)

static void
connect_to(struct imap_link *l, const char *address_port)
{
	struct str port = str_of(address_port);
	char *ip = mem_dup(str_cut(&port, ':'));
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t number;
	int one = 1;

	if (inet_pton(AF_INET, ip, &to.sin_addr) != 1 ||
	    !str_to_u64(port, UINT16_MAX, &number))
		load_die("%s: it must be like 127.0.0.1:1143", address_port);
	free(ip);
	to.sin_port = htons((uint16_t)number);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd == -1 ||
	    connect(l->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		load_die("%s: %s", address_port, strerror(errno));
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
fill(struct imap_link *l)
{
	char *room;
	ssize_t n;

	buf_drop(&l->in, l->at);
	l->at = 0;
	room = buf_reserve(&l->in, PIECE);
	if (room == NULL)
		load_die("a line of over a megabyte");
	n = recv(l->fd, room, PIECE, 0);
	if (n <= 0)
		load_die("the server closed the connection%s%s",
		    n == -1 ? ": " : "", n == -1 ? strerror(errno) : "");
	buf_added(&l->in, (size_t)n);
	l->octets += (uint64_t)n;
}

/* A line as it is on the wire, without CRLF; valid until the next read. */
static struct str
read_line(struct imap_link *l)
{
	size_t searched = 0, end;
	struct str line;

	for (;;) {
		struct str rest = str_after(buf_str(&l->in), l->at + searched);

		if (str_find(rest, '\n', &end))
			break;
		searched = l->in.len - l->at;
		fill(l); /* keeps what is unread, at the front */
	}
	line = (struct str){l->in.data + l->at, searched + end};
	l->at += line.len + 1;
	if (line.len == 0 || line.at[line.len - 1] != '\r')
		load_die("a line ends without CR");
	line.len--;
	return line;
}

static void
skip(struct imap_link *l, uint64_t n)
{
	while (n > l->in.len - l->at) {
		n -= l->in.len - l->at;
		l->at = l->in.len;
		fill(l);
	}
	l->at += (size_t)n;
}

static bool
announces_literal(struct str line, uint64_t *n)
{
	size_t brace;

	return line.len > 2 && line.at[line.len - 1] == '}' &&
	       str_find_last(line, '{', &brace) &&
	       str_to_u64(
		   str_first(str_after(line, brace + 1), line.len - brace - 2),
		   UINT32_MAX, n);
}

static void
read_response(struct imap_link *l, struct imap_response *r)
{
	struct str line = read_line(l);
	uint64_t n;

	*r = (struct imap_response){.line = line};
	if (!announces_literal(line, &n))
		return;
	buf_clear(&l->line);
	do {
		buf_add(&l->line, line);
		r->n_literals++;
		r->literals += n;
		skip(l, n);
		line = read_line(l);
	} while (announces_literal(line, &n));
	buf_add(&l->line, line);
	if (l->line.overrun)
		load_die("a response of over a megabyte");
	r->line = buf_str(&l->line);
}

void
link_open(struct imap_link *l, const char *address_port)
{
	struct imap_response r;

	*l = (struct imap_link){.fd = -1};
	buf_init(&l->in, 2 * MB);
	buf_init(&l->line, MB);
	connect_to(l, address_port);
	read_response(l, &r);
	if (!str_starts(r.line, STR("* OK")))
		load_die("greeted by %.*s", STR_FMT(r.line));
}

void
link_close(struct imap_link *l)
{
	close(l->fd);
	buf_release(&l->in);
	buf_release(&l->line);
}

void
link_send(struct imap_link *l, struct str text)
{
	while (text.len > 0) {
		ssize_t n = send(l->fd, text.at, text.len, MSG_NOSIGNAL);

		if (n == -1)
			load_die("sending: %s", strerror(errno));
		text = str_after(text, (size_t)n);
	}
}

void
link_command(struct imap_link *l, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, 64 * KB);
	buf_addf(&text, "a%u ", ++l->tag);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	buf_add(&text, STR("\r\n"));
	link_send(l, buf_str(&text));
	buf_release(&text);
}

bool
link_next(struct imap_link *l, struct imap_response *r)
{
	char tag[32];
	int n = snprintf(tag, sizeof(tag), "a%u OK", l->tag);

	read_response(l, r);
	if (str_starts(r->line, STR("* ")) &&
	    !str_starts(r->line, STR("* BAD")))
		return true;
	if (!str_starts(r->line, (struct str){tag, (size_t)n}))
		load_die("command %u: %.*s", l->tag, STR_FMT(r->line));
	return false;
}

size_t
link_finish(struct imap_link *l)
{
	struct imap_response r;
	size_t n = 0;

	while (link_next(l, &r))
		n++;
	return n;
}

bool
link_is(const struct imap_response *r, const char *name, uint64_t *number,
    struct str *rest)
{
	struct str line = str_after(r->line, 2);

	return str_to_u64(str_cut(&line, ' '), UINT32_MAX, number) &&
	       str_eq(str_cut(&line, ' '), str_of(name)) &&
	       (*rest = line, true);
}

void
link_login(struct imap_link *l, struct str user, const char *password)
{
	link_command(l, "LOGIN %.*s %s", STR_FMT(user), password);
	link_finish(l);
}

void
link_logout(struct imap_link *l)
{
	link_command(l, "LOGOUT");
	link_finish(l);
}
