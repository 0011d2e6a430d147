-- Passwords that maild says to smarthosts.
CREATE TABLE smarthost_secret (
	domain		TEXT PRIMARY KEY,		-- as in mail.db's smarthost
	secret		TEXT NOT NULL
) STRICT, WITHOUT ROWID;
