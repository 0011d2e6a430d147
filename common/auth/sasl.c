/* SPDX-License-Identifier: MIT */
#include "common/auth/sasl.h"

#include <assert.h>

#include "common/util/enc.h"
#include "common/util/secret.h"
#include "common/util/utf8.h"

/* A mechanism is a list of steps: what to ask, and what takes the answer. */
struct step {
	struct str prompt;
	enum sasl_result (*take)(struct sasl *s, struct str message);
};

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return true;
	return false;
}

/* Could it be somebody's?  RFC 4616 s2: UTF-8 without NUL. */
static bool
is_plausible(struct str s, size_t max)
{
	return s.len <= max && utf8_valid(s) && !has_control(s);
}

/* Give the authority nobody to look up. */
static void
be_nobody(struct sasl *s)
{
	secret_wipe(&s->user);
	secret_wipe(&s->password);
}

/* RFC 4616 s2: message = [authzid] NUL authcid NUL passwd */
static enum sasl_result
take_plain(struct sasl *s, struct str message)
{
	size_t at;
	struct str authzid, user;

	if (!str_find(message, '\0', &at))
		return SASL_BAD;
	authzid = str_cut(&message, '\0');
	if (!str_find(message, '\0', &at))
		return SASL_BAD;
	user = str_cut(&message, '\0');
	if (user.len == 0 || message.len == 0 || str_find(message, '\0', &at))
		return SASL_BAD;
	if ((authzid.len > 0 && !str_eq(authzid, user)) ||
	    !is_plausible(user, SASL_NAME_MAX) ||
	    !is_plausible(message, SASL_PASSWORD_MAX))
		return SASL_CHECK;
	buf_add(&s->user, user);
	buf_add(&s->password, message);
	return SASL_CHECK;
}

static enum sasl_result
take_login_user(struct sasl *s, struct str message)
{
	if (message.len == 0)
		return SASL_BAD;
	if (is_plausible(message, SASL_NAME_MAX))
		buf_add(&s->user, message);
	return SASL_CHALLENGE;
}

static enum sasl_result
take_login_password(struct sasl *s, struct str message)
{
	if (message.len == 0)
		return SASL_BAD;
	if (s->user.len > 0 && is_plausible(message, SASL_PASSWORD_MAX))
		buf_add(&s->password, message);
	else
		be_nobody(s);
	return SASL_CHECK;
}

static const struct step plain[] = {
    {{"", 0}, take_plain},
};

/* Clients compare the prompts as text: these are the only ones that all of
 * them know. */
static const struct step login[] = {
    {{"Username:", 9}, take_login_user    },
    {{"Password:", 9}, take_login_password},
};

static const struct {
	struct str name;
	const struct step *steps;
} mechanisms[] = {
    {{"PLAIN", 5}, plain},
    {{"LOGIN", 5}, login},
};

static void
ask(const struct sasl *s, struct buf *challenge)
{
	buf_clear(challenge);
	enc_base64(mechanisms[s->mechanism].steps[s->step].prompt, challenge);
}

enum sasl_result
sasl_respond(struct sasl *s, struct str response, struct buf *challenge)
{
	enum sasl_result result = SASL_BAD;
	struct buf message;

	assert(s->step >= 0); /* not after SASL_CHECK or SASL_BAD */
	buf_init(&message, SASL_RESPONSE_MAX);
	if (response.len <= SASL_RESPONSE_MAX &&
	    enc_base64_decode(response, &message))
		result = mechanisms[s->mechanism].steps[s->step].take(
		    s, buf_str(&message));
	secret_wipe(&message);
	if (result == SASL_CHALLENGE) {
		s->step++;
		ask(s, challenge);
		return result;
	}
	s->step = -1;
	if (result == SASL_BAD)
		be_nobody(s);
	return result;
}

enum sasl_result
sasl_begin(struct sasl *s, struct str mechanism, struct str initial,
    struct buf *challenge)
{
	*s = (struct sasl){.step = -1};
	buf_init(&s->user, SASL_NAME_MAX);
	buf_init(&s->password, SASL_PASSWORD_MAX);
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
	     i++) {
		if (!str_eq_nocase(mechanism, mechanisms[i].name))
			continue;
		s->mechanism = (int)i;
		s->step = 0;
		if (initial.at != NULL) /* RFC 4954 s4: "=" is the empty one */
			return sasl_respond(s,
			    str_eq(initial, STR("=")) ? STR("") : initial,
			    challenge);
		ask(s, challenge);
		return SASL_CHALLENGE;
	}
	return SASL_UNKNOWN;
}

void
sasl_release(struct sasl *s)
{
	secret_wipe(&s->user);
	secret_wipe(&s->password);
	s->step = -1;
}
