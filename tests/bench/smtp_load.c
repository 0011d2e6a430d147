/* SPDX-License-Identifier: MIT */
/*
 * smtp_load: bring mail to a server as fast as it takes it.
 *
 *	smtp_load [option...] ADDRESS:PORT
 *	  -c N     connections (1)
 *	  -t S     seconds in which new messages begin (5)
 *	  -m N     or: end after so many messages; with both, what comes first
 *	  -s N     octets of a message (10240)
 *	  -r N     recipients of each message (1)
 *	  -a N     accounts they are drawn from in turn (100): user0@DOMAIN...
 *	  -b N     the first of them (0)
 *	  -d NAME  DOMAIN (d.test)
 *	  -f FILE  send these messages, in turn, instead of made up ones: each
 *	           with its final dot; before it goes a Message-ID of its own
 *	  -L FILE  write the made up ones there, as -f would read them
 *	  -F ADDR  sender of the envelope (sender@load.test)
 *	  -u NAME:PASSWORD  log in first, once in a connection
 *	  -S       STARTTLS first; -T  TLS from the first octet on
 *	  -n       a new connection for every message
 *	  -p       MAIL, RCPT and DATA in one piece (RFC 2920)
 *
 * A # in ADDR or NAME is the number of the connection, below -a.  Connections
 * that are kept begin when all of them are ready, or none has become so for
 * three seconds: a server may take no more at once.
 *
 * Every reply is looked at; the first that is not the one hoped for is shown,
 * and the program then ends with 1.  On standard output one line of JSON:
 * messages answered with 250, those a second since the first MAIL (with -n:
 * since connecting), how long one took, from MAIL (with -n: from connecting)
 * to the 250 for its data, and the run: message i of it has the Message-ID
 * <run.i@load.test>, ten digits of i, and is made up letter i modulo how many
 * -L writes.
 */
#include <string.h>
#include <unistd.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/bench/letter.h"
#include "tests/bench/load.h"

#define TEXTS       64
#define TEXTS_SIZE  (64 * MB)
#define PATIENCE_US 3000000
#define HEAD_MAX    500

struct options {
	const char *at, *domain, *file, *letters, *sender, *login;
	uint64_t connections, seconds, messages, size, recipients, accounts;
	uint64_t first_account;
	bool anew, pipelining, starttls, tls;
};

enum step {
	GREETING,
	EHLO,
	STARTTLS,
	AUTH,
	READY, /* until the others are */
	MAIL,
	RCPT,
	DATA,
	MESSAGE,
	QUIT
};

struct smtp_load {
	struct options o;
	struct load *load;
	char *texts[TEXTS]; /* bodies with the final dot, or with -f what
	                     * follows the Message-ID */
	size_t n_texts;
	uint64_t run; /* tells this run's Message-IDs from others' */
	int64_t began_us, until_us, last_us;
	uint64_t begun, sent, accepted, failed, next_account;
	struct client *clients;
	uint64_t ready; /* clients that are or were */
	int64_t last_ready_us;
	bool started;
	struct load_times times;
};

struct client {
	struct load_conn conn; /* first: cast back */
	struct smtp_load *s;
	uint64_t number;
	enum step step;
	uint64_t rcpts; /* replies to come, or commands to send */
	uint64_t next_account;
	int64_t since_us;
	bool broken;
};

/* The file's messages: each ends with its dot. */
static void
read_texts(struct smtp_load *s)
{
	char line[KB];
	FILE *f = fopen(s->o.file, "r");
	struct buf text;

	if (f == NULL)
		load_die("smtp_load: %s cannot be read", s->o.file);
	buf_init(&text, 64 * MB);
	while (s->n_texts < TEXTS && fgets(line, sizeof(line), f) != NULL) {
		buf_add(&text, str_of(line));
		if (str_eq(str_of(line), STR(".\r\n")))
			s->texts[s->n_texts++] = buf_take(&text);
	}
	if (s->n_texts == 0 || text.len > 0)
		load_die("smtp_load: %s does not end with a dot", s->o.file);
	buf_release(&text);
	fclose(f);
}

static bool
may_begin(const struct smtp_load *s)
{
	if (s->failed > 0)
		return false;
	if (s->o.messages > 0 && s->begun >= s->o.messages)
		return false;
	return s->o.seconds == 0 || load_now_us() < s->until_us;
}

