-- auth.db: what proves who somebody is.  Opened by maild alone.
CREATE TABLE credential (
	login		TEXT PRIMARY KEY,		-- folded address
	verifier	TEXT NOT NULL,			-- argon2id, as text
	changed		INTEGER NOT NULL		-- Unix milliseconds
) STRICT, WITHOUT ROWID;

-- Small facts: 'proof' (counts the writes that tested the disk).
CREATE TABLE meta (
	key		TEXT PRIMARY KEY,
	value		ANY
) STRICT, WITHOUT ROWID;
