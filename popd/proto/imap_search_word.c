/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_search_word.h"

#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define STRING_MAX IMAP_COMMAND_MAX

static bool
blame(struct search_parse *s, enum imap_status status, enum imap_code code,
    const char *text)
{
	*s->e = (struct search_error){status, code, text};
	return false;
}

bool
search_wrong(struct search_parse *s, const char *text)
{
	return blame(s, IMAP_BAD, IMAP_CODE_NONE, text);
}

struct search_key *
search_add_key(struct search_program *q, enum search_kind kind)
{
	if (q->n == q->room) {
		q->room = q->room * 2 + 8;
		q->keys = mem_grow(q->keys, q->room, sizeof(*q->keys));
	}
	q->keys[q->n] = (struct search_key){.kind = kind, .next = q->n + 1};
	return &q->keys[q->n++];
}

/* ---- leaves: each is one row of the table of words ---- */

struct word;
typedef bool take_argument(struct search_parse *s, const struct word *w);

enum range { /* of numbers, by the argument */
	EXACTLY,
	BELOW,
	UP_TO,
	FROM,
	ABOVE,
};

struct word {
	struct str name;
	take_argument *take;
	enum search_kind kind;
	uint64_t flags;    /* FLAGS */
	bool negated;      /* of flags and \Recent: not so */
	const char *field; /* HEADER */
	enum range range;
	enum imap_cap cap;
};

static void
add_leaf(struct search_parse *s, const struct word *w, struct search_key k)
{
	struct search_key *to;
	size_t not = s->q->n;

	if (w->negated)
		search_add_key(s->q, SEARCH_NOT);
	to = search_add_key(s->q, k.kind);
	k.next = to->next;
	*to = k;
	if (w->negated)
		s->q->keys[not ].next = s->q->n;
}

static bool
take_nothing(struct search_parse *s, const struct word *w)
{
	add_leaf(s, w, (struct search_key){.kind = w->kind, .flags = w->flags});
	return true;
}

static void
know_recent(struct search_parse *s)
{
	const struct mirror_message *m;
	const struct view *v = s->p->view;

	s->recent_known = true;
	for (size_t i = 0; (m = view_at(v, i)) != NULL; i++)
		if (view_recent(v, m->uid))
			seqset_add(&s->q->recent, m->uid, m->uid);
}

static bool
take_recent(struct search_parse *s, const struct word *w)
{
	size_t list = s->q->n;

	if (!s->recent_known)
		know_recent(s);
	if (w->flags == 0) {
		add_leaf(s, w, (struct search_key){.kind = SEARCH_RECENT});
		return true;
	}
	/* RFC 3501 s6.4.4: NEW is RECENT UNSEEN */
	search_add_key(s->q, SEARCH_AND);
	search_add_key(s->q, SEARCH_RECENT);
	search_add_key(s->q, SEARCH_NOT);
	search_add_key(s->q, SEARCH_FLAGS)->flags = w->flags;
	s->q->keys[s->q->n - 2].next = s->q->n;
	s->q->keys[list].next = s->q->n;
	return true;
}

static bool
take_keyword(struct search_parse *s, const struct word *w)
{
	const struct mirror *m = view_mirror(s->p->view);
	struct search_key k = {.kind = SEARCH_FLAGS};
	struct str name;

	if (!imap_arg_atom(s->a, &name))
		return search_wrong(s, "a keyword is expected");
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *known = mirror_keyword(m, bit);

		if (known != NULL && str_eq_nocase(str_of(known), name))
			k.flags |= UINT64_C(1) << bit;
	}
	add_leaf(s, w, k);
	return true;
}

static bool
add_range(struct search_parse *s, const struct word *w, int64_t n)
{
	struct search_key k = {.kind = w->kind, .low = n, .high = n};

	if (w->range == BELOW || w->range == UP_TO)
		k.low = INT64_MIN;
	if (w->range == FROM || w->range == ABOVE)
		k.high = INT64_MAX;
	k.high -= w->range == BELOW;
	k.low += w->range == ABOVE;
	add_leaf(s, w, k);
	return true;
}

