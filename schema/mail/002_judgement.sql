-- What is known of senders, and what was found out about their messages.

-- The findings on a message, as policy/report.h writes them; the author is who
-- sent it as far as that was proven: what people do with the message counts for
-- or against that name.
CREATE TABLE verdict (
	trace		INTEGER PRIMARY KEY,		-- its journey
	author		TEXT NOT NULL,			-- address of From if DMARC passed or DKIM of its domain did; else ''
	domain		TEXT NOT NULL,			-- domain that was proven, or '' ...
	network		TEXT NOT NULL,			-- ... then where it came from: "192.0.2.0/24", "2001:db8::/64"
	report		TEXT NOT NULL,
	summary		TEXT NOT NULL			-- its hop of the journey, behind the first: "spf=pass dmarc=pass -> accepted"; '': none
) STRICT;

-- How mail of a sender was received by those who got it.  Halved every 30 days.
CREATE TABLE reputation (
	name		TEXT PRIMARY KEY,		-- address, domain or network as in verdict
	good		REAL NOT NULL DEFAULT 0,	-- answered, kept, moved out of Junk
	bad		REAL NOT NULL DEFAULT 0,	-- moved to Junk
	changed		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whom an account has written to: no stranger, and no new recipient.
CREATE TABLE correspondent (
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	address		TEXT NOT NULL,			-- folded
	first		INTEGER NOT NULL,
	last		INTEGER NOT NULL,
	PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX correspondent_address ON correspondent (address);

-- Who was asked to come again (RFC 6647).  Swept when older than its life.
CREATE TABLE greylist (
	key		BLOB PRIMARY KEY,		-- BLAKE2b-128 of network, sender, recipient
	first		INTEGER NOT NULL,
	last		INTEGER NOT NULL,
	passed		INTEGER NOT NULL DEFAULT 0	-- came again in time
) STRICT, WITHOUT ROWID;
CREATE INDEX greylist_last ON greylist (last);

-- What an account has sent, by the hour.
CREATE TABLE sent (
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	hour		INTEGER NOT NULL,		-- Unix hours
	messages	INTEGER NOT NULL DEFAULT 0,
	recipients	INTEGER NOT NULL DEFAULT 0,
	new_recipients	INTEGER NOT NULL DEFAULT 0,
	told		INTEGER NOT NULL DEFAULT 0,	-- a notice about a limit was put in the INBOX
	PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;

-- Public half of the keys that sign for a domain; the secrets are in auth.db.
CREATE TABLE signing_key (
	domain		INTEGER NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
	selector	TEXT NOT NULL,			-- "r20261122", "e20261122"
	algorithm	INTEGER NOT NULL,		-- enum key_algorithm
	record		TEXT NOT NULL,			-- what is to be published
	state		INTEGER NOT NULL,		-- 0 signs, 1 next: published, not yet signing, 2 retired: published, signs no more
	created		INTEGER NOT NULL,
	changed		INTEGER NOT NULL,
	PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
