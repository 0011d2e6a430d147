/* SPDX-License-Identifier: MIT */
#include "common/control/command.h"

#include <assert.h>
#include <stdlib.h>

#include "common/control/call.h"
#include "common/mime/addr.h"
#include "common/store/hop.h"
#include "common/util/mem.h"

#define TEXT_MAX 1000

enum need {
	OPTIONAL,
	NEEDED,
};

struct arg_spec {
	const char *name; /* NULL ends the list */
	enum call_arg_type type;
	enum need need;
};

struct command {
	const char *name;
	call_run *run;
	unsigned effects;
	struct arg_spec args[CALL_ARGS_MAX];
};

/* clang-format off */
static const struct command commands[] = {
	{"user.add", call_user_add, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}, {"password", ARG_SECRET, NEEDED},
	     {"quota", ARG_COUNT, OPTIONAL}}},
	{"user.list", call_user_list, 0, {{0}}},
	{"user.passwd", call_user_passwd, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}, {"password", ARG_SECRET, NEEDED}}},
	{"user.quota", call_user_quota, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"quota", ARG_COUNT, NEEDED}}},
	{"user.disable", call_user_disable, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}}},
	{"user.enable", call_user_enable, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}}},
	{"user.remove", call_user_remove, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}}},
	{"user.imap", call_user_imap, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"off", ARG_TEXT, OPTIONAL},
	     {"on", ARG_FLAG, OPTIONAL}}},
	{"app-password.add", call_app_password_add, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED},
	     {"scope", ARG_TEXT, OPTIONAL}}},
	{"app-password.list", call_app_password_list, 0,
	    {{"address", ARG_ADDRESS, NEEDED}}},
	{"app-password.remove", call_app_password_remove, CONTROL_LOGIN,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED}}},
	{"mailbox.list", call_mailbox_list, 0, {{"address", ARG_ADDRESS, NEEDED}}},
	{"mailbox.create", call_mailbox_create, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED},
	     {"use", ARG_TEXT, OPTIONAL}}},
	{"mailbox.rename", call_mailbox_rename, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED},
	     {"to", ARG_TEXT, NEEDED}}},
	{"mailbox.delete", call_mailbox_delete, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED}}},
	{"mailbox.subscribe", call_mailbox_subscribe, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED}}},
	{"mailbox.unsubscribe", call_mailbox_unsubscribe, CONTROL_WRITE,
	    {{"address", ARG_ADDRESS, NEEDED}, {"name", ARG_TEXT, NEEDED}}},
	{"alias.add", call_alias_add, CONTROL_WRITE,
	    {{"alias", ARG_ALIAS, NEEDED}, {"target", ARG_TARGET, NEEDED}}},
	{"alias.list", call_alias_list, 0, {{0}}},
	{"alias.remove", call_alias_remove, CONTROL_WRITE,
	    {{"alias", ARG_ALIAS, NEEDED}, {"target", ARG_TARGET, OPTIONAL}}},
	{"domain.add", call_domain_add, CONTROL_LOGIN,
	    {{"domain", ARG_DOMAIN, NEEDED}, {"keys", ARG_FLAG, OPTIONAL}}},
	{"domain.rotate", call_domain_rotate, CONTROL_LOGIN,
	    {{"domain", ARG_DOMAIN, NEEDED}}},
	{"domain.dns", call_domain_dns, 0, {{"domain", ARG_DOMAIN, NEEDED}}},
	{"domain.list", call_domain_list, 0, {{0}}},
	{"domain.remove", call_domain_remove, CONTROL_LOGIN,
	    {{"domain", ARG_DOMAIN, NEEDED}}},
#define QUEUE_FILTER                                                           \
	{"domain", ARG_TEXT, OPTIONAL}, {"sender", ARG_TEXT, OPTIONAL},        \
	    {"recipient", ARG_TEXT, OPTIONAL}, {"state", ARG_TEXT, OPTIONAL},  \
	    {"older", ARG_COUNT, OPTIONAL}, {"newer", ARG_COUNT, OPTIONAL}
	{"queue.list", call_queue_list, 0,
	    {QUEUE_FILTER, {"max", ARG_COUNT, OPTIONAL}}},
	{"queue.show", call_queue_show, 0, {{"id", ARG_TRACE, NEEDED}}},
#define QUEUE_ORDER(word)                                                      \
	{"queue." #word, call_queue_##word, CONTROL_QUEUE,                     \
	    {QUEUE_FILTER, {"id", ARG_TRACE, OPTIONAL},                        \
	     {"all", ARG_FLAG, OPTIONAL}}}
	QUEUE_ORDER(retry),
	QUEUE_ORDER(hold),
	QUEUE_ORDER(release),
	QUEUE_ORDER(drop),
#undef QUEUE_ORDER
	{"queue.reroute", call_queue_reroute, CONTROL_QUEUE,
	    {QUEUE_FILTER, {"id", ARG_TRACE, OPTIONAL},
	     {"all", ARG_FLAG, OPTIONAL}, {"to", ARG_TEXT, NEEDED}}},
