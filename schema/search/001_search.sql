-- search.db: what searches run on.  All of it can be built again from mail.db.

-- The decoded, folded text of a body (mime/text.h), zstd.
CREATE TABLE text (
	body		INTEGER PRIMARY KEY,
	head_size	INTEGER NOT NULL,		-- octets of the header lines at the front
	size		INTEGER NOT NULL,		-- octets of all, unpacked
	data		BLOB NOT NULL
) STRICT;

-- Trigrams of these texts; its rowid is the body's id.  Contentless: rows of
-- bodies that are gone stay until a rebuild, ids are never given again.
CREATE VIRTUAL TABLE gram USING fts5 (
	text, content = '', detail = none, columnsize = 0,
	tokenize = 'trigram case_sensitive 1'
);

-- Small facts: 'indexed': bodies up to this id were looked at; 'mark': the
-- begin of the hash of that one; 'made_as': TEXT_VERSION of the texts; 'texts': rows of text; 'dead': rows of gram whose
-- body is gone; 'swept': texts up to this body were looked at in this round.
CREATE TABLE meta (
	key		TEXT PRIMARY KEY,
	value		ANY
) STRICT, WITHOUT ROWID;