static bool
take_date(struct search_parse *s, const struct word *w)
{
	int64_t day;

	if (!imap_arg_date(s->a, &day))
		return search_wrong(s, "a date is expected");
	return add_range(s, w, day);
}

static bool
take_size(struct search_parse *s, const struct word *w)
{
	uint64_t n;

	if (!imap_arg_number64(s->a, &n) || n == INT64_MAX)
		return search_wrong(s, "a number is expected");
	return add_range(s, w, (int64_t)n);
}

/* RFC 5032 s2 */
static bool
take_interval(struct search_parse *s, const struct word *w)
{
	uint32_t n;

	if (!imap_arg_number(s->a, &n) || n == 0)
		return search_wrong(s, "a number of seconds is expected");
	return add_range(s, w, s->p->now_s - (int64_t)n);
}

/* RFC 7162 s3.1.5: metadata items have no modseqs of their own here, so names
 * and types are passed over. */
static bool
take_modseq(struct search_parse *s, const struct word *w)
{
	uint64_t modseq;
	struct buf name;
	bool named;

	buf_init(&name, 4 * KB);
	named = imap_arg_string(s->a, &name);
	buf_release(&name);
	if (named && !(imap_arg_space(s->a) &&
			 (imap_arg_word(s->a, STR("shared")) ||
			     imap_arg_word(s->a, STR("priv")) ||
			     imap_arg_word(s->a, STR("all"))) &&
			 imap_arg_space(s->a)))
		return search_wrong(
		    s, "the type of a metadata item is expected");
	if (!imap_arg_number64(s->a, &modseq))
		return search_wrong(s, "a mod-sequence is expected");
	s->q->by_modseq = true;
	return add_range(s, w, (int64_t)modseq);
}

/* EMAILID; THREADID, of which there are none (RFC 8474 s5.2). */
static bool
take_object_id(struct search_parse *s, const struct word *w)
{
	struct search_key k = {
	    .kind = SEARCH_FLAGS}; /* no flag: nothing is so */
	uint64_t id;
	struct buf given, same;

	buf_init(&given, 256);
	buf_init(&same, 256);
	if (!imap_arg_astring(s->a, &given)) {
		buf_release(&given);
		return search_wrong(s, "an object id is expected");
	}
	if (w->kind == SEARCH_EMAIL && given.len > 1 &&
	    enc_base32_decode(str_after(buf_str(&given), 1), &id)) {
		imap_out_objectid(&same, 'M', id);
		if (str_eq(buf_str(&given), buf_str(&same)))
			k = (struct search_key){
			    .kind = SEARCH_EMAIL, .email = id};
	}
	buf_release(&same);
	buf_release(&given);
	add_leaf(s, w, k);
	return true;
}

/* Text as it came becomes what is compared: decoded and folded, line ends as
 * mime/text.h has them. */
static bool
add_needle(struct search_parse *s, struct str given, struct search_span *out)
{
	struct str charset = str_of(s->charset->name);
	struct buf utf8, folded;
	struct str rest;

	if (charset.len == 0 && !utf8_valid(given))
		return blame(s, IMAP_NO, IMAP_CODE_BADCHARSET,
		    "Text that is not UTF-8 needs its CHARSET");
	buf_init(&utf8, 4 * STRING_MAX);
	buf_init(&folded, 8 * STRING_MAX);
	charset_to_utf8(
	    charset.len == 0 ? STR("UTF-8") : charset, given, &utf8);
	text_fold(buf_str(&utf8), &folded);
	out->at = s->q->text.len;
	for (rest = buf_str(&folded); rest.len > 0; rest = str_after(rest, 1))
		if (rest.at[0] != '\r' || rest.len == 1 || rest.at[1] != '\n')
			buf_add_char(&s->q->text, rest.at[0]);
	out->len = s->q->text.len - out->at;
	buf_release(&utf8);
	buf_release(&folded);
	return !s->q->text.overrun || search_wrong(s, "the texts are too long");
}

