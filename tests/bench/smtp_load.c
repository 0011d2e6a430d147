/* SPDX-License-Identifier: MIT */
/*
 * smtp_load: bring mail to a server as fast as it takes it.
 *
 *	smtp_load [option...] ADDRESS:PORT
 *	  -c N     connections (1)
 *	  -t S     seconds in which new messages begin (5)
 *	  -m N     or: end after so many messages
 *	  -s N     octets of a message (10240)
 *	  -r N     recipients of each message (1)
 *	  -a N     accounts they are drawn from in turn (100): user0@DOMAIN...
 *	  -d NAME  DOMAIN (d.test)
 *	  -f FILE  send these messages, in turn, instead of made up ones: each
 *with its final dot; before it goes a Message-ID of its own -F ADDR  sender of
 *the envelope (sender@load.test) -u NAME:PASSWORD  log in first, once in a
 *connection -n       a new connection for every message -p       MAIL, RCPT and
 *DATA in one piece (RFC 2920)
 *
 * Every reply is looked at; the first that is not the one hoped for is shown,
 * and the program then ends with 1.  On standard output one line of JSON:
 * messages answered with 250, those a second since the first MAIL (with -n:
 * since connecting), and how long one took, from MAIL (with -n: from
 *connecting) to the 250 for its data.
 */
#include <unistd.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "tests/bench/load.h"

#define TEXTS    64
#define HEAD_MAX 400

struct options {
	const char *at, *domain, *file, *sender, *login;
	uint64_t connections, seconds, messages, size, recipients, accounts;
	bool anew, pipelining;
};

enum step {
	GREETING,
	EHLO,
	AUTH,
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
	struct load_times times;
};

struct client {
	struct load_conn conn; /* first: cast back */
	struct smtp_load *s;
	enum step step;
	uint64_t rcpts; /* replies to come, or commands to send */
	int64_t since_us;
	bool broken;
};

/* Words, with some base64 among them: like mail, half of it can be squeezed
 * out. */
static char *
compose(uint64_t size, uint64_t seed)
{
	static const char *const words[] = {"the ", "mail ", "server ", "and ",
	    "letter ", "of ", "Alice ", "to ", "Bob ", "which ", "arrived ",
	    "early\r\n", "morning ", "with ", "kind ", "regards\r\n"};
	struct buf b;

	buf_init(&b, size + KB);
	while (b.len < size) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		if ((seed >> 40) % 5 >= 2)
			buf_addf(&b, "%s", words[seed >> 60]);
		for (int i = 0; (seed >> 40) % 5 < 2 && i < 8; i++)
			buf_add_char(&b, (char)('A' + ((seed >> 8 * i) & 31)));
	}
	buf_cut(&b, size);
	if (b.data[b.len - 1] == '\r')
		b.data[b.len - 1] = 'r';
	buf_add(&b, STR("\r\n.\r\n"));
	return buf_take(&b);
}

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
	if (s->o.messages > 0)
		return s->begun < s->o.messages;
	return load_now_us() < s->until_us;
}

static void
send_mail(struct client *k)
{
	load_send(&k->conn, STR("MAIL FROM:<"));
	load_send(&k->conn, str_of(k->s->o.sender));
	load_send(&k->conn, STR(">\r\n"));
}

