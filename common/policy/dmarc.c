/* SPDX-License-Identifier: MIT */
#include "common/policy/dmarc.h"

#include "common/policy/dmarc_record.h"

#include <stdio.h>
#include <string.h>

#define WALK_MAX        8 /* questions of a tree walk (RFC 9989 s4.10) */
#define NAME_MAX_OCTETS 253

/* ---- one name of a walk ---- */

enum step_status {
	STEP_NOTHING, /* no record, or several */
	STEP_RECORD,
	STEP_TEMP, /* DNS does not say */
};

struct step {
	struct str name;
	enum step_status status;
	struct dmarc_record record;
};

/* RFC 9989 s4.10, steps 2 and 6: what does not begin with the version is no
 * record, and several are none. */
static void
read_step(const struct fact *fact, struct step *out)
{
	struct dmarc_record record;
	size_t n = 0;

	out->status = STEP_NOTHING;
	if (fact->status == FACT_TEMPFAIL)
		out->status = STEP_TEMP;
	for (size_t i = 0; fact->status == FACT_OK && i < fact->n; i++) {
		if (!dmarc_record_parse(fact->records[i], &record))
			continue;
		out->record = record;
		n++;
	}
	if (n == 1)
		out->status = STEP_RECORD;
}

/* False: not yet. */
static bool
ask_step(struct facts *f, struct step *out)
{
	char name[NAME_MAX_OCTETS + 16];
	const struct fact *fact;

	out->status = STEP_NOTHING;
	if (out->name.len > NAME_MAX_OCTETS)
		return true;
	snprintf(name, sizeof(name), "_dmarc.%.*s", STR_FMT(out->name));
	if ((fact = facts_ask(f, str_of(name), FACT_TXT)) == NULL)
		return false;
	read_step(fact, out);
	return true;
}

/* ---- the tree walk (RFC 9989 s4.10) ---- */

struct walk {
	struct step steps[WALK_MAX]; /* from the name itself up to the top */
	size_t n;
	struct str organization;
	const struct step *applies; /* the record of the organization or of its
	                             * public suffix; NULL: none */
	bool unsure;                /* DNS does not say */
};

static size_t
labels(struct str name)
{
	size_t n = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		n += name.at[i] == '.';
	return n;
}

/* The last n labels. */
static struct str
last_labels(struct str name, size_t n)
{
	while (labels(name) > n)
		str_cut(&name, '.');
	return name;
}

/* The names to ask: all at once, since most of the time all are needed.  False:
 * not yet. */
static bool
ask_walk(struct facts *f, struct str name, struct walk *w)
{
	size_t left = labels(name);
	bool known = true;

	for (w->n = 0; left > 0; w->n++) {
		w->steps[w->n].name = last_labels(name, left);
		known &= ask_step(f, &w->steps[w->n]);
		left = left > WALK_MAX ? WALK_MAX - 1 : left - 1;
	}
	return known;
}

/* RFC 9989 s4.10.2: the organization; s4.10.1: whose record is for it. */
static bool
walk(struct facts *f, struct str name, struct walk *w)
{
	*w = (struct walk){.organization = name};
	if (!ask_walk(f, name, w))
		return false;
	for (size_t i = 0; i < w->n; i++) {
		const struct step *s = &w->steps[i];

		if (s->status == STEP_TEMP) {
			w->unsure = true;
			return true;
		}
		if (s->status != STEP_RECORD)
			continue;
		if (s->record.psd == DMARC_PSD_YES && i > 0) {
			struct str below = last_labels(
			    name, labels(s->name) + 1);

			if (w->applies == NULL ||
			    !str_eq(w->applies->name, below))
				w->applies = s;
			w->organization = below;
			return true;
		}
		w->applies = s;
		w->organization = s->name;
		if (s->record.psd != DMARC_PSD_UNKNOWN)
			return true;
	}
	return true;
}