static bool
take_needle(struct search_parse *s, struct search_span *out)
{
	struct buf given;
	bool good;

	buf_init(&given, STRING_MAX);
	good = imap_arg_astring(s->a, &given) ||
	       search_wrong(s, "a string is expected");
	good = good && add_needle(s, buf_str(&given), out);
	buf_release(&given);
	return good;
}

static struct search_span
add_field(struct search_parse *s, struct str name)
{
	struct search_span span = {s->q->text.len, name.len};

	for (size_t i = 0; i < name.len; i++)
		buf_add_char(&s->q->text, str_lower(name.at[i]));
	return span;
}

static bool
take_text(struct search_parse *s, const struct word *w)
{
	struct search_key k = {.kind = w->kind};

	if (w->field != NULL)
		k.field = add_field(s, str_of(w->field));
	if (!take_needle(s, &k.needle))
		return false;
	add_leaf(s, w, k);
	return true;
}

static bool
take_header(struct search_parse *s, const struct word *w)
{
	struct search_key k = {.kind = w->kind};
	struct buf name;
	bool good;

	buf_init(&name, STRING_MAX);
	good = imap_arg_astring(s->a, &name) && imap_arg_space(s->a);
	if (good)
		k.field = add_field(s, buf_str(&name));
	buf_release(&name);
	if (!good)
		return search_wrong(s, "a field and a string are expected");
	if (!take_needle(s, &k.needle))
		return false;
	add_leaf(s, w, k);
	return true;
}

/* ---- sets ---- */

/* Numbers or UIDs as UIDs.  What is beyond the mailbox is no message of it, but
 * no error either (as clients know it from other servers, who ask for 1:* of
 * an empty mailbox). */
static bool
take_set(struct search_parse *s, bool uids)
{
	const struct view *v = s->p->view;
	uint32_t count = view_count(v);
	struct seqset given = {.ranges = NULL}, set = {.ranges = NULL};
	struct search_key k = {.kind = SEARCH_UIDS};
	struct word plain = {.negated = false};

	if (!imap_arg_seqset(s->a, &given)) {
		seqset_release(&given);
		return search_wrong(s, "a set of messages is expected");
	}
	if (given.saved) { /* RFC 5182 s2.1 */
		if (s->q->saved.n == 0)
			seqset_add_all(&s->q->saved, &s->p->saved);
		seqset_release(&given);
		add_leaf(s, &plain, (struct search_key){.kind = SEARCH_SAVED});
		return true;
	}
	if (!uids) {
		seqset_resolve(&given, count);
		if (count < UINT32_MAX)
			seqset_remove(&given, count + 1, UINT32_MAX);
	}
	if (given.n > 0)
		view_resolve(v, &given, uids, &set);
	seqset_release(&given);
	k.set = s->q->n_sets++;
	s->q->sets = mem_grow(s->q->sets, s->q->n_sets, sizeof(*s->q->sets));
	s->q->sets[k.set] = set;
	add_leaf(s, &plain, k);
	return true;
}

static bool
take_uid(struct search_parse *s, const struct word *w)
{
	(void)w;
	return take_set(s, true);
}

static bool
begins_set(struct str rest)
{
	return rest.len > 0 && (rest.at[0] == '*' || rest.at[0] == '$' ||
				   (rest.at[0] >= '0' && rest.at[0] <= '9'));
}

static bool
take_number_set(struct search_parse *s)
{
	if (imap_has(s->p, IMAP_HAS_UIDONLY) && s->a->rest.at[0] != '$')
		return blame(s, IMAP_BAD, IMAP_CODE_UIDREQUIRED,
		    "Message numbers are not used any more"); /* RFC 9586 s3 */
	return take_set(s, false);
}

/* ---- the table ---- */

#define NO_CAP    IMAP_CAP_COUNT
#define CAP(name) IMAP_CAP_##name

#define WORD(text, c, fn, k, ...)                                              \
	{                                                                      \
		.name = {text, sizeof(text) - 1}, .cap = c, .take = fn,        \
		.kind = SEARCH_##k, __VA_ARGS__                                \
	}
