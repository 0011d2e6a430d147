/* SPDX-License-Identifier: MIT */
#include "common/conf/setting.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define K(section, name, type, fallback, least, most, help)                    \
	{#section, #name, SETTING_##type, fallback, least, most, help,         \
	    offsetof(struct conf, section##_##name)},

const struct setting settings[] = {CONF_KEYS(K)};
#undef K
const size_t settings_n = sizeof(settings) / sizeof(settings[0]);

/* Far over anything sensible, far under an overflow when added up. */
#define COUNT_MAX UINT64_C(1000000000)
#define SIZE_MOST (UINT64_C(1) << 50)
#define TIME_MOST (INT64_C(10) * 365 * 86400 * 1000)

struct unit {
	const char *name;
	uint64_t factor;
};

/* largest first: writing takes the first that divides */
static const struct unit size_units[] = {
    {"G",  UINT64_C(1) << 30},
    {"M",  UINT64_C(1) << 20},
    {"K",  UINT64_C(1) << 10},
    {"",   1		},
    {NULL, 0		},
};

static const struct unit time_units[] = {
    {"d",  86400000},
    {"h",  3600000 },
    {"m",  60000   },
    {"s",  1000    },
    {"ms", 1       },
    {NULL, 0       },
};

static const struct {
	const char *name, *form;
} types[] = {
    [SETTING_TEXT] = {"text",      "text"                         },
    [SETTING_SIZE] = {"size",      "a size like 256K, 50M or 1G"  },
    [SETTING_COUNT] = {"number",    "a whole number like 20"       },
    [SETTING_TIME] = {"time",      "a time like 10s, 5m, 4h or 5d"},
    [SETTING_BOOL] = {"yes or no", "yes or no"                    },
    [SETTING_LIST] = {"list",      "words separated by spaces"    },
};

const char *
setting_type_name(enum setting_type type)
{
	return types[type].name;
}

void
setting_form(const struct setting *s, struct buf *out)
{
	buf_addf(out, "%s", types[s->type].form);
	if (*s->least != '\0')
		buf_addf(out, ", from %s to %s", s->least, s->most);
}

/* Digits, then one of the units. */
static bool
read_with_unit(
    struct str text, const struct unit *units, uint64_t most, uint64_t *out)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < text.len && text.at[digits] >= '0' &&
	       text.at[digits] <= '9')
		digits++;
	if (!str_to_u64(str_first(text, digits), most, &n))
		return false;
	for (const struct unit *u = units; u->name != NULL; u++)
		if (str_eq(str_after(text, digits), str_of(u->name))) {
			if (n > most / u->factor)
				return false;
			*out = n * u->factor;
			return true;
		}
	return false;
}

static void
write_with_unit(uint64_t n, const struct unit *u, struct buf *out)
{
	while (n % u->factor != 0 || (n == 0 && u->factor > 1000))
		u++;
	buf_addf(out, "%" PRIu64 "%s", n / u->factor, u->name);
}

static void
release_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct conf_list){NULL, 0};
}

static void
read_list(struct conf_list *list, struct str text)
{
	release_list(list);
	list->items = mem_new(1, sizeof(char *));
	for (text = str_trim(text); text.len > 0; text = str_trim(text)) {
		size_t n = 0;

		while (n < text.len && text.at[n] != ' ' && text.at[n] != '\t')
			n++;
		list->items = mem_grow(
		    list->items, list->n + 2, sizeof(char *));
		list->items[list->n++] = mem_dup(str_first(text, n));
		list->items[list->n] = NULL;
		text = str_after(text, n);
	}
}

/* Of the types that are numbers, whatever the setting's range. */
static bool
read_number(enum setting_type type, struct str text, uint64_t *out)
{
	switch (type) {
	case SETTING_COUNT:
		return str_to_u64(text, COUNT_MAX, out);
	case SETTING_SIZE:
		return read_with_unit(text, size_units, SIZE_MOST, out);
	case SETTING_TIME:
		return read_with_unit(text, time_units, TIME_MOST, out);
	case SETTING_TEXT:
	case SETTING_BOOL:
	case SETTING_LIST:
		break;
	}
	return false;
}

static bool
read_in_range(const struct setting *s, struct str text, uint64_t *out)
{
	uint64_t least, most;
	bool ranged = read_number(s->type, str_of(s->least), &least) &&
	              read_number(s->type, str_of(s->most), &most);

	assert(ranged && least <= most); /* or keys.h is wrong */
	return read_number(s->type, text, out) && *out >= least && *out <= most;
}

bool
setting_read(const struct setting *s, struct conf *c, struct str text)
{
	void *value = (char *)c + s->offset;
	uint64_t n = 0;
	size_t nul;

	if (str_find(text, '\0', &nul))
		return false;
	switch (s->type) {
	case SETTING_TEXT:
		free(*(char **)value);
		*(char **)value = mem_dup(text);
		return true;
	case SETTING_LIST:
		read_list(value, text);
		return true;
	case SETTING_BOOL:
		if (!str_eq(text, STR("yes")) && !str_eq(text, STR("no")))
			return false;
		*(bool *)value = str_eq(text, STR("yes"));
		return true;
	case SETTING_COUNT:
	case SETTING_SIZE:
		if (!read_in_range(s, text, &n))
			return false;
		*(uint64_t *)value = n;
		return true;
	case SETTING_TIME:
		if (!read_in_range(s, text, &n))
			return false;
		*(int64_t *)value = (int64_t)n;
		return true;
	}
	return false;
}

void
setting_write(const struct setting *s, const struct conf *c, struct buf *out)
{
	const void *value = (const char *)c + s->offset;
	const struct conf_list *list = value;

	switch (s->type) {
	case SETTING_TEXT:
		buf_add(out, str_of(*(char *const *)value));
		break;
	case SETTING_LIST:
		for (size_t i = 0; i < list->n; i++)
			buf_addf(out, "%s%s", i > 0 ? " " : "", list->items[i]);
		break;
	case SETTING_BOOL:
		buf_add(out, *(const bool *)value ? STR("yes") : STR("no"));
		break;
	case SETTING_COUNT:
		buf_addf(out, "%" PRIu64, *(const uint64_t *)value);
		break;
	case SETTING_SIZE:
		write_with_unit(*(const uint64_t *)value, size_units, out);
		break;
	case SETTING_TIME:
		write_with_unit(
		    (uint64_t) * (const int64_t *)value, time_units, out);
		break;
	}
}

void
setting_release(const struct setting *s, struct conf *c)
{
	void *value = (char *)c + s->offset;

	if (s->type == SETTING_TEXT)
		free(*(char **)value);
	else if (s->type == SETTING_LIST)
		release_list(value);
}
