/* SPDX-License-Identifier: MIT */
#include "mailctl/demo_journey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/wire/dot.h"
#include "mailctl/agent.h"
#include "mailctl/client.h"
#include "mailctl/demo_mail.h"
#include "mailctl/show.h"
#include "mailctl/story.h"
#include "mailctl/table.h"

#define LOOK_MS     50
#define NOTED_MS    20000 /* popd writes down what was fetched a bit later */
#define PATIENCE_MS 30000
#define STEPS_MAX   40
#define SCRIPT_ROOM (1 * MB)
#define ID_LEN      13
#define RECIPIENTS  2

#define BOB         "bob@bob.test"
#define ALICE       "alice@alice.test"
#define CAROL       "carol@alice.test"
#define BOB_HOST    "mx.bob.test"
#define ALICE_HOST  "mx.alice.test"
#define BOB_WORD    "bobs-penny"
#define ALICE_WORD  "alices-penny"
#define CAROL_WORD  "carols-penny"

struct demo_journey {
	struct loop *loop;
	const struct box *bob, *alice; /* borrowed */
	void (*done)(void *arg, bool good);
	void *arg;
	struct tls *bob_tls, *alice_tls;
	struct timer *look, *note;
	int64_t give_up_ms;

	struct agent_step steps[STEPS_MAX];
	size_t n_steps;
	struct buf script; /* what steps point into: never grows beyond its
	                    * first reservation */
	struct buf message;
	char id[ID_LEN + 1];
	char far_ids[RECIPIENTS][ID_LEN + 1]; /* "" as long as unknown */
	bool good;
};

static void
end(struct demo_journey *j, const char *problem)
{
	if (problem != NULL) {
		j->good = false;
		fputs("\nThe journey failed: ", stdout);
		table_print_text(stdout, str_of(problem));
		putchar('\n');
	}
	fflush(stdout);
	j->done(j->arg, j->good);
}

/* ---- scripts ---- */

static void
step(struct demo_journey *j, enum agent_action action, const char *text)
{
	struct str copy = {j->script.data + j->script.len, strlen(text)};

	buf_add(&j->script, str_of(text));
	j->steps[j->n_steps++] = (struct agent_step){action, copy};
}

/* Say a line and expect an answer. */
static void
say(struct demo_journey *j, const char *line, const char *answer)
{
	step(j, AGENT_SEND, line);
	step(j, AGENT_SEND, "\r\n");
	step(j, AGENT_EXPECT, answer);
}

static void
new_script(struct demo_journey *j)
{
	buf_clear(&j->script);
	buf_reserve(&j->script, SCRIPT_ROOM - 1);
	j->n_steps = 0;
}

static void
run_script(struct demo_journey *j, const struct box *at, enum service service,
    struct tls *tls, const char *host,
    void (*done)(void *arg, const struct agent_result *r))
{
	struct agent_options o = {
	    .loop = j->loop,
	    .tls = tls,
	    .server_name = host,
	    .steps = j->steps,
	    .n = j->n_steps,
	    .done = done,
	    .arg = j,
	};

	address_from_ip(str_of(box_host(at)), box_port(at, service), &o.at);
	agent_start(&o);
}

/* ---- the end: compare and tell ---- */

static json_t *
ask_journey(const struct box *box, const char *id, struct fail *f)
{
	int code;

	return client_ask_with(box_conf(box),
	    json_pack("{s:s, s:s}", "command", "journey", "what", id), f,
	    &code);
}

/* Hops of this kind in the journey an answer tells first. */
static size_t
count_hops(const json_t *reply, const char *kind)
{
	const json_t *journey = json_array_get(
	    json_object_get(reply, "journeys"), 0);
	size_t n = 0, i;
	json_t *hop;

	json_array_foreach(json_object_get(journey, "hops"), i, hop)
	    n += strcmp(show_text(hop, "what"), kind) == 0;
	return n;
}

/* Recipients that have fetched it, as Alice's server knows. */
static size_t
count_fetched(const struct demo_journey *j)
{
	struct fail f;
	size_t n = 0;

	for (size_t i = 0; i < RECIPIENTS; i++)
		if (j->far_ids[i][0] != '\0') {
			json_t *reply = ask_journey(
			    j->alice, j->far_ids[i], &f);
			n += count_hops(reply, "fetched");
			json_decref(reply);
		}
	return n;
}