#define FLAG(text, flag)                                                       \
	WORD(text, NO_CAP, take_nothing, FLAGS, .flags = flag),                \
	    WORD("UN" text, NO_CAP, take_nothing, FLAGS, .flags = flag, NOT)
#define FIELD(text, of) WORD(text, NO_CAP, take_text, HEADER, .field = of)
#define DAYS(prefix, c, k)                                                     \
	WORD(prefix "BEFORE", c, take_date, k, .range = BELOW),                \
	    WORD(prefix "ON", c, take_date, k, .range = EXACTLY),              \
	    WORD(prefix "SINCE", c, take_date, k, .range = FROM)
#define NOT .negated = true

static const struct word words[] = {
    /* clang-format off */
    WORD("ALL", NO_CAP, take_nothing, ALL, .flags = 0),
    FLAG("ANSWERED", IMAP_ANSWERED),
    FLAG("DELETED", IMAP_DELETED),
    FLAG("DRAFT", IMAP_DRAFT),
    FLAG("FLAGGED", IMAP_FLAGGED),
    FLAG("SEEN", IMAP_SEEN),
    WORD("KEYWORD", NO_CAP, take_keyword, FLAGS, .flags = 0),
    WORD("UNKEYWORD", NO_CAP, take_keyword, FLAGS, NOT),
    WORD("NEW", NO_CAP, take_recent, RECENT, .flags = IMAP_SEEN),
    WORD("OLD", NO_CAP, take_recent, RECENT, NOT),
    WORD("RECENT", NO_CAP, take_recent, RECENT, .flags = 0),
    DAYS("", NO_CAP, RECEIVED_DAY),
    DAYS("SENT", NO_CAP, SENT_DAY),
    DAYS("SAVED", CAP(SAVEDATE), SAVED_DAY),
    WORD("SAVEDATESUPPORTED", CAP(SAVEDATE), take_nothing, ALL, .flags = 0),
    WORD("LARGER", NO_CAP, take_size, SIZE, .range = ABOVE),
    WORD("SMALLER", NO_CAP, take_size, SIZE, .range = BELOW),
    WORD("OLDER", CAP(WITHIN), take_interval, RECEIVED, .range = UP_TO),
    WORD("YOUNGER", CAP(WITHIN), take_interval, RECEIVED, .range = FROM),
    WORD("MODSEQ", CAP(CONDSTORE), take_modseq, MODSEQ, .range = FROM),
    WORD("EMAILID", CAP(OBJECTID), take_object_id, EMAIL, .flags = 0),
    WORD("THREADID", CAP(OBJECTID), take_object_id, FLAGS, .flags = 0),
    WORD("UID", NO_CAP, take_uid, UIDS, .flags = 0),
    FIELD("BCC", "bcc"),
    FIELD("CC", "cc"),
    FIELD("FROM", "from"),
    FIELD("SUBJECT", "subject"),
    FIELD("TO", "to"),
    WORD("HEADER", NO_CAP, take_header, HEADER, .field = NULL),
    WORD("BODY", NO_CAP, take_text, BODY, .field = NULL),
    WORD("TEXT", NO_CAP, take_text, TEXT, .field = NULL),
    /* clang-format on */
};

static const struct word *
find_word(const struct search_parse *s, struct str name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_nocase(name, words[i].name) &&
		    (words[i].cap == NO_CAP || imap_offers(s->p, words[i].cap)))
			return &words[i];
	return NULL;
}

bool
search_take_word(struct search_parse *s)
{
	const struct word *w;
	struct str name;

	if (begins_set(s->a->rest))
		return take_number_set(s);
	if (!imap_arg_atom(s->a, &name) || (w = find_word(s, name)) == NULL)
		return search_wrong(s, "there is no such search key");
	if (w->take != take_nothing && w->take != take_recent &&
	    !imap_arg_space(s->a))
		return search_wrong(s, "the search key needs an argument");
	return w->take(s, w);
}