static void
send_rcpt(struct client *k)
{
	struct smtp_load *s = k->s;
	char text[300];
	int n = snprintf(text, sizeof(text), "RCPT TO:<user%llu@%s>\r\n",
	    (unsigned long long)(s->next_account++ % s->o.accounts),
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
	const char *login = k->s->o.login;
	struct buf plain, line;

	buf_init(&plain, KB);
	buf_init(&line, 2 * KB);
	buf_add_char(&plain, '\0');
	buf_add(&plain, str_of(login));
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

static bool
begin(struct client *k)
{
	struct smtp_load *s = k->s;

	if (s->begun == 0 && !s->o.anew)
		start_clock(s);
	if (!may_begin(s)) {
		k->step = QUIT;
		load_send(&k->conn, STR("QUIT\r\n"));
		return true;
	}
	s->begun++;
	if (!s->o.anew)
		k->since_us = load_now_us();
	k->step = MAIL;
	k->rcpts = s->o.recipients;
	send_mail(k);
	if (s->o.pipelining) {
		for (uint64_t i = 0; i < s->o.recipients; i++)
			send_rcpt(k);
		load_send(&k->conn, STR("DATA\r\n"));
	}
	return true;
}

/* Always as long as the first time, so that all messages have one size. */
static size_t
write_head(const struct smtp_load *s, char head[HEAD_MAX])
{
	int n = 0;

	if (s->o.file == NULL)
		n = snprintf(head, HEAD_MAX,
		    "From: sender@load.test\r\nTo: people@%.100s\r\n"
		    "Subject: load\r\n"
		    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n",
		    s->o.domain);
	n += snprintf(head + n, HEAD_MAX - (size_t)n,
	    "Message-ID: <%016llx.%010llu@load.test>\r\n%s",
	    (unsigned long long)s->run, (unsigned long long)s->sent,
	    s->o.file == NULL ? "\r\n" : "");
	return (size_t)n;
}

static void
send_message(struct client *k)
{
	struct smtp_load *s = k->s;
	char head[HEAD_MAX];
	size_t n = write_head(s, head);

	load_send(&k->conn, (struct str){head, n});
	load_send(&k->conn, str_of(s->texts[s->sent++ % s->n_texts]));
}

static bool
accepted(struct client *k)
{
	struct smtp_load *s = k->s;

	s->last_us = load_now_us();
	s->accepted++;
	load_times_add(&s->times, s->last_us - k->since_us);
	if (!s->o.anew)
		return begin(k);
	k->step = QUIT;
	load_send(&k->conn, STR("QUIT\r\n"));
	return true;
}

/* The reply we waited for came: what next? */
static bool
advance(struct client *k)
{
	bool pipelining = k->s->o.pipelining;

	switch (k->step) {
	case GREETING:
		k->step = EHLO;
		load_send(&k->conn, STR("EHLO load.test\r\n"));
		return true;
	case EHLO:
		if (k->s->o.login == NULL)
			return begin(k);
		log_in(k);
		return true;
	case AUTH:
		return begin(k);
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
		return accepted(k);
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
	if (k->s->failed++ == 0)
		fprintf(stderr, "smtp_load: waited for %s and got: %.*s\n",
		    hoped[k->step], STR_FMT(line));
	k->broken = true;
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

	if (k->step != QUIT && !k->broken && k->s->failed++ == 0)
		fprintf(stderr, "smtp_load: the connection was closed\n");
	if (k->step == QUIT && k->s->o.anew && may_begin(k->s))
		connect_one(k);
}

static const struct load_host host = {on_line, on_closed};

static void
number(const char *text, uint64_t *out)
{
	if (!str_to_u64(str_of(text), UINT32_MAX, out))
		load_die("smtp_load: %s is no number", text);
}

static struct options
read_options(int argc, char **argv)
{
	struct options o = {.domain = "d.test",
	    .sender = "sender@load.test",
	    .connections = 1,
	    .seconds = 5,
	    .size = 10240,
	    .recipients = 1,
	    .accounts = 100};
	int opt;

	while ((opt = getopt(argc, argv, "c:t:m:s:r:a:d:f:F:u:np")) != -1)
		switch (opt) {
		case 'c':
			number(optarg, &o.connections);
			break;
		case 't':
			number(optarg, &o.seconds);
			break;
		case 'm':
			number(optarg, &o.messages);
			break;
		case 's':
			number(optarg, &o.size);
			break;
		case 'r':
			number(optarg, &o.recipients);
			break;
		case 'a':
			number(optarg, &o.accounts);
			break;
		case 'd':
			o.domain = optarg;
			break;
		case 'f':
			o.file = optarg;
			break;
		case 'F':
			o.sender = optarg;
			break;
		case 'u':
			o.login = optarg;
			break;
		case 'n':
			o.anew = true;
			break;
		case 'p':
			o.pipelining = true;
			break;
		default:
			exit(2);
		}
	if (optind != argc - 1 || o.size < KB || o.accounts == 0 ||
	    o.recipients == 0 || o.connections == 0)
		load_die("usage: smtp_load [option...] ADDRESS:PORT");
	o.at = argv[optind];
	return o;
}

static void
report(struct smtp_load *s)
{
	double took = (double)(s->last_us - s->began_us) / 1e6;

	printf("{\"accepted\": %llu, \"failed\": %llu, \"seconds\": %.3f, "
	       "\"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
	    (unsigned long long)s->accepted, (unsigned long long)s->failed,
	    took, took > 0 ? (double)s->accepted / took : 0,
	    load_times_ms(&s->times, 50), load_times_ms(&s->times, 99));
}

int
main(int argc, char **argv)
{
	struct smtp_load s = {.o = read_options(argc, argv)};
	struct client *clients = mem_new(s.o.connections, sizeof(*clients));
	char head[HEAD_MAX];

	if (s.o.file != NULL)
		read_texts(&s);
	for (size_t i = s.n_texts; s.o.file == NULL && i < TEXTS; i++)
		s.texts[s.n_texts++] = compose(
		    s.o.size - write_head(&s, head), i + 1);
	s.load = load_new(s.o.at, &host);
	start_clock(&s);
	s.run = (uint64_t)s.began_us << 16 | ((uint64_t)getpid() & 0xffff);
	for (uint64_t i = 0; i < s.o.connections; i++) {
		clients[i].s = &s;
		connect_one(&clients[i]);
	}
	load_run(s.load);
	report(&s);
	load_free(s.load);
	for (size_t i = 0; i < s.n_texts; i++)
		free(s.texts[i]);
	free(s.times.us);
	free(clients);
	return s.failed > 0 ? 1 : 0;
}
