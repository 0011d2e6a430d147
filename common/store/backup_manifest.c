/* SPDX-License-Identifier: MIT */
#include "common/store/backup_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mime/date.h"
#include "common/util/buf.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define LINE_MAX_OCTETS 512
#define FLUSH           (64 * KB)
#define TITLE           "Penny Post backup 1"
#define SCHEMA_MAX      1000000
#define NUMBER_MAX      INT64_C(1000000000000000) /* of ms: year 33658 */

/* ---- writing ---- */

struct manifest_writer {
	int fd;
	char *path;
	struct buf text; /* not written yet */
	crypto_generichash_state hash;
	uint64_t files, octets;
};

static int
flush(struct manifest_writer *w, struct fail *f)
{
	struct str text = buf_str(&w->text);
	int rc;

	crypto_generichash_update(
	    &w->hash, (const unsigned char *)text.at, text.len);
	rc = backup_write(w->fd, w->path, text, f);
	buf_clear(&w->text);
	return rc;
}

struct manifest_writer *
manifest_begin(
    const char *dir, const struct manifest_head *head, struct fail *f)
{
	struct manifest_writer *w = MEM_NEW(struct manifest_writer);
	char date[DATE_TEXT_MAX];

	w->path = disk_path(dir, MANIFEST_NAME);
	buf_init(&w->text, FLUSH + LINE_MAX_OCTETS);
	crypto_generichash_init(&w->hash, NULL, 0, BACKUP_HASH);
	w->fd = backup_create(w->path, NULL, f);
	if (w->fd == -1) {
		manifest_abandon(w);
		return NULL;
	}
	buf_addf(&w->text,
	    TITLE "\nnumber %" PRId64 "\nmade %" PRId64 " %s\nprogram %s\n"
		  "schema mail %d auth %d\n",
	    head->number, head->made_ms, date_iso(head->made_ms / 1000, date),
	    head->program, head->mail_schema, head->auth_schema);
	return w;
}

int
manifest_add(
    struct manifest_writer *w, const struct manifest_file *file, struct fail *f)
{
	buf_addf(&w->text, "file %" PRIu64 " ", file->octets);
	enc_hex((struct str){(const char *)file->hash, BACKUP_HASH}, &w->text);
	buf_addf(&w->text, " %s\n", file->path);
	w->files++;
	w->octets += file->octets;
	return w->text.len >= FLUSH ? flush(w, f) : 0;
}

int
manifest_end(struct manifest_writer *w, struct fail *f)
{
	unsigned char hash[BACKUP_HASH];
	int rc = flush(w, f);

	crypto_generichash_final(&w->hash, hash, sizeof(hash));
	buf_addf(&w->text, "end %" PRIu64 " %" PRIu64 " ", w->files, w->octets);
	enc_hex((struct str){(char *)hash, sizeof(hash)}, &w->text);
	buf_add_char(&w->text, '\n');
	if (rc == 0)
		rc = backup_write(w->fd, w->path, buf_str(&w->text), f);
	rc = backup_finish_file(w->fd, w->path, rc, f);
	w->fd = -1;
	manifest_abandon(w);
	return rc;
}

void
manifest_abandon(struct manifest_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		close(w->fd);
	buf_release(&w->text);
	free(w->path);
	free(w);
}

/* ---- reading ---- */

struct manifest_reader {
	FILE *in;
	char *path;
	char line[LINE_MAX_OCTETS];
	crypto_generichash_state hash;
	uint64_t files, octets;
};

static int
damaged(const struct manifest_reader *r, struct fail *f)
{
	if (ferror(r->in))
		return backup_fail(f, r->path);
	return fail(f, FAIL_PERM, "%s is cut off or damaged", r->path);
}

/* A line without its end, not hashed yet. */
static int
next_line(struct manifest_reader *r, struct str *out, struct fail *f)
{
	size_t len;

	if (fgets(r->line, sizeof(r->line), r->in) == NULL)
		return damaged(r, f);
	len = strlen(r->line);
	if (len == 0 || r->line[len - 1] != '\n')
		return damaged(r, f);
	*out = (struct str){r->line, len - 1};
	return 0;
}

static void
hash_line(struct manifest_reader *r, struct str line)
{
	crypto_generichash_update(
	    &r->hash, (const unsigned char *)line.at, line.len + 1);
}

/* The value of the line that begins with this word. */
static int
head_line(struct manifest_reader *r, struct str word, struct str *value,
    struct fail *f)
{
	struct str line;

	if (next_line(r, &line, f) == -1)
		return -1;
	hash_line(r, line);
	if (!str_starts(line, word))
		return damaged(r, f);
	*value = str_after(line, word.len);
	return 0;
}

static int
head_number(struct manifest_reader *r, struct str word, int64_t *out,
    struct str *rest, struct fail *f)
{
	uint64_t n;

	if (head_line(r, word, rest, f) == -1)
		return -1;
	if (!str_to_u64(str_cut(rest, ' '), NUMBER_MAX, &n))
		return damaged(r, f);
	*out = (int64_t)n;
	return 0;
}