static void
tell_half(const struct box *box, const char *heading, const char *id)
{
	struct fail f = {0};
	json_t *reply = ask_journey(box, id, &f);

	printf("\n%s\n\n", heading);
	if (reply != NULL)
		story_print(
		    json_array_get(json_object_get(reply, "journeys"), 0),
		    stdout);
	else
		printf("  (%s)\n", f.text);
	json_decref(reply);
}

static void
tell(struct demo_journey *j)
{
	tell_half(j->bob, "The journey, at Bob's server:", j->id);
	for (size_t i = 0; i < RECIPIENTS; i++) {
		char heading[200];
		if (j->far_ids[i][0] == '\0')
			continue;
		snprintf(heading, sizeof(heading),
		    "... which was answered "
		    "\"queued as %s\"; the rest, at Alice's server:",
		    j->far_ids[i]);
		tell_half(j->alice, heading, j->far_ids[i]);
	}
}

static void
judge(struct demo_journey *j, const char *whose, struct str fetched)
{
	struct demo_mail_verdict v = demo_mail_compare(
	    buf_str(&j->message), fetched, STR(CAROL));

	if (v.exact)
		printf("%s has it: all %zu octets as Bob wrote them, after "
		       "%zu trace fields\n",
		    whose, v.octets, v.trace_fields);
	else
		printf(
		    "%s does not have what Bob wrote: %s\n", whose, v.problem);
	printf("the Bcc to %s is %s\n", CAROL,
	    v.bcc_hidden ? "not to be seen in it" : "REVEALED in it");
	j->good = j->good && v.exact && v.bcc_hidden;
}

/* ---- fetching: Alice first, then Carol ---- */

/* Both have fetched: tell as soon as that is in the journey, too. */
static void
tell_when_noted(void *arg)
{
	struct demo_journey *j = arg;

	if (count_fetched(j) < RECIPIENTS &&
	    loop_now_ms(j->loop) < j->give_up_ms) {
		timer_set(j->note, LOOK_MS);
		return;
	}
	tell(j);
	end(j, NULL);
}

static void
fetched_by_carol(void *arg, const struct agent_result *r)
{
	struct demo_journey *j = arg;

	if (r->problem != NULL) {
		end(j, r->problem);
		return;
	}
	judge(j, "Carol", r->collected);
	j->give_up_ms = loop_now_ms(j->loop) + NOTED_MS;
	tell_when_noted(j);
}

static void
fetch(struct demo_journey *j, const char *user, const char *word,
    void (*done)(void *arg, const struct agent_result *r))
{
	char line[200];

	new_script(j);
	step(j, AGENT_TLS, "");
	step(j, AGENT_EXPECT, "+OK");
	snprintf(line, sizeof(line), "USER %s", user);
	say(j, line, "+OK");
	snprintf(line, sizeof(line), "PASS %s", word);
	say(j, line, "+OK");
	say(j, "RETR 1", "+OK");
	step(j, AGENT_COLLECT, "");
	say(j, "QUIT", "+OK");
	run_script(j, j->alice, SERVICE_pop3s, j->alice_tls, ALICE_HOST, done);
}

static void
fetched_by_alice(void *arg, const struct agent_result *r)
{
	struct demo_journey *j = arg;

	if (r->problem != NULL) {
		end(j, r->problem);
		return;
	}
	judge(j, "Alice", r->collected);
	fetch(j, CAROL, CAROL_WORD, fetched_by_carol);
}

/* ---- waiting ---- */

/* "... queued as 0d1q8zk4m2x7a"; recipients may share one. */
static void
note_far_id(struct demo_journey *j, const char *words)
{
	struct str s = str_of(words), mark = STR("queued as ");
	size_t at;

	if (!str_find_str(s, mark, &at) || s.len < at + mark.len + ID_LEN)
		return;
	s = str_first(str_after(s, at + mark.len), ID_LEN);
	for (size_t i = 0; i < RECIPIENTS; i++) {
		char *id = j->far_ids[i];
		if (id[0] == '\0')
			snprintf(id, ID_LEN + 1, "%.*s", STR_FMT(s));
		if (str_eq(str_of(id), s))
			return;
	}
}

/* How many recipients are relayed; *problem when one is not to be. */
static size_t
count_relayed(struct demo_journey *j, const json_t *reply, const char **problem)
{
	const json_t *journey = json_array_get(
	    json_object_get(reply, "journeys"), 0);
	size_t relayed = 0, i;
	json_t *hop;

	json_array_foreach(json_object_get(journey, "hops"), i, hop)
	{
		const char *what = show_text(hop, "what");
		if (strcmp(what, "relayed") == 0) {
			note_far_id(j, show_text(hop, "detail"));
			relayed++;
		} else if (strcmp(what, "tried") == 0 ||
			   strcmp(what, "failed") == 0) {
			*problem = show_text(hop, "detail");
		}
	}
	return relayed;
}

