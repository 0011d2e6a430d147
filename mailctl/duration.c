/* SPDX-License-Identifier: MIT */
#include "mailctl/duration.h"

#define COUNT_MOST 100000 /* of any unit */

bool
duration_parse(struct str text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
	    {"ms", 1       },
	    {"s",  1000    },
	    {"m",  60000   },
	    {"h",  3600000 },
	    {"d",  86400000},
	};
	size_t digits = 0, n;

	while (digits < text.len && text.at[digits] >= '0' &&
	       text.at[digits] <= '9')
		digits++;
	if (!str_to_size(str_first(text, digits), COUNT_MOST, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (str_eq(str_after(text, digits), str_of(units[i].unit))) {
			*ms = (int64_t)n * units[i].ms;
			return true;
		}
	return false;
}
