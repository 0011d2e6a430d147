/* SPDX-License-Identifier: MIT */
/*
 * seen_load: how long from the final dot of a message until a user agent that
 * idles in its mailbox is told of it.
 *
 *	seen_load [option...] SMTP-ADDRESS:PORT IMAP-ADDRESS:PORT
 *	  -n N     messages, one after the other (1000)
 *	  -s N     octets of each (10240)
 *	  -d NAME  domain (d.test): they go to seen@NAME
 *	  -w TEXT  its password (secret)
 *	  -N       the session does not idle, but asks with NOOP again and again
 *
 * The session has INBOX selected and is in IDLE (RFC 2177); EXISTS must say one
 * more than before, and the message of the last one must be the one that was
 * sent.  On standard output one line of JSON: until EXISTS came, and until the
 * 250 came, each p50 and p99.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/imap_link.h"
#include "tests/bench/load.h"

struct options {
	const char *smtp, *imap, *domain, *password;
	uint64_t messages, size;
	bool asks;
};

struct seen_load {
	struct options o;
	struct imap_link imap, smtp; /* of smtp only lines are used */
	uint64_t exists;
	bool asked; /* a NOOP is under way */
	struct load_times seen, accepted;
};

/* ---- one line after another, of either ---- */

/* The next line that is whole in l->in; false if more must come. */
static bool
have_line(struct imap_link *l, struct str *line)
{
	struct str rest = str_after(buf_str(&l->in), l->at);
	size_t end;

	if (!str_find(rest, '\n', &end))
		return false;
	*line = str_first(rest, end);
	l->at += end + 1;
	return true;
}

static void
hear(struct imap_link *l)
{
	char *room;
	ssize_t n;

	buf_drop(&l->in, l->at);
	l->at = 0;
	room = buf_reserve(&l->in, 16 * KB);
	if (room == NULL)
		load_die("too long a line");
	n = recv(l->fd, room, 16 * KB, 0);
	if (n <= 0)
		load_die("a server closed the connection");
	buf_added(&l->in, (size_t)n);
}

static struct str
next_line(struct imap_link *l)
{
	struct str line;

	while (!have_line(l, &line))
		hear(l);
	return line;
}

/* A whole SMTP reply. */
static void
expect_reply(struct seen_load *s, const char *code)
{
	struct str line;

	do
		line = next_line(&s->smtp);
	while (line.len > 3 && line.at[3] == '-');
	if (!str_starts(line, str_of(code)))
		load_die("waited for %s and got %.*s", code, STR_FMT(line));
}

static void
say(struct seen_load *s, const char *text, const char *code)
{
	link_send(&s->smtp, str_of(text));
	expect_reply(s, code);
}