bool
dmarc_organization(struct facts *f, struct str name, char out[256])
{
	struct walk w;

	out[0] = '\0';
	if (name.len > NAME_MAX_OCTETS)
		return true;
	if (!walk(f, name, &w))
		return false;
	/* where DNS does not say, the name stands for itself */
	if (w.unsure)
		w.organization = name;
	snprintf(out, 256, "%.*s", STR_FMT(w.organization));
	return true;
}

/* ---- alignment (RFC 7489 s3.1, RFC 9989 s4.10.2) ---- */

enum aligned {
	ALIGNED_NO,
	ALIGNED_YES,
	ALIGNED_UNSURE,
	ALIGNED_WAIT
};

static struct str
top(struct str name)
{
	return last_labels(name, 1);
}

static enum aligned
align(struct facts *f, const struct walk *author, struct str name,
    const struct dmarc_proof *proof, bool strict)
{
	struct walk w;

	if (str_eq_nocase(proof->domain, name))
		return ALIGNED_YES;
	if (strict || proof->domain.len > NAME_MAX_OCTETS ||
	    !str_eq_nocase(top(proof->domain), top(name)))
		return ALIGNED_NO;
	if (author->unsure)
		return ALIGNED_UNSURE;
	if (!walk(f, proof->domain, &w))
		return ALIGNED_WAIT;
	if (w.unsure)
		return ALIGNED_UNSURE;
	return str_eq_nocase(w.organization, author->organization) ? ALIGNED_YES
	                                                           : ALIGNED_NO;
}

/* ---- the verdict ---- */

struct judged {
	const struct dmarc_proof *pass; /* NULL: none is aligned */
	bool unsure;                    /* one may be */
};

/* False: not yet. */
static bool
align_all(struct facts *f, const struct dmarc_input *in, const struct walk *w,
    const struct dmarc_record *record, struct judged *out)
{
	bool known = true;

	*out = (struct judged){0};
	for (size_t i = 0; i < in->n && out->pass == NULL; i++) {
		const struct dmarc_proof *p = &in->proofs[i];
		bool strict = record != NULL && (p->dkim ? record->strict_dkim
							 : record->strict_spf);

		switch (align(f, w, in->author, p, strict)) {
		case ALIGNED_YES:
			out->pass = p;
			break;
		case ALIGNED_UNSURE:
			out->unsure = true;
			break;
		case ALIGNED_WAIT:
			known = false;
			break;
		case ALIGNED_NO:
			break;
		}
	}
	return known || out->pass != NULL;
}

/* The record that applies: the author's own, else that of its organization.
 * NULL: none; *unsure: DNS does not say. */
static const struct step *
find_record(const struct walk *w, bool *unsure)
{
	const struct step *own = &w->steps[0];

	*unsure = false;
	if (own->status == STEP_RECORD)
		return own;
	if (own->status == STEP_TEMP || w->unsure) {
		*unsure = true;
		return NULL;
	}
	return w->applies;
}

/* Which of p, sp, np (RFC 9989 s4.10.1).  A name does not exist if DNS says
 * NXDOMAIN for it (RFC 8020); while DNS does not say, the stricter one is to be
 * assumed.  False: not yet. */
static bool
choose_policy(struct facts *f, const struct dmarc_input *in,
    const struct step *step, enum dmarc_policy *out, bool *unsure)
{
	const struct dmarc_record *r = &step->record;
	const struct fact *fact;

	*out = r->p;
	if (str_eq_nocase(step->name, in->author))
		return true;
	*out = r->sp;
	if (!r->has_np || r->np == r->sp)
		return true;
	if ((fact = facts_ask(f, in->author, FACT_A)) == NULL)
		return false;
	if (fact->status == FACT_TEMPFAIL) {
		*unsure = true;
		if (r->np > r->sp) /* a dead DNS is no way past it */
			*out = r->np;
	} else if (fact->status == FACT_NXDOMAIN)
		*out = r->np;
	return true;
}