static void
look(void *arg)
{
	struct demo_journey *j = arg;
	const char *problem = NULL;
	struct fail f = {0};
	json_t *reply = ask_journey(j->bob, j->id, &f);
	size_t relayed = count_relayed(j, reply, &problem);

	if (relayed == RECIPIENTS) {
		printf("Bob's server relayed it to %s\n", ALICE_HOST);
		fetch(j, ALICE, ALICE_WORD, fetched_by_alice);
	} else if (problem != NULL) {
		tell(j);
		end(j, problem);
	} else if (loop_now_ms(j->loop) > j->give_up_ms) {
		tell(j);
		end(j, reply != NULL ? "it was not relayed in time" : f.text);
	} else {
		timer_set(j->look, LOOK_MS);
	}
	json_decref(reply);
}

/* ---- submitting ---- */

static void
submitted(void *arg, const struct agent_result *r)
{
	struct demo_journey *j = arg;
	struct str mark = STR("queued as ");
	size_t at;

	if (r->problem != NULL) {
		end(j, r->problem);
		return;
	}
	fputs("Bob submitted his message over STARTTLS: ", stdout);
	table_print_text(stdout, r->kept);
	putchar('\n');
	if (!str_find_str(r->kept, mark, &at)) {
		end(j, "the server did not say what the message is known as");
		return;
	}
	snprintf(j->id, sizeof(j->id), "%.*s", ID_LEN,
	    str_after(r->kept, at + mark.len).at);
	look(j);
}

static void
submit(struct demo_journey *j)
{
	struct dot_writer dots;
	struct buf data, plain;

	buf_init(&data, SCRIPT_ROOM / 2);
	buf_init(&plain, 1000);
	demo_mail_write(&j->message, clock_wall_ms(&clock_system), STR(BOB),
	    STR(ALICE), STR(CAROL));
	dot_writer_init(&dots);
	dot_write(&dots, buf_str(&j->message), &data);
	dot_write_end(&dots, &data);
	buf_add(&plain, STR("AUTH PLAIN "));
	/* RFC 4616 s2 */
	enc_base64(STR("\0" BOB "\0" BOB_WORD), &plain);

	new_script(j);
	step(j, AGENT_EXPECT, "220");
	say(j, "EHLO [127.0.0.1]", "250");
	say(j, "STARTTLS", "220");
	step(j, AGENT_TLS, "");
	say(j, "EHLO [127.0.0.1]", "250");
	say(j, plain.data, "235");
	say(j, "MAIL FROM:<" BOB "> BODY=8BITMIME", "250");
	say(j, "RCPT TO:<" ALICE ">", "250");
	say(j, "RCPT TO:<" CAROL ">", "250");
	say(j, "DATA", "354");
	step(j, AGENT_SEND, data.data);
	step(j, AGENT_KEEP, "250");
	say(j, "QUIT", "221");
	buf_release(&data);
	buf_release(&plain);
	run_script(
	    j, j->bob, SERVICE_submission, j->bob_tls, BOB_HOST, submitted);
}

struct demo_journey *
demo_journey_start(struct loop *loop, const struct box *bob,
    const struct box *alice, void (*done)(void *arg, bool good), void *arg)
{
	struct demo_journey *j = MEM_NEW(struct demo_journey);
	struct fail f = {0};

	j->loop = loop;
	j->bob = bob;
	j->alice = alice;
	j->done = done;
	j->arg = arg;
	j->good = true;
	j->look = timer_new(loop, look, j);
	j->note = timer_new(loop, tell_when_noted, j);
	j->give_up_ms = loop_now_ms(loop) + PATIENCE_MS;
	buf_init(&j->script, SCRIPT_ROOM);
	buf_init(&j->message, SCRIPT_ROOM / 2);
	j->bob_tls = tls_client_new(box_ca_file(bob), &f);
	j->alice_tls = tls_client_new(box_ca_file(alice), &f);
	if (j->bob_tls == NULL || j->alice_tls == NULL)
		end(j, f.text);
	else
		submit(j);
	return j;
}

void
demo_journey_free(struct demo_journey *j)
{
	if (j == NULL)
		return;
	timer_free(j->look);
	timer_free(j->note);
	tls_free(j->bob_tls);
	tls_free(j->alice_tls);
	buf_release(&j->script);
	buf_release(&j->message);
	free(j);
}