#undef QUEUE_FILTER
	{"queue.recall", call_queue_recall, CONTROL_QUEUE,
	    {{"id", ARG_TRACE, NEEDED}, {"as", ARG_ADDRESS, OPTIONAL}}},
	{"queue.summary", call_queue_summary, 0, {{"max", ARG_COUNT, OPTIONAL}}},
	{"queue.pause", call_queue_pause, CONTROL_QUEUE,
	    {{"domain", ARG_TEXT, NEEDED}, {"why", ARG_TEXT, OPTIONAL}}},
	{"queue.resume", call_queue_resume, CONTROL_QUEUE,
	    {{"domain", ARG_TEXT, NEEDED}}},
	{"suppress.list", call_suppress_list, 0, {{0}}},
	{"suppress.remove", call_suppress_remove, CONTROL_WRITE,
	    {{"address", ARG_TEXT, NEEDED}}},
	{"smarthost.add", call_smarthost_add, CONTROL_SMARTHOST,
	    {{"domain", ARG_TEXT, NEEDED}, {"host", ARG_TEXT, NEEDED},
	     {"tls", ARG_TEXT, OPTIONAL}, {"login", ARG_TEXT, OPTIONAL},
	     {"password", ARG_SECRET, OPTIONAL}}},
	{"smarthost.list", call_smarthost_list, 0, {{0}}},
	{"smarthost.remove", call_smarthost_remove, CONTROL_SMARTHOST,
	    {{"domain", ARG_TEXT, NEEDED}}},
	{"metrics", call_metrics, 0, {{0}}},
	{"journey", call_journey, 0,
	    {{"what", ARG_TEXT, NEEDED}, {"max", ARG_COUNT, OPTIONAL},
	     {"after", ARG_COUNT, OPTIONAL}}},
	{"explain", call_explain, 0, {{"what", ARG_TEXT, NEEDED}}},
	{"search.rebuild", call_search_rebuild, CONTROL_WRITE, {{0}}},
	{"backup.start", call_backup_start, CONTROL_BACKUP, {{"whole", ARG_FLAG, OPTIONAL}}},
	{"backup.look", call_backup_look, 0, {{"order", ARG_COUNT, OPTIONAL}}},
	{"check", call_check, 0, {{0}}},
	{"status", call_status, 0, {{0}}},
	{"test.advance", call_test_advance, CONTROL_QUEUE, {{"ms", ARG_COUNT, NEEDED}}},
	{"test.next", call_test_next, 0, {{"since", ARG_COUNT, OPTIONAL}}},
};
/* clang-format on */

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (name != NULL &&
		    str_eq(str_of(commands[i].name), str_of(name)))
			return &commands[i];
	return NULL;
}

static bool
has_control_octet(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return true;
	return false;
}

/* The local part as given: the address may be elsewhere (RFC 5321 s2.4). */
static bool
fold_target(struct str text, struct buf *out)
{
	struct str local, domain;

	if (!addr_fold(text, out) || !addr_split(text, &local, &domain))
		return false;
	buf_clear(out);
	buf_add(out, local);
	buf_add_char(out, '@');
	return addr_domain_fold(domain, out);
}

static bool
fold_alias(struct str text, struct buf *out)
{
	if (!str_starts(text, STR("@")))
		return addr_fold(text, out);
	buf_add_char(out, '@');
	return addr_domain_fold(str_after(text, 1), out);
}

/* Text as the type wants it.  False if it is not that. */
static bool
read_text(enum call_arg_type type, struct str text, struct call_arg *arg)
{
	if (text.len == 0 || text.len > TEXT_MAX)
		return false;
	switch (type) {
	case ARG_ADDRESS:
		return addr_fold(text, &arg->text);
	case ARG_TARGET:
		return fold_target(text, &arg->text);
	case ARG_ALIAS:
		return fold_alias(text, &arg->text);
	case ARG_DOMAIN:
		return addr_domain_fold(text, &arg->text);
	case ARG_TRACE:
		return trace_parse(text, &arg->number);
	case ARG_TEXT:
	case ARG_SECRET:
		buf_add(&arg->text, text);
		return !has_control_octet(text);
	case ARG_COUNT:
	case ARG_FLAG:
		break;
	}
	return false;
}

static bool
read_value(enum call_arg_type type, const json_t *value, struct call_arg *arg)
{
	if (type == ARG_COUNT) {
		arg->number = json_integer_value(value);
		return json_is_integer(value) && arg->number >= 0;
	}
	if (type == ARG_FLAG) {
		arg->number = json_is_true(value);
		return json_is_boolean(value);
	}
	return json_is_string(value) &&
	       read_text(type,
		   (struct str){
		       json_string_value(value), json_string_length(value)},
		   arg);
}