static void
open_smtp(struct seen_load *s)
{
	struct str port = str_of(s->o.smtp);
	char *ip = mem_dup(str_cut(&port, ':'));
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t number;
	int one = 1;

	if (inet_pton(AF_INET, ip, &to.sin_addr) != 1 ||
	    !str_to_u64(port, UINT16_MAX, &number))
		load_die("%s: it must be like 127.0.0.1:25", s->o.smtp);
	free(ip);
	to.sin_port = htons((uint16_t)number);
	buf_init(&s->smtp.in, 64 * KB);
	s->smtp.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->smtp.fd == -1 ||
	    connect(s->smtp.fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		load_die("%s: %s", s->o.smtp, strerror(errno));
	setsockopt(s->smtp.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	expect_reply(s, "220");
	say(s, "EHLO load.test\r\n", "250");
}

/* ---- a message, and who waits for it ---- */

static void
begin_idle(struct seen_load *s)
{
	struct imap_response r;
	struct str rest;
	uint64_t n;

	link_command(&s->imap, "SELECT INBOX");
	while (link_next(&s->imap, &r))
		if (link_is(&r, "EXISTS", &n, &rest))
			s->exists = n;
	if (s->o.asks)
		return;
	link_command(&s->imap, "IDLE");
	while (!str_starts(next_line(&s->imap), STR("+")))
		;
}

/* What the session is told, as far as it has come; true if it is one more. */
static bool
is_told(struct seen_load *s)
{
	bool told = false;
	struct str line;

	while (have_line(&s->imap, &line)) {
		struct str rest = str_after(line, 2);
		uint64_t n;

		if (s->asked && str_starts(line, STR("a"))) {
			s->asked = false;
			continue;
		}
		if (!str_starts(line, STR("* ")))
			load_die("it ended: %.*s", STR_FMT(line));
		if (!str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &n) ||
		    !str_starts(rest, STR("EXISTS")))
			continue;
		/* some say the old number again */
		if (n != s->exists && n != s->exists + 1)
			load_die("%llu messages instead of %llu",
			    (unsigned long long)n,
			    (unsigned long long)s->exists + 1);
		told |= n == s->exists + 1;
		s->exists = n;
	}
	return told;
}

static struct buf
compose(const struct options *o, uint64_t number)
{
	struct buf b;

	buf_init(&b, o->size + 2 * KB);
	buf_addf(&b,
	    "From: sender@load.test\r\nTo: seen@%s\r\nSubject: seen %llu\r\n"
	    "Message-ID: <%llu.%lld@load.test>\r\n\r\n",
	    o->domain, (unsigned long long)number, (unsigned long long)number,
	    (long long)load_now_us());
	while (b.len < o->size)
		buf_add(&b, STR("It is a letter of which somebody waits to "
				"hear, line after line of it.\r\n"));
	return b;
}

/* The dot is sent: both answers. */
static void
wait_for_both(struct seen_load *s, int64_t since_us)
{
	bool told = false, accepted = false;

	while (!told || !accepted || s->asked) {
		if (s->o.asks && !s->asked && !told) {
			link_command(&s->imap, "NOOP");
			s->asked = true;
		}
		struct pollfd fds[] = {
		    {s->imap.fd, POLLIN, 0},
                    {s->smtp.fd, POLLIN, 0}
                };

		if (poll(fds, 2, 60000) <= 0)
			load_die("nobody was told for a minute");
		if (fds[0].revents != 0) {
			hear(&s->imap);
			if (is_told(s)) {
				told = true;
				load_times_add(
				    &s->seen, load_now_us() - since_us);
			}
		}
		if (fds[1].revents != 0) {
			expect_reply(s, "250");
			accepted = true;
			load_times_add(&s->accepted, load_now_us() - since_us);
		}
	}
}

static void
one(struct seen_load *s, uint64_t number)
{
	struct buf letter = compose(&s->o, number);
	char rcpt[300];
	int64_t since;

	snprintf(rcpt, sizeof(rcpt), "RCPT TO:<seen@%.200s>\r\n", s->o.domain);
	say(s, "MAIL FROM:<sender@load.test>\r\n", "250");
	say(s, rcpt, "250");
	say(s, "DATA\r\n", "354");
	link_send(&s->smtp, buf_str(&letter));
	since = load_now_us();
	link_send(&s->smtp, STR(".\r\n"));
	wait_for_both(s, since);
	buf_release(&letter);
}

/* The last is what was sent last. */
static void
look(struct seen_load *s)
{
	struct imap_response r;
	struct str rest;
	uint64_t n, found = 0;

	if (!s->o.asks) {
		link_send(&s->imap, STR("DONE\r\n"));
		link_finish(&s->imap);
	}
	link_command(&s->imap, "SEARCH SUBJECT \"seen %llu\"",
	    (unsigned long long)s->o.messages - 1);
	while (link_next(&s->imap, &r)) {
		rest = r.line;
		for (struct str word; rest.len > 0;) {
			word = str_cut(&rest, ' ');
			if (str_to_u64(word, UINT32_MAX, &n))
				found = n;
		}
	}
	if (found != s->exists)
		load_die("the last message is number %llu of %llu",
		    (unsigned long long)found, (unsigned long long)s->exists);
	link_logout(&s->imap);
}

static struct options
read_options(int argc, char **argv)
{
	struct options o = {.domain = "d.test",
	    .password = "secret",
	    .messages = 1000,
	    .size = 10240};
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:d:w:N")) != -1)
		switch (opt) {
		case 'n':
			good &= str_to_u64(
			    str_of(optarg), 10000000, &o.messages);
			break;
		case 's':
			good &= str_to_u64(str_of(optarg), 64 * MB, &o.size);
			break;
		case 'd':
			o.domain = optarg;
			break;
		case 'w':
			o.password = optarg;
			break;
		case 'N':
			o.asks = true;
			break;
		default:
			exit(2);
		}
	if (!good || optind != argc - 2 || o.messages == 0)
		load_die("usage: seen_load [option...] SMTP:PORT IMAP:PORT");
	o.smtp = argv[optind];
	o.imap = argv[optind + 1];
	return o;
}

int
main(int argc, char **argv)
{
	struct seen_load s = {.o = read_options(argc, argv)};
	char user[300];

	snprintf(user, sizeof(user), "seen@%.200s", s.o.domain);
	link_open(&s.imap, s.o.imap);
	link_login(&s.imap, str_of(user), s.o.password);
	open_smtp(&s);
	begin_idle(&s);
	for (uint64_t i = 0; i < s.o.messages; i++)
		one(&s, i);
	look(&s);
	printf("{\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"accepted_p50_ms\": "
	       "%.3f, \"accepted_p99_ms\": %.3f, \"messages\": %zu}\n",
	    load_times_ms(&s.seen, 50), load_times_ms(&s.seen, 99),
	    load_times_ms(&s.accepted, 50), load_times_ms(&s.accepted, 99),
	    s.seen.n);
	link_close(&s.imap);
	link_close(&s.smtp);
	free(s.seen.us);
	free(s.accepted.us);
	return 0;
}