static void
copy(char *out, size_t size, struct str text)
{
	size_t n = text.len < size - 1 ? text.len : size - 1;

	for (size_t i = 0; i < n; i++) {
		char c = text.at[i];

		out[i] = c < ' ' || c > '~' ? '?' : c;
	}
	out[n] = '\0';
}

static bool
conclude(struct dmarc_output *out, enum dmarc_result result, const char *why)
{
	out->result = result;
	snprintf(out->why, sizeof(out->why), "%s", why);
	return true;
}

static bool
passes(struct dmarc_output *out, const struct dmarc_proof *proof)
{
	copy(out->aligned, sizeof(out->aligned), proof->domain);
	out->by_dkim = proof->dkim;
	out->result = DMARC_PASS;
	snprintf(out->why, sizeof(out->why), "%s of %.150s is aligned",
	    proof->dkim ? "a DKIM signature" : "SPF", out->aligned);
	return true;
}

static bool
fails(const struct dmarc_input *in, const struct judged *judged, bool unsure,
    struct dmarc_output *out)
{
	if (in->unsure)
		return conclude(out, DMARC_TEMPERROR,
		    "nothing is aligned, but DNS did not answer all that SPF "
		    "and DKIM asked");
	if (judged->unsure || unsure)
		return conclude(out, DMARC_TEMPERROR,
		    "DNS did not answer all that DMARC asked");
	return conclude(out, DMARC_FAIL,
	    in->n == 0 ? "neither SPF nor DKIM passes"
		       : "what SPF and DKIM show is of another domain");
}

/* A name that can be asked about: labels of 1 to 63 octets. */
static bool
is_askable(struct str name)
{
	if (name.len == 0 || name.len > NAME_MAX_OCTETS ||
	    name.at[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		struct str label = str_cut(&name, '.');

		if (label.len == 0 || label.len > 63)
			return false;
	}
	return true;
}

bool
dmarc_check(
    struct facts *f, const struct dmarc_input *in, struct dmarc_output *out)
{
	const struct step *step;
	struct judged judged;
	struct walk w;
	bool unsure;

	*out = (struct dmarc_output){0};
	if (!is_askable(in->author))
		return conclude(out, DMARC_PERMERROR,
		    "From has no domain that can be asked");
	if (!walk(f, in->author, &w))
		return false;
	copy(out->organization, sizeof(out->organization),
	    w.unsure ? in->author : w.organization);
	step = find_record(&w, &unsure);
	if (step == NULL && !unsure)
		return conclude(
		    out, DMARC_NONE, "the domain publishes no policy");
	if (step != NULL) {
		copy(out->domain, sizeof(out->domain), step->name);
		copy(out->record, sizeof(out->record), step->record.text);
		if (!step->record.usable)
			return conclude(out, DMARC_NONE,
			    "its record has no policy that can be read");
		if (!choose_policy(f, in, step, &out->published, &unsure))
			return false;
		out->policy = out->published;
		if (step->record.testing && out->policy != DMARC_POLICY_NONE)
			out->policy--;
	}
	/* where the record is not known, only the same name is aligned under
	 * any */
	if (!align_all(f, in, &w, step != NULL ? &step->record : NULL, &judged))
		return false;
	return judged.pass != NULL ? passes(out, judged.pass)
	                           : fails(in, &judged, unsure, out);
}

const char *
dmarc_word(enum dmarc_result r)
{
	static const char *const words[] = {
#define R(name, word) [DMARC_##name] = (word),
	    DMARC_RESULTS(R)
#undef R
	};

	return words[r];
}

const char *
dmarc_policy_word(enum dmarc_policy p)
{
	static const char *const words[] = {
	    [DMARC_POLICY_NONE] = "none",
	    [DMARC_POLICY_QUARANTINE] = "quarantine",
	    [DMARC_POLICY_REJECT] = "reject",
	};

	return words[p];
}