/* With the client's number for the #. */
static void
add_name(const struct client *k, const char *name, struct buf *out)
{
	struct str rest = str_of(name);

	buf_add(out, str_cut(&rest, '#'));
	if (strchr(name, '#') != NULL)
		buf_addf(out, "%llu",
		    (unsigned long long)(k->number % k->s->o.accounts));
	buf_add(out, rest);
}

static void
send_mail(struct client *k)
{
	struct buf line;

	buf_init(&line, KB);
	buf_add(&line, STR("MAIL FROM:<"));
	add_name(k, k->s->o.sender, &line);
	buf_add(&line, STR(">\r\n"));
	load_send(&k->conn, buf_str(&line));
	buf_release(&line);
}

static void
send_rcpt(struct client *k)
{
	struct smtp_load *s = k->s;
	char text[300];
	int n = snprintf(text, sizeof(text), "RCPT TO:<user%llu@%s>\r\n",
	    (unsigned long long)(s->o.first_account +
				 k->next_account++ % s->o.accounts),
	    s->o.domain);

	load_send(&k->conn, (struct str){text, (size_t)n});
}

static void
start_clock(struct smtp_load *s)
{
	s->began_us = s->last_us = load_now_us();
	s->until_us = s->began_us + (int64_t)s->o.seconds * 1000000;
}

static void
log_in(struct client *k)
{
	struct buf plain, line;

	buf_init(&plain, KB);
	buf_init(&line, 2 * KB);
	buf_add_char(&plain, '\0');
	add_name(k, k->s->o.login, &plain);
	for (size_t i = 1; i < plain.len; i++)
		if (plain.data[i] == ':') {
			plain.data[i] = '\0';
			break;
		}
	buf_add(&line, STR("AUTH PLAIN "));
	enc_base64(buf_str(&plain), &line);
	buf_add(&line, STR("\r\n"));
	k->step = AUTH;
	load_send(&k->conn, buf_str(&line));
	buf_release(&plain);
	buf_release(&line);
}

static void
begin(struct client *k)
{
	struct smtp_load *s = k->s;

	if (!may_begin(s)) {
		k->step = QUIT;
		load_send(&k->conn, STR("QUIT\r\n"));
		return;
	}
	s->begun++;
	if (!s->o.anew)
		k->since_us = load_now_us();
	k->step = MAIL;
	k->rcpts = s->o.recipients;
	k->next_account = s->next_account; /* none twice in one message */
	s->next_account += s->o.recipients;
	send_mail(k);
	if (s->o.pipelining) {
		for (uint64_t i = 0; i < s->o.recipients; i++)
			send_rcpt(k);
		load_send(&k->conn, STR("DATA\r\n"));
	}
}

/* All are ready, or one will never be. */
static void
begin_all(struct smtp_load *s)
{
	s->started = true;
	start_clock(s);
	for (uint64_t i = 0; i < s->o.connections; i++)
		if (s->clients[i].step == READY) {
			begin(&s->clients[i]);
			load_flush(&s->clients[i].conn);
		}
}

static void
be_ready(struct client *k)
{
	struct smtp_load *s = k->s;

	if (s->started) {
		begin(k);
		return;
	}
	k->step = READY;
	s->last_ready_us = load_now_us();
	if (++s->ready == s->o.connections || s->failed > 0)
		begin_all(s);
}

static void
failed(struct smtp_load *s)
{
	s->failed++;
	if (!s->started)
		begin_all(s);
}

/* Nearly as long as the first time, so that all messages have one size.  With
 * the author that whoever submits must have. */
static size_t
write_head(const struct client *k, char head[HEAD_MAX])
{
	const struct smtp_load *s = k->s;
	struct buf from;
	int n = 0;

	buf_init(&from, KB);
	add_name(k, s->o.sender, &from);
	if (s->o.file == NULL)
		n = snprintf(head, HEAD_MAX,
		    "Subject: load\r\nFrom: %.100s\r\nTo: people@%.100s\r\n"
		    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
		    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
		    "boundary=\"=_load\"\r\n",
		    from.data, s->o.domain);
	n += snprintf(head + n, HEAD_MAX - (size_t)n,
	    "Message-ID: <%016llx.%010llu@load.test>\r\n%s",
	    (unsigned long long)s->run, (unsigned long long)s->sent,
	    s->o.file == NULL ? "\r\n" : "");
	buf_release(&from);
	return (size_t)n;
}

static void
send_message(struct client *k)
{
	struct smtp_load *s = k->s;
	char head[HEAD_MAX];
	size_t n = write_head(k, head);

	load_send(&k->conn, (struct str){head, n});
	load_send(&k->conn, str_of(s->texts[s->sent++ % s->n_texts]));
}

