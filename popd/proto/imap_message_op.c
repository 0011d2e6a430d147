/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_message_op.h"

#include <stdlib.h>

void
imap_fetch_batch_release(struct imap_fetch_batch *b)
{
	free(b->rows);
	free(b->values);
	buf_release(&b->text);
	*b = (struct imap_fetch_batch){0};
}

void
imap_fetch_batch_clear(struct imap_fetch_batch *b)
{
	b->n_rows = b->n_values = 0;
	buf_clear(&b->text);
}
