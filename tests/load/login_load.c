/* SPDX-License-Identifier: MIT */
/*
 * login_load: so many wrong logins a second, each on a TLS connection of its
 * own.
 *
 *	login_load [option...] SERVICE=ADDRESS:PORT...
 *	  -r N     logins a second, over all services (500)
 *	  -t S     for so long (10)
 *	  -c N     under way at once, at most (400)
 *	  -a N     addresses they come from, 127.66.0.0 on (2000)
 *	  -n N     so many of them in a /24 (250)
 *	  -u N     names that exist, user0@d.test...: of every other guess
 *	  -w S     longest wait for an answer (60)
 *
 * SERVICE: submissions, pop3s or imaps, in turn.  No two passwords are the
 * same. On standard output one line of JSON: how they were answered, and how
 * long from connecting to the answer.  It ends with 1 if somebody was let in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/bench/load.h"

#define SERVICES_MAX 8
#define LINE_MAX_LEN 2048
#define STACK        (256 * KB)

enum answer {
	ANSWER_WRONG,   /* looked at, and no */
	ANSWER_PUT_OFF, /* come again later */
	ANSWER_CLOSED, /* turned away before it could be tried, or hung up on */
	ANSWER_SILENT, /* none in time */
	ANSWER_LET_IN,
	ANSWERS
};

static const char *const answer_names[ANSWERS] = {
    "wrong", "put_off", "closed", "silent", "let_in"};

/* How a protocol is spoken: what to say before the login, and how answers
 * begin. */
static const struct protocol {
	const char *name, *hello, *hello_ends;
	const char *wrong, *put_off;
} protocols[] = {
    {"submissions", "EHLO load.test\r\n", "250 ", "535",         "4"         },
    {"pop3s",       NULL,                 NULL,   "-ERR [AUTH]", "-ERR [SYS/"},
    {"imaps",       NULL,                 NULL,   "a NO [AUTH",  "a NO [UNA" },
};

struct service {
	const struct protocol *protocol;
	struct sockaddr_in at;
};

struct login_load {
	uint64_t rate, seconds, threads, addresses, of_network, users, wait_s;
	struct service services[SERVICES_MAX];
	size_t n_services;
	SSL_CTX *tls;
	int64_t began_us, until_us;
	atomic_uint_fast64_t next; /* the number of the next login */
	pthread_mutex_t lock;
	uint64_t answers[ANSWERS]; /* under lock */
	struct load_times times;   /* under lock: wrong and put off */
	int64_t last_us;           /* under lock */
};

/* One login. */
struct attempt {
	const struct login_load *l;
	const struct service *service;
	uint64_t number;
	SSL *ssl;
	char line[LINE_MAX_LEN];
	size_t len; /* of what has come */
};

/* ---- one line after another, blocking ---- */

static bool
say(struct attempt *a, const char *text)
{
	return SSL_write(a->ssl, text, (int)strlen(text)) > 0;
}

/* The next line into a->line, as a string without CRLF. */
static bool
hear(struct attempt *a)
{
	for (a->len = 0; a->len + 1 < sizeof(a->line); a->len++) {
		char *c = &a->line[a->len];

		if (SSL_read(a->ssl, c, 1) <= 0)
			return false;
		if (*c != '\n')
			continue;
		*c = '\0';
		if (a->len > 0 && c[-1] == '\r')
			c[-1] = '\0';
		return true;
	}
	return false;
}

static bool
starts(const struct attempt *a, const char *with)
{
	return strncmp(a->line, with, strlen(with)) == 0;
}

/* Every other guess is at a name that exists. */
static void
name_of(const struct attempt *a, char name[64])
{
	uint64_t users = a->l->users, n = a->number;

	if (users > 0 && n % 2 == 0)
		snprintf(name, 64, "user%" PRIu64 "@d.test", n / 2 % users);
	else
		snprintf(name, 64, "nobody%" PRIu64 "@d.test", n);
}