static void
accepted(struct client *k)
{
	struct smtp_load *s = k->s;

	s->last_us = load_now_us();
	s->accepted++;
	load_times_add(&s->times, s->last_us - k->since_us);
	if (!s->o.anew) {
		begin(k);
		return;
	}
	k->step = QUIT;
	load_send(&k->conn, STR("QUIT\r\n"));
}

static void
say_hello(struct client *k)
{
	k->step = EHLO;
	load_send(&k->conn, STR("EHLO load.test\r\n"));
}

static void
after_hello(struct client *k)
{
	if (k->s->o.starttls && k->conn.ssl == NULL) {
		k->step = STARTTLS;
		load_send(&k->conn, STR("STARTTLS\r\n"));
	} else if (k->s->o.login != NULL) {
		log_in(k);
	} else {
		be_ready(k);
	}
}

/* The reply we waited for came: what next? */
static bool
advance(struct client *k)
{
	bool pipelining = k->s->o.pipelining;

	switch (k->step) {
	case GREETING:
		say_hello(k);
		return true;
	case EHLO:
		after_hello(k);
		return true;
	case STARTTLS:
		load_secure(&k->conn);
		say_hello(k);
		return true;
	case AUTH:
		be_ready(k);
		return true;
	case MAIL:
		k->step = RCPT;
		if (!pipelining)
			send_rcpt(k);
		return true;
	case RCPT:
		if (--k->rcpts > 0) {
			if (!pipelining)
				send_rcpt(k);
			return true;
		}
		k->step = DATA;
		if (!pipelining)
			load_send(&k->conn, STR("DATA\r\n"));
		return true;
	case DATA:
		k->step = MESSAGE;
		send_message(k);
		return true;
	case MESSAGE:
		accepted(k);
		return true;
	case READY:
	case QUIT:
		break;
	}
	return false;
}

static bool
on_line(struct load_conn *c, struct str line)
{
	static const char *const hoped[] = {[GREETING] = "220",
	    [EHLO] = "250",
	    [STARTTLS] = "220",
	    [READY] = "nothing",
	    [AUTH] = "235",
	    [MAIL] = "250",
	    [RCPT] = "250",
	    [DATA] = "354",
	    [MESSAGE] = "250",
	    [QUIT] = "221"};
	struct client *k = (struct client *)c;

	if (line.len > 3 && line.at[3] == '-')
		return true;
	if (str_starts(line, str_of(hoped[k->step])))
		return advance(k);
	if (k->s->failed == 0)
		fprintf(stderr, "smtp_load: waited for %s and got: %.*s\n",
		    hoped[k->step], STR_FMT(line));
	k->broken = true;
	failed(k->s);
	return false;
}

static void
connect_one(struct client *k)
{
	k->step = GREETING;
	k->since_us = load_now_us();
	load_connect(k->s->load, &k->conn);
}

static void
on_closed(struct load_conn *c)
{
	struct client *k = (struct client *)c;

	if (k->step != QUIT && !k->broken) {
		if (k->s->failed == 0)
			fprintf(
			    stderr, "smtp_load: the connection was closed\n");
		failed(k->s);
	}
	if (k->step == QUIT && k->s->o.anew && may_begin(k->s))
		connect_one(k);
}

/* Where an option of this letter is kept: a number, a text or a flag. */
static bool
keep_option(struct options *o, int letter, const char *text)
{
	struct {
		char letter;
		uint64_t *number;
		const char **text;
		bool *flag;
	} const rows[] = {
	    {'c', &o->connections,   NULL,        NULL          },
	    {'t', &o->seconds,       NULL,        NULL          },
	    {'m', &o->messages,      NULL,        NULL          },
	    {'s', &o->size,          NULL,        NULL          },
	    {'r', &o->recipients,    NULL,        NULL          },
	    {'a', &o->accounts,      NULL,        NULL          },
	    {'b', &o->first_account, NULL,        NULL          },
	    {'d', NULL,              &o->domain,  NULL          },
	    {'f', NULL,              &o->file,    NULL          },
	    {'L', NULL,              &o->letters, NULL          },
	    {'F', NULL,              &o->sender,  NULL          },
	    {'u', NULL,              &o->login,   NULL          },
	    {'S', NULL,              NULL,        &o->starttls  },
	    {'T', NULL,              NULL,        &o->tls       },
	    {'n', NULL,              NULL,        &o->anew      },
	    {'p', NULL,              NULL,        &o->pipelining},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].letter != letter)
			continue;
		if (rows[i].flag != NULL)
			return *rows[i].flag = true;
		if (rows[i].text != NULL)
			return (*rows[i].text = text) != NULL;
		return str_to_u64(str_of(text), UINT32_MAX, rows[i].number);
	}
	return false;
}

