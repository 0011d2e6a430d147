/* SPDX-License-Identifier: MIT */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/mem.h"

#define EVENTS    256
#define PIECE     (16 * (int)KB)
#define LINE_MOST (64 * (int)KB)

struct load {
	struct sockaddr_in at;
	struct load_host host;
	SSL_CTX *tls;
	int epoll;
	size_t open;
};

void
load_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int64_t
load_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
load_times_add(struct load_times *t, int64_t us)
{
	if (t->n == t->room) {
		t->room = t->room == 0 ? 4096 : t->room * 2;
		t->us = mem_grow(t->us, t->room, sizeof(*t->us));
	}
	t->us[t->n++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

double
load_times_ms(struct load_times *t, double percentile)
{
	if (t->n == 0)
		return 0;
	qsort(t->us, t->n, sizeof(*t->us), compare);
	return t->us[(size_t)((double)(t->n - 1) * percentile / 100)] / 1000.0;
}

struct load *
load_new(const char *address_port, const struct load_host *host)
{
	struct load *l = MEM_NEW(struct load);
	struct str port = str_of(address_port);
	struct str ip = str_cut(&port, ':');
	char *text = mem_dup(ip);
	uint64_t number;

	l->host = *host;
	l->at.sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &l->at.sin_addr) != 1 ||
	    !str_to_u64(port, UINT16_MAX, &number))
		load_die("%s: it must be like 127.0.0.1:2525", address_port);
	l->at.sin_port = htons((uint16_t)number);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll == -1)
		load_die("epoll: %s", strerror(errno));
	free(text);
	l->tls = SSL_CTX_new(TLS_client_method());
	if (l->tls == NULL)
		load_die("no TLS");
	signal(SIGPIPE, SIG_IGN);
	SSL_CTX_set_mode(l->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				     SSL_MODE_RELEASE_BUFFERS);
	return l;
}

void
load_free(struct load *l)
{
	SSL_CTX_free(l->tls);
	close(l->epoll);
	free(l);
}

static void
watch(struct load_conn *c, int op)
{
	struct epoll_event e = {
	    .events = EPOLLIN | (c->wants_out ? EPOLLOUT : 0), .data.ptr = c};

	if (epoll_ctl(c->load->epoll, op, c->fd, &e) == -1)
		load_die("epoll: %s", strerror(errno));
}

void
load_connect(struct load *l, struct load_conn *c)
{
	int one = 1;

	c->load = l;
	c->ssl = NULL;
	c->wants_out = l->host.tls; /* once connected, we speak first */
	buf_init(&c->in, LINE_MOST);
	buf_init(&c->out, 64 * MB);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		load_die("socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&l->at, sizeof(l->at)) == -1 &&
	    errno != EINPROGRESS)
		load_die("connect: %s", strerror(errno));
	l->open++;
	watch(c, EPOLL_CTL_ADD);
	if (l->host.tls)
		load_secure(c);
}

void
load_secure(struct load_conn *c)
{
	c->ssl = SSL_new(c->load->tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		load_die("no TLS");
	SSL_set_connect_state(c->ssl);
}

static void
end(struct load_conn *c)
{
	struct load *l = c->load;

	SSL_free(c->ssl);
	close(c->fd);
	c->fd = -1;
	buf_release(&c->in);
	buf_release(&c->out);
	l->open--;
	l->host.closed(c);
}

/* What came of SSL_read() or SSL_write(), as recv() and send() would say it. */
static ssize_t
in_their_words(struct load_conn *c, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = ECONNRESET;
		return -1;
	}
}

static ssize_t
put(struct load_conn *c)
{
	if (c->ssl == NULL)
		return send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
	return in_their_words(
	    c, SSL_write(c->ssl, c->out.data, (int)c->out.len));
}

static ssize_t
get(struct load_conn *c, char *room, int size)
{
	if (c->ssl == NULL)
		return recv(c->fd, room, (size_t)size, 0);
	return in_their_words(c, SSL_read(c->ssl, room, size));
}

/* The handshake, as far as it goes now; false if it failed. */
static bool
shake_hands(struct load_conn *c)
{
	if (c->ssl == NULL || SSL_is_init_finished(c->ssl))
		return true;
	return in_their_words(c, SSL_do_handshake(c->ssl)) > 0 ||
	       errno == EAGAIN;
}

/* What the socket takes now; false if the connection is lost. */
static bool
flush(struct load_conn *c)
{
	bool wants;

	if (!shake_hands(c))
		return false;
	while (c->out.len > 0) {
		ssize_t n = put(c);

		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1)
			return false;
		buf_drop(&c->out, (size_t)n);
	}
	wants = c->ssl != NULL ? SSL_want_write(c->ssl) : c->out.len > 0;
	if (wants != c->wants_out) {
		c->wants_out = wants;
		watch(c, EPOLL_CTL_MOD);
	}
	return true;
}

void
load_send(struct load_conn *c, struct str text)
{
	buf_add(&c->out, text);
	if (c->out.overrun)
		load_die("more to send than memory for it");
}

void
load_flush(struct load_conn *c)
{
	(void)flush(c); /* epoll will say that it is lost */
}

/* Every whole line in `in'; false if the host wants no more. */
static bool
serve(struct load_conn *c)
{
	size_t at;

	while (str_find(buf_str(&c->in), '\n', &at)) {
		struct str line = str_first(buf_str(&c->in), at);

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (!c->load->host.line(c, line))
			return false;
		buf_drop(&c->in, at + 1);
	}
	return true;
}

/* False when the connection is over. */
static bool
take(struct load_conn *c)
{
	for (;;) {
		char *room = buf_reserve(&c->in, PIECE);
		ssize_t n;

		if (room == NULL)
			load_die("the server sent a line over %d KiB",
			    (LINE_MOST - PIECE) / (int)KB);
		n = get(c, room, PIECE);
		if (n == -1)
			return errno == EAGAIN && flush(c);
		buf_added(&c->in, (size_t)n);
		if (n == 0 || !serve(c) || !flush(c))
			return false;
		/* epoll knows nothing of what OpenSSL holds already */
		if (c->ssl == NULL || SSL_pending(c->ssl) == 0)
			return true;
	}
}

bool
load_turn(struct load *l, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, wait_ms);

	for (int i = 0; i < n; i++) {
		struct load_conn *c = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT && !flush(c)) ||
		    (events[i].events & ~(uint32_t)EPOLLOUT && !take(c)))
			end(c);
	}
	return l->open > 0;
}

void
load_run(struct load *l)
{
	while (l->open > 0)
		load_turn(l, -1);
}