static bool
say_login(struct attempt *a)
{
	char name[64], text[256];
	struct buf b;
	bool said;

	name_of(a, name);
	if (strcmp(a->service->protocol->name, "imaps") == 0) {
		snprintf(text, sizeof(text),
		    "a LOGIN %s guess-%" PRIu64 "-%d\r\n", name, a->number,
		    (int)getpid());
		return say(a, text);
	}
	buf_init(&b, KB);
	buf_add(&b, STR("AUTH PLAIN "));
	int n = snprintf(text, sizeof(text), "%c%s%cguess-%" PRIu64 "-%d", '\0',
	    name, '\0', a->number, (int)getpid());
	enc_base64((struct str){text, (size_t)n}, &b);
	buf_add(&b, STR("\r\n"));
	said = SSL_write(a->ssl, b.data, (int)b.len) > 0;
	buf_release(&b);
	return said;
}

static enum answer
converse(struct attempt *a)
{
	const struct protocol *p = a->service->protocol;

	if (!hear(a)) /* the greeting */
		return ANSWER_CLOSED;
	if (p->hello != NULL) {
		if (!say(a, p->hello))
			return ANSWER_CLOSED;
		do {
			if (!hear(a))
				return ANSWER_CLOSED;
		} while (!starts(a, p->hello_ends) && starts(a, "250-"));
	}
	if (!say_login(a))
		return ANSWER_CLOSED;
	do {
		if (!hear(a))
			return errno == EAGAIN ? ANSWER_SILENT : ANSWER_CLOSED;
	} while (starts(a, "* "));
	if (starts(a, p->wrong))
		return ANSWER_WRONG;
	if (starts(a, p->put_off))
		return ANSWER_PUT_OFF;
	if (starts(a, "235") || starts(a, "+OK") || starts(a, "a OK"))
		return ANSWER_LET_IN;
	return ANSWER_CLOSED;
}

/* ---- connections ---- */