static int
read_head(struct manifest_reader *r, struct manifest_head *h, struct fail *f)
{
	struct str rest;
	uint64_t n;
	int64_t mail;

	if (head_line(r, STR(TITLE), &rest, f) == -1)
		return -1;
	if (rest.len > 0)
		return fail(
		    f, FAIL_PERM, "%s was made by a newer program", r->path);
	if (head_number(r, STR("number "), &h->number, &rest, f) == -1 ||
	    head_number(r, STR("made "), &h->made_ms, &rest, f) == -1 ||
	    head_line(r, STR("program "), &rest, f) == -1)
		return -1;
	snprintf(h->program, sizeof(h->program), "%.*s", STR_FMT(rest));
	if (head_number(r, STR("schema mail "), &mail, &rest, f) == -1)
		return -1;
	if (mail > SCHEMA_MAX || !str_eq(str_cut(&rest, ' '), STR("auth")) ||
	    !str_to_u64(rest, SCHEMA_MAX, &n))
		return damaged(r, f);
	h->mail_schema = (int)mail;
	h->auth_schema = (int)n;
	return 0;
}

struct manifest_reader *
manifest_open(const char *dir, struct manifest_head *head, struct fail *f)
{
	struct manifest_reader *r = MEM_NEW(struct manifest_reader);
	int fd;

	r->path = disk_path(dir, MANIFEST_NAME);
	crypto_generichash_init(&r->hash, NULL, 0, BACKUP_HASH);
	fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		backup_fail(f, r->path);
	else
		r->in = fdopen(fd, "r");
	if (r->in != NULL && read_head(r, head, f) == 0)
		return r;
	manifest_close(r);
	return NULL;
}

static bool
take_hash(struct str hex, unsigned char hash[BACKUP_HASH])
{
	struct buf b;
	bool good;

	buf_init(&b, BACKUP_HASH);
	good = hex.len == 2 * BACKUP_HASH && enc_hex_decode(hex, &b) &&
	       b.len == BACKUP_HASH;
	if (good)
		memcpy(hash, b.data, BACKUP_HASH);
	buf_release(&b);
	return good;
}

bool
manifest_is_path(struct str path)
{
	static const struct {
		struct str begin;
		size_t slashes;
	} kinds[] = {
	    {STR("auth.db.parts/"), 0},
	    {STR("mail.db.parts/"), 0},
	    {STR("objects/"),       1},
	};

	if (path.len >= DISK_NAME_MAX)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct str rest = str_after(path, kinds[i].begin.len);
		size_t slashes = 0;

		if (!str_starts(path, kinds[i].begin) || rest.len == 0 ||
		    rest.at[0] == '.')
			continue;
		for (size_t j = 0; j < rest.len; j++) {
			char c = rest.at[j];

			slashes += c == '/';
			if (c == '/' && j + 1 < rest.len &&
			    rest.at[j + 1] == '.')
				return false;
			if (!(c == '/' || c == '.' || (c >= '0' && c <= '9') ||
				(c >= 'a' && c <= 'z')))
				return false;
		}
		return slashes == kinds[i].slashes &&
		       rest.at[rest.len - 1] != '/';
	}
	return false;
}

static int
read_end(struct manifest_reader *r, struct str rest, struct fail *f)
{
	unsigned char hash[BACKUP_HASH], want[BACKUP_HASH];
	uint64_t files, octets;

	crypto_generichash_final(&r->hash, hash, sizeof(hash));
	if (!str_to_u64(str_cut(&rest, ' '), UINT64_MAX, &files) ||
	    !str_to_u64(str_cut(&rest, ' '), UINT64_MAX, &octets) ||
	    !take_hash(rest, want) || files != r->files ||
	    octets != r->octets || memcmp(hash, want, sizeof(hash)) != 0 ||
	    fgetc(r->in) != EOF)
		return damaged(r, f);
	return 0;
}

int
manifest_next(
    struct manifest_reader *r, struct manifest_file *file, struct fail *f)
{
	struct str line, rest, word;

	if (next_line(r, &line, f) == -1)
		return -1;
	rest = line;
	word = str_cut(&rest, ' ');
	if (str_eq(word, STR("end")))
		return read_end(r, rest, f);
	hash_line(r, line);
	if (!str_eq(word, STR("file")) ||
	    !str_to_u64(str_cut(&rest, ' '), INT64_MAX, &file->octets) ||
	    !take_hash(str_cut(&rest, ' '), file->hash) ||
	    !manifest_is_path(rest))
		return damaged(r, f);
	snprintf(file->path, sizeof(file->path), "%.*s", STR_FMT(rest));
	r->files++;
	r->octets += file->octets;
	return 1;
}

void
manifest_close(struct manifest_reader *r)
{
	if (r == NULL)
		return;
	if (r->in != NULL)
		fclose(r->in);
	free(r->path);
	free(r);
}
