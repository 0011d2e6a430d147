/* SPDX-License-Identifier: MIT */
#include "common/authority/signer.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/util/enc.h"

#define SIGNATURE_MAX (4 * KB)

struct question {
	signer_signed *fn;
	void *arg;
};

static void
tell(struct question *q, const json_t *reply)
{
	const json_t *value = json_object_get(reply, "signature");
	const char *text = json_string_value(json_object_get(reply, "text"));
	struct str base64 = {
	    json_string_value(value), json_string_length(value)};
	struct buf signature;

	buf_init(&signature, SIGNATURE_MAX);
	if (json_is_true(json_object_get(reply, "ok")) && base64.len > 0 &&
	    enc_base64_decode(base64, &signature))
		q->fn(q->arg, true, buf_str(&signature), "");
	else
		q->fn(q->arg, false, STR(""),
		    text != NULL ? text : "maild's answer makes no sense");
	buf_release(&signature);
}

static void
answered(void *arg, bool ok, struct str line)
{
	struct question *q = arg;
	json_t *reply;
	char *why;

	if (ok) {
		reply = json_loadb(line.at, line.len, 0, NULL);
		tell(q, reply);
		json_decref(reply);
	} else {
		why = mem_dup(line);
		q->fn(q->arg, false, STR(""), why);
		free(why);
	}
	free(q);
}

void
signer_ask(struct ipc_client *authority, struct str domain, struct str selector,
    const uint8_t digest[SIGNER_DIGEST_LEN], signer_signed *fn, void *arg)
{
	struct question *q = MEM_NEW(struct question);
	struct buf base64;
	json_t *request;
	char *line;

	*q = (struct question){fn, arg};
	buf_init(&base64, ENC_BASE64_LEN(SIGNER_DIGEST_LEN));
	enc_base64(
	    (struct str){(const char *)digest, SIGNER_DIGEST_LEN}, &base64);
	request = json_pack("{s:s, s:s%, s:s%, s:s}", "op", "sign", "domain",
	    domain.at != NULL ? domain.at : "", domain.len, "selector",
	    selector.at != NULL ? selector.at : "", selector.len, "digest",
	    base64.data);
	buf_release(&base64);
	/* NULL if a name is not UTF-8: nobody has a key for it */
	line = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	ipc_ask(
	    authority, line != NULL ? str_of(line) : STR("{}"), answered, q);
	free(line);
}
