/* SPDX-License-Identifier: MIT */
#include "common/daemon/listen_options.h"

#include <assert.h>
#include <stdlib.h>

#include "common/conf/setting.h"
#include "common/util/mem.h"

/* A choice of two words, or a number as another setting takes it. */
struct option {
	const char *name;
	const char *yes, *no;          /* NULL: a number */
	const char *section, *setting; /* the number's */
	void (*set)(struct listen_options *o, uint64_t value);
};

static void
set_judge(struct listen_options *o, uint64_t value)
{
	o->judge = value != 0;
}

static void
set_tls(struct listen_options *o, uint64_t value)
{
	o->tls_required = value != 0;
}

static void
set_proxy(struct listen_options *o, uint64_t value)
{
	o->proxy = value != 0;
}

static void
set_size(struct listen_options *o, uint64_t value)
{
	o->size = value;
}

static void
set_recipients(struct listen_options *o, uint64_t value)
{
	o->recipients = value;
}

static const struct option options[] = {
    {"judge",      "yes",      "no",      NULL,     NULL,           set_judge     },
    {"tls",        "required", "offered", NULL,     NULL,           set_tls       },
    {"proxy",      "required", "no",      NULL,     NULL,           set_proxy     },
    {"size",       NULL,       NULL,      "limits", "message_size", set_size      },
    {"recipients", NULL,       NULL,      "limits", "recipients",   set_recipients},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct setting *
setting_of(const struct option *o)
{
	size_t i = 0;

	while (i < settings_n &&
	       !(str_eq(str_of(settings[i].section), str_of(o->section)) &&
		   str_eq(str_of(settings[i].name), str_of(o->setting))))
		i++;
	assert(i < settings_n);
	return &settings[i];
}

static int
read_number(
    const struct option *o, struct str text, uint64_t *value, struct fail *f)
{
	const struct setting *s = setting_of(o);
	struct conf *scratch = MEM_NEW(struct conf);
	bool good = setting_read(s, scratch, text);
	struct buf form;

	*value = *(const uint64_t *)((const char *)scratch + s->offset);
	free(scratch);
	if (good)
		return 0;
	buf_init(&form, KB);
	setting_form(s, &form);
	fail(f, FAIL_SYNTAX, "%s= wants %s", o->name, form.data);
	buf_release(&form);
	return -1;
}

static int
read_choice(
    const struct option *o, struct str text, uint64_t *value, struct fail *f)
{
	*value = str_eq(text, str_of(o->yes));
	if (*value != 0 || str_eq(text, str_of(o->no)))
		return 0;
	return fail(
	    f, FAIL_SYNTAX, "%s= wants %s or %s", o->name, o->yes, o->no);
}

/* "name=value" */
static int
read_option(
    struct listen_options *out, struct str text, unsigned *seen, struct fail *f)
{
	struct str name = str_cut(&text, '=');
	uint64_t value;
	size_t i = 0;

	while (i < N_OPTIONS && !str_eq(name, str_of(options[i].name)))
		i++;
	if (i == N_OPTIONS)
		return fail(f, FAIL_SYNTAX, "no such option: \"%.*s\"",
		    STR_FMT(str_first(name, 40)));
	if (*seen >> i & 1)
		return fail(f, FAIL_SYNTAX, "%s= twice", options[i].name);
	*seen |= 1u << i;
	if ((options[i].yes != NULL ? read_choice : read_number)(
		&options[i], text, &value, f) == -1)
		return -1;
	options[i].set(out, value);
	return 0;
}

struct listen_options
listen_options_default(void)
{
	return (struct listen_options){.judge = true};
}

enum listen_word
listen_options_parse(struct str word, struct address *at,
    struct listen_options *out, struct fail *f)
{
	struct str place = str_cut(&word, ',');
	unsigned seen = 0;

	*out = listen_options_default();
	while (word.len > 0)
		if (read_option(out, str_cut(&word, ','), &seen, f) == -1)
			return LISTEN_WORD_NO_OPTION;
	if (address_parse(place, at))
		return LISTEN_WORD_OK;
	fail(f, FAIL_SYNTAX, "\"%.*s\" is no address:port",
	    STR_FMT(str_first(place, 80)));
	return LISTEN_WORD_NO_ADDRESS;
}