static struct options
read_options(int argc, char **argv)
{
	struct options o = {.domain = "d.test",
	    .sender = "sender@load.test",
	    .connections = 1,
	    .seconds = UINT64_MAX,
	    .size = 10240,
	    .recipients = 1,
	    .accounts = 100};
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "c:t:m:s:r:a:b:d:f:L:F:u:STnp")) != -1)
		good = keep_option(&o, opt, optarg) && good;
	if (o.seconds == UINT64_MAX)
		o.seconds = o.messages > 0 ? 0 : 5;
	if (!good || optind != argc - 1 || o.size < KB || o.accounts == 0 ||
	    o.recipients == 0 || o.connections == 0)
		load_die("usage: smtp_load [option...] ADDRESS:PORT");
	o.at = argv[optind];
	return o;
}

static void
make_texts(struct smtp_load *s)
{
	size_t n = TEXTS_SIZE / s->o.size;
	struct client first = {.s = s};
	char head[HEAD_MAX];

	while (s->n_texts < (n < 1 ? 1 : n < TEXTS ? n : TEXTS)) {
		s->texts[s->n_texts] = letter_compose(
		    s->o.size - write_head(&first, head), s->n_texts + 1);
		s->n_texts++;
	}
}

/* Before the run has a number: its letters as of run 0. */
static void
write_letters(struct smtp_load *s)
{
	FILE *f = fopen(s->o.letters, "w");
	struct client first = {.s = s};
	char head[HEAD_MAX];

	if (f == NULL)
		load_die("smtp_load: %s cannot be written", s->o.letters);
	for (; s->sent < s->n_texts; s->sent++) {
		fwrite(head, 1, write_head(&first, head), f);
		fputs(s->texts[s->sent], f);
	}
	s->sent = 0;
	if (fclose(f) != 0)
		load_die("smtp_load: %s cannot be written", s->o.letters);
}

/* The time is over, and whom no server has greeted yet came in vain. */
static bool
is_over(const struct smtp_load *s)
{
	if (s->o.seconds == 0 || load_now_us() < s->until_us)
		return false;
	for (uint64_t i = 0; i < s->o.connections; i++)
		if (s->clients[i].conn.fd != -1 &&
		    s->clients[i].step != GREETING)
			return false;
	return true;
}

static void
report(struct smtp_load *s)
{
	double took = (double)(s->last_us - s->began_us) / 1e6;

	printf("{\"accepted\": %llu, \"failed\": %llu, \"seconds\": %.3f, "
	       "\"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
	       "\"run\": \"%016llx\"}\n",
	    (unsigned long long)s->accepted, (unsigned long long)s->failed,
	    took, took > 0 ? (double)s->accepted / took : 0,
	    load_times_ms(&s->times, 50), load_times_ms(&s->times, 99),
	    (unsigned long long)s->run);
}

int
main(int argc, char **argv)
{
	struct smtp_load s = {.o = read_options(argc, argv)};
	struct load_host host = {on_line, on_closed, s.o.tls};

	if (s.o.file != NULL)
		read_texts(&s);
	else
		make_texts(&s);
	if (s.o.letters != NULL)
		write_letters(&s);
	s.clients = mem_new(s.o.connections, sizeof(*s.clients));
	s.load = load_new(s.o.at, &host);
	s.started = s.o.anew;
	start_clock(&s);
	s.run = (uint64_t)s.began_us << 16 | ((uint64_t)getpid() & 0xffff);
	for (uint64_t i = 0; i < s.o.connections; i++) {
		s.clients[i].s = &s;
		s.clients[i].number = i;
		connect_one(&s.clients[i]);
	}
	while (load_turn(s.load, 500) && (!s.started || !is_over(&s)))
		if (!s.started && s.ready > 0 &&
		    load_now_us() - s.last_ready_us > PATIENCE_US)
			begin_all(&s);
	report(&s);
	load_free(s.load);
	for (size_t i = 0; i < s.n_texts; i++)
		free(s.texts[i]);
	free(s.times.us);
	free(s.clients);
	return s.failed > 0 ? 1 : 0;
}