static int
connect_from(const struct login_load *l, const struct service *s, uint64_t n)
{
	struct timeval wait = {(time_t)l->wait_s, 0};
	struct linger gone = {1, 0}; /* no port is kept waiting */
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		load_die("socket: %s", strerror(errno));
	n %= l->addresses;
	from.sin_addr.s_addr = htonl(0x7f420000U +
				     (uint32_t)(n / l->of_network) * 256 +
				     (uint32_t)(n % l->of_network) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof(gone));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (const struct sockaddr *)&s->at, sizeof(s->at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static enum answer
attempt(struct login_load *l, uint64_t number)
{
	struct attempt a = {.l = l,
	    .number = number,
	    .service = &l->services[number % l->n_services]};
	enum answer answer = ANSWER_CLOSED;
	int fd = connect_from(l, a.service, number);

	if (fd == -1)
		return ANSWER_CLOSED;
	a.ssl = SSL_new(l->tls);
	SSL_set_fd(a.ssl, fd);
	if (SSL_connect(a.ssl) == 1)
		answer = converse(&a);
	SSL_free(a.ssl);
	close(fd);
	return answer;
}

static void
sleep_until(int64_t at_us)
{
	int64_t left = at_us - load_now_us();

	if (left > 0)
		usleep((useconds_t)left);
}

/* Logins are due at a steady pace; a thread that is free does the next. */
static void *
run(void *arg)
{
	struct login_load *l = arg;

	for (;;) {
		uint64_t number = atomic_fetch_add(&l->next, 1);
		int64_t due = l->began_us +
		              (int64_t)(number * 1000000 / l->rate);
		int64_t start;
		enum answer answer;

		if (due >= l->until_us || load_now_us() >= l->until_us)
			return NULL;
		sleep_until(due);
		start = load_now_us();
		answer = attempt(l, number);
		pthread_mutex_lock(&l->lock);
		l->answers[answer]++;
		l->last_us = load_now_us();
		if (answer <= ANSWER_PUT_OFF)
			load_times_add(&l->times, l->last_us - start);
		pthread_mutex_unlock(&l->lock);
	}
}

/* ---- what is wanted, and what came of it ---- */

static void
take_service(struct login_load *l, char *text)
{
	struct str rest = str_of(text);
	struct str name = str_cut(&rest, '='), ip = str_cut(&rest, ':');
	struct service *s = &l->services[l->n_services];
	char *ip_text = mem_dup(ip);
	uint64_t port = 0;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (str_eq(name, str_of(protocols[i].name)))
			s->protocol = &protocols[i];
	s->at.sin_family = AF_INET;
	if (s->protocol == NULL || l->n_services == SERVICES_MAX - 1 ||
	    inet_pton(AF_INET, ip_text, &s->at.sin_addr) != 1 ||
	    !str_to_u64(rest, UINT16_MAX, &port))
		load_die("%s: it must be like imaps=127.0.0.1:1993", text);
	s->at.sin_port = htons((uint16_t)port);
	l->n_services++;
	free(ip_text);
}

static void
read_options(int argc, char **argv, struct login_load *l)
{
	static const char letters[] = "rtcanuw";
	uint64_t *const numbers[] = {&l->rate, &l->seconds, &l->threads,
	    &l->addresses, &l->of_network, &l->users, &l->wait_s};
	int opt;

	while ((opt = getopt(argc, argv, "r:t:c:a:n:u:w:")) != -1) {
		const char *at = strchr(letters, opt);

		if (at == NULL ||
		    !str_to_u64(str_of(optarg), 50000, numbers[at - letters]))
			load_die("login_load: -%c: no such number", opt);
	}
	for (int i = optind; i < argc; i++)
		take_service(l, argv[i]);
	if (l->n_services == 0 || l->rate == 0 || l->addresses == 0 ||
	    l->of_network == 0 || l->of_network > 250)
		load_die("usage: login_load [option...] "
			 "SERVICE=ADDRESS:PORT...");
}

static void
report(struct login_load *l)
{
	double took = (double)(l->last_us - l->began_us) / 1e6;
	uint64_t all = 0;

	printf("{");
	for (int i = 0; i < ANSWERS; i++) {
		printf("\"%s\": %" PRIu64 ", ", answer_names[i], l->answers[i]);
		all += l->answers[i];
	}
	printf("\"all\": %" PRIu64 ", \"seconds\": %.3f, \"per_second\": %.1f, "
	       "\"p50_ms\": %.1f, \"p99_ms\": %.1f, \"worst_ms\": %.1f}\n",
	    all, took, took > 0 ? (double)all / took : 0,
	    load_times_ms(&l->times, 50), load_times_ms(&l->times, 99),
	    load_times_ms(&l->times, 100));
}

int
main(int argc, char **argv)
{
	struct login_load l = {.rate = 500,
	    .seconds = 10,
	    .threads = 400,
	    .addresses = 2000,
	    .of_network = 250,
	    .wait_s = 60,
	    .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_attr_t small;
	pthread_t *threads;

	read_options(argc, argv, &l);
	signal(SIGPIPE, SIG_IGN); /* a server may close first */
	l.tls = SSL_CTX_new(TLS_client_method());
	threads = mem_new(l.threads, sizeof(*threads));
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	l.began_us = l.last_us = load_now_us();
	l.until_us = l.began_us + (int64_t)l.seconds * 1000000;
	for (uint64_t i = 0; i < l.threads; i++)
		if (pthread_create(&threads[i], &small, run, &l) != 0)
			load_die("no thread");
	for (uint64_t i = 0; i < l.threads; i++)
		pthread_join(threads[i], NULL);
	report(&l);
	pthread_attr_destroy(&small);
	SSL_CTX_free(l.tls);
	free(threads);
	free(l.times.us);
	return l.answers[ANSWER_LET_IN] > 0 ? 1 : 0;
}