static int
read_args(const struct command *command, const json_t *request,
    struct call *call, struct fail *f)
{
	static const char *const help[] = {
#define A(name, text) text,
	    CALL_ARG_TYPES(A)
#undef A
	};
	size_t known = 1; /* "command" itself */

	for (size_t i = 0; i < CALL_ARGS_MAX; i++) {
		const struct arg_spec *spec = &command->args[i];
		if (spec->name == NULL)
			break;
		const json_t *value = json_object_get(request, spec->name);
		if (value == NULL && spec->need == NEEDED)
			return fail(f, FAIL_SYNTAX, "%s needs \"%s\"",
			    command->name, spec->name);
		if (value == NULL)
			continue;
		if (!read_value(spec->type, value, &call->args[i]))
			return fail(f, FAIL_SYNTAX, "%s: %s must be %s",
			    command->name, spec->name, help[spec->type]);
		call->args[i].given = true;
		known++;
	}
	if (json_object_size(request) != known)
		return fail(f, FAIL_SYNTAX,
		    "%s was given something it does not take", command->name);
	return 0;
}

/* "queue.hold 0d1q8zk4m2x7a", "alias.add team@d.test bob@d.test" */
static void
summarise(const struct command *command, const struct call *call,
    struct control_outcome *out)
{
	struct buf b;

	buf_init(&b, sizeof(out->summary) - 1);
	buf_addf(&b, "%s", command->name);
	for (size_t i = 0; i < CALL_ARGS_MAX; i++) {
		const struct call_arg *arg = &call->args[i];
		char id[TRACE_TEXT_MAX];
		if (!arg->given || command->args[i].type == ARG_SECRET)
			continue;
		if (command->args[i].type == ARG_TRACE)
			buf_addf(&b, " %s", trace_text(arg->number, id));
		else if (arg->text.len > 0)
			buf_addf(&b, " %.*s", STR_FMT(buf_str(&arg->text)));
		else
			buf_addf(&b, " %s=%lld", command->args[i].name,
			    (long long)arg->number);
	}
	snprintf(
	    out->summary, sizeof(out->summary), "%.*s", STR_FMT(buf_str(&b)));
	buf_release(&b);
}

static json_t *
refusal(const struct fail *f)
{
	static const char *const kinds[] = {
	    [FAIL_NONE] = "temporary",
	    [FAIL_TEMP] = "temporary",
	    [FAIL_PERM] = "permanent",
	    [FAIL_SYNTAX] = "usage",
	    [FAIL_QUOTA] = "temporary",
	    [FAIL_DISK] = "temporary",
	};

	return json_pack("{s:b, s:s, s:o}", "ok", 0, "kind", kinds[f->kind],
	    "text", call_json_text(str_of(f->text)));
}

json_t *
control_run(
    const struct control *c, const json_t *request, struct control_outcome *out)
{
	const char *name = json_string_value(
	    json_object_get(request, "command"));
	const struct command *command = find_command(name);
	struct call call = {.control = c, .now_ms = clock_wall_ms(c->clock)};
	struct fail f = {0};
	int rc;

	*out = (struct control_outcome){.summary = "?"};
	if (command == NULL) {
		fail(&f, FAIL_SYNTAX, "there is no such command");
		return refusal(&f);
	}
	for (size_t i = 0; i < CALL_ARGS_MAX; i++)
		buf_init(&call.args[i].text, TEXT_MAX + ADDR_MAX);
	call.reply = json_pack("{s:b}", "ok", 1);
	rc = read_args(command, request, &call, &f);
	summarise(command, &call, out);
	if (rc == 0) {
		/* what fails half way has changed something, too */
		out->effects = command->effects;
		rc = command->run(&call, &f);
	}
	out->ok = rc == 0;
	for (size_t i = 0; i < CALL_ARGS_MAX; i++) {
		struct buf *text = &call.args[i].text;
		if (text->data != NULL)
			explicit_bzero(text->data, text->len);
		buf_release(text);
	}
	if (rc == 0)
		return call.reply;
	json_decref(call.reply);
	return refusal(&f);
}

static void
wipe_password(json_t *request)
{
	const json_t *secret = json_object_get(request, "password");

	/* the string is ours: nobody else has seen this document */
	if (json_is_string(secret))
		explicit_bzero((char *)(uintptr_t)json_string_value(secret),
		    json_string_length(secret));
}

char *
control_answer(const struct control *c, struct str line, size_t max,
    struct control_outcome *out)
{
	json_t *request = json_loadb(line.len > 0 ? line.at : "", line.len,
	    JSON_REJECT_DUPLICATES, NULL);
	json_t *reply = control_run(c, request, out);
	char *text = json_dumps(reply, JSON_COMPACT);

	wipe_password(request);
	json_decref(request);
	json_decref(reply);
	assert(text != NULL);
	if (str_of(text).len <= max)
		return text;
	free(text);
	return mem_dup(
	    STR("{\"ok\":false,\"kind\":\"usage\",\"text\":"
		"\"the answer is too long: ask for less at once\"}"));
}
