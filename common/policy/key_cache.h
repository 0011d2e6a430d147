/* SPDX-License-Identifier: MIT */
/*
 * key_cache: public keys that were read lately, by the whole text of their
 * record: reading one costs as much as checking a signature with it, and most
 * mail of a day is signed with few.
 *
 * Any thread may use it at any time.  Bounded: KEY_CACHE_MAX keys, none with a
 * record over KEY_CACHE_RECORD octets.  A record that is no key is read anew
 * each time: whoever sends many drives nothing out.
 */
#ifndef POLICY_KEY_CACHE_H
#define POLICY_KEY_CACHE_H

#include "common/policy/key.h"

#define KEY_CACHE_MAX    256
#define KEY_CACHE_RECORD (2 * 1024) /* RSA of 8,192 bits has 1,450 */

struct key_cache;

struct key_cache *key_cache_new(void);
void key_cache_free(struct key_cache *c); /* keys that were given live on */

/* As key_record_parse(), from the cache where it is there.  c may be NULL: no
 * cache. */
enum key_record key_cache_parse(struct key_cache *c, struct str record,
    struct key_facts *facts, struct key_public **out);

#endif
