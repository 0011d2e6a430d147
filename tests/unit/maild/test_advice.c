/* SPDX-License-Identifier: MIT */
#include "common/util/str.h"
#include "maild/relay/advice.h"
#include "tests/test.h"

static const struct {
	const char *enhanced, *has; /* NULL: no advice */
} table[] = {
    {"5.1.1",   "slip of the pen"     },
    {"5.1.10",  "takes no mail at all"},
    {"5.1.2",   "after the @"         },
    {"5.2.2",   "send it again"       },
    {"4.2.2",   "if it is urgent"     },
    {"5.3.4",   "too large"           },
    {"5.4.1",   "another day"         },
    {"5.4.6",   "round in a circle"   },
    {"5.7.1",   "does not want it"    },
    {"5.7.10",  "without that wish"   },
    {"5.7.30",  "without that wish"   },
    {"5.7.509", "does not trust it"   },
    {"4.7.5",   "who it is"           },
    {"4.1.1",   NULL		  },
    {"5.1",     NULL		  },
    {"5.10.1",  NULL                  },
    {"2.1.5",   NULL		  },
    {"5",       NULL		  },
    {"",        NULL		  },
};

static void
test_table(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct str got = str_of(advice_for(table[i].enhanced));
		size_t at;

		if (table[i].has == NULL)
			CHECK_STR(got.at, "");
		else
			CHECK(str_find_str(got, str_of(table[i].has), &at));
	}
}

int
main(void)
{
	test_table();
	return TEST_EXIT();
}
