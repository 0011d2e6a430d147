-- Passwords made for one program: at least 100 random bits, so a keyed hash is
-- enough, and no slow one is needed.  Its key is in meta, 'app_password_key';
-- 'scram_secret' there makes the salts of names that nobody has.
CREATE TABLE app_password (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	login		TEXT NOT NULL,			-- folded address
	name		TEXT NOT NULL,			-- "Alice's telephone"
	scopes		INTEGER NOT NULL,		-- bits: 1 smtp, 2 imap, 4 pop3
	hash		BLOB NOT NULL UNIQUE,		-- BLAKE2b-256, keyed
	created		INTEGER NOT NULL,
	used		INTEGER,			-- last time, to the hour; NULL: never
	used_from	TEXT,				-- address
	used_for	TEXT,				-- protocol
	UNIQUE (login, name)
) STRICT;

-- For SCRAM (RFC 5802): made together with the verifier.
CREATE TABLE scram (
	login		TEXT PRIMARY KEY,
	salt		BLOB NOT NULL,
	iterations	INTEGER NOT NULL,
	stored_key	BLOB NOT NULL,
	server_key	BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Secret half of the keys in mail.db's signing_key.
CREATE TABLE signing_secret (
	domain		TEXT NOT NULL,			-- A-label
	selector	TEXT NOT NULL,
	secret		BLOB NOT NULL,			-- PKCS#8 DER
	PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
