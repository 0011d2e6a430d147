-- mail.db: everything but large bodies.  Ids are never reused.
-- Times are Unix milliseconds unless a comment says otherwise.

-- A domain whose mail is delivered here.
CREATE TABLE domain (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL UNIQUE,		-- A-label, lower case, no final dot
	created		INTEGER NOT NULL
) STRICT;

-- A person.  Verifiers of passwords are in auth.db.
CREATE TABLE account (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	login		TEXT NOT NULL UNIQUE,		-- folded address
	state		INTEGER NOT NULL DEFAULT 0,	-- 0 active, 1 disabled: mail is kept, no login, 2 being removed
	quota_bytes	INTEGER NOT NULL DEFAULT 0,	-- 0: no limit
	imap_off	TEXT NOT NULL DEFAULT '',	-- IMAP capabilities not offered, a space between
	created		INTEGER NOT NULL
) STRICT;

-- What an account holds: rewritten by every delivery, so apart from its names.
CREATE TABLE account_use (
	account		INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	bytes		INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
	messages	INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0)
) STRICT;

-- Every deliverable address and where its mail goes: one row per target.
CREATE TABLE address (
	domain		INTEGER NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
	local		TEXT NOT NULL,			-- folded local part; '' is the catch-all
	n		INTEGER NOT NULL DEFAULT 0,	-- several targets make a list
	account		INTEGER REFERENCES account (id) ON DELETE CASCADE,
	forward		TEXT,				-- an address; elsewhere the local part as given
	PRIMARY KEY (domain, local, n),
	CHECK ((account IS NULL) <> (forward IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX address_account ON address (account) WHERE account IS NOT NULL;

-- A body: the immutable bytes of a message, shared by all its copies.
CREATE TABLE body (
	id		INTEGER PRIMARY KEY,		-- max + 1 under the lock; the highest is never swept
	size		INTEGER NOT NULL CHECK (size >= 0),	-- plain octets
	stored		INTEGER NOT NULL CHECK (stored >= 0),	-- octets kept
	codec		INTEGER NOT NULL,		-- 0 plain, 1 zstd
	hash		BLOB NOT NULL,			-- BLAKE2b-256 of the plain octets
	file		TEXT,				-- "objects/xx/<hash in hex>.<nonce>"; NULL: in body_data
	refs		INTEGER NOT NULL CHECK (refs >= 0)	-- messages and queue entries that hold it
) STRICT;
CREATE INDEX body_file ON body (hash) WHERE file IS NOT NULL;	-- only files are shared by content
CREATE INDEX body_dead ON body (id) WHERE refs = 0;		-- waits for the sweeper

-- Octets of the small ones: apart, since refs is rewritten.
CREATE TABLE body_data (
	body		INTEGER PRIMARY KEY,
	data		BLOB NOT NULL
) STRICT;

-- What IMAP says of a body, found while it was staged.  Without a row it is
-- found again from the octets.
CREATE TABLE body_info (
	body		INTEGER PRIMARY KEY,
	sent		INTEGER,			-- Date field, Unix seconds; NULL: none that can be read
	envelope	BLOB NOT NULL,			-- as FETCH gives it (RFC 9051 s7.5.2)
	structure	BLOB NOT NULL,			-- BODYSTRUCTURE likewise
	parts		BLOB NOT NULL,			-- where each part is (mime/parts.h)
	refs		BLOB NOT NULL,			-- message ids, for THREAD (mime/structure.h)
	preview		TEXT NOT NULL			-- RFC 8970
) STRICT;

-- A mailbox is a name and the promises of IMAP that go with it.
CREATE TABLE mailbox (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	name		TEXT NOT NULL,			-- UTF-8, '/' between levels; INBOX in capitals
	uid_validity	INTEGER NOT NULL UNIQUE,	-- rises through the whole store, never reused
	special		INTEGER NOT NULL DEFAULT 0,	-- enum mailbox_use (RFC 6154)
	created		INTEGER NOT NULL,
	UNIQUE (account, name)
) STRICT;

-- Hot counters of a mailbox, in the same transaction as what they count.
CREATE TABLE mailbox_state (
	mailbox		INTEGER PRIMARY KEY REFERENCES mailbox (id) ON DELETE CASCADE,
	uid_next	INTEGER NOT NULL DEFAULT 1 CHECK (uid_next > 0),
	modseq		INTEGER NOT NULL DEFAULT 1,	-- rises with every change
	changed		INTEGER NOT NULL DEFAULT 1,	-- modseq of the last one that did not only add
	recent_uid	INTEGER NOT NULL DEFAULT 1,	-- from here on no session was told (\Recent)
	messages	INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
	unseen		INTEGER NOT NULL DEFAULT 0 CHECK (unseen >= 0),
	deleted		INTEGER NOT NULL DEFAULT 0 CHECK (deleted >= 0),
	bytes		INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0)
) STRICT;

-- One row per message in a mailbox: narrow and clustered.
CREATE TABLE message (
	mailbox		INTEGER NOT NULL,
	uid		INTEGER NOT NULL,
	modseq		INTEGER NOT NULL,
	flags		INTEGER NOT NULL,		-- bits of store/message.h, keywords from bit 8 on
	received	INTEGER NOT NULL,
	size		INTEGER NOT NULL,		-- octets, CRLF counted
	body		INTEGER NOT NULL,
	trace		INTEGER NOT NULL,		-- its journey; 0: it has none
	saved		INTEGER NOT NULL DEFAULT 0,	-- when it came into this mailbox; 0: when received
	email		INTEGER NOT NULL DEFAULT 0,	-- where it was first, (UIDVALIDITY << 32) + UID: its
							-- EMAILID, kept by COPY and MOVE; 0: here
	pop3		INTEGER NOT NULL DEFAULT 0,	-- its UIDL likewise, kept by MOVE alone; 0: here
	PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;

-- Names of the keywords of a mailbox.
CREATE TABLE keyword (
	mailbox		INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
	bit		INTEGER NOT NULL CHECK (bit BETWEEN 8 AND 61),
	name		TEXT NOT NULL COLLATE NOCASE,
	PRIMARY KEY (mailbox, bit),
	UNIQUE (mailbox, name)
) STRICT, WITHOUT ROWID;

-- Names an account subscribes to; a mailbox need not be there.
CREATE TABLE subscription (
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	name		TEXT NOT NULL,
	PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- RFC 5464: what clients remember of a mailbox, or (mailbox 0) the account.
CREATE TABLE metadata (
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	mailbox		INTEGER NOT NULL,
	name		TEXT NOT NULL COLLATE NOCASE,	-- "/private/comment"
	value		BLOB NOT NULL,
	PRIMARY KEY (account, mailbox, name)
) STRICT, WITHOUT ROWID;

-- Ranges of UIDs that are gone, with the modseq of their going (RFC 7162).
CREATE TABLE expunged (
	mailbox		INTEGER NOT NULL,
	modseq		INTEGER NOT NULL,
	low		INTEGER NOT NULL,
	high		INTEGER NOT NULL,
	PRIMARY KEY (mailbox, modseq, low)
) STRICT, WITHOUT ROWID;

-- A message on its way to other servers; its id is its journey's.
CREATE TABLE queue (
	trace		INTEGER PRIMARY KEY,
	body		INTEGER NOT NULL,
	skip		INTEGER NOT NULL DEFAULT 0,	-- octets of Return-Path not to be relayed
	sender		TEXT NOT NULL,			-- '' is the null reverse-path
	utf8		INTEGER NOT NULL DEFAULT 0,	-- needs SMTPUTF8
	eight_bit	INTEGER NOT NULL DEFAULT 0,	-- BODY=8BITMIME
	created		INTEGER NOT NULL,
	expires		INTEGER NOT NULL,
	account		INTEGER				-- who submitted it
) STRICT;

-- One row per recipient that still waits.
CREATE TABLE recipient (
	trace		INTEGER NOT NULL REFERENCES queue (trace) ON DELETE CASCADE,
	n		INTEGER NOT NULL,
	address		TEXT NOT NULL,			-- as given in RCPT, or the alias's target
	domain		TEXT NOT NULL,			-- folded
	original	TEXT,				-- what an alias stood for
	state		INTEGER NOT NULL DEFAULT 0,	-- 0 waiting, 1 held
	next_at		INTEGER NOT NULL,
	tries		INTEGER NOT NULL DEFAULT 0,
	last_at		INTEGER,
	last_code	INTEGER,			-- SMTP reply, 0: no reply
	last_reply	TEXT,				-- the remote's words, or ours
	last_host	TEXT,				-- "mx.example.org [192.0.2.1]"
	PRIMARY KEY (trace, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient (next_at) WHERE state = 0;
CREATE INDEX recipient_domain ON recipient (domain, next_at) WHERE state = 0;

-- The journey: one head per message, one row per hop.
CREATE TABLE journey (
	trace		INTEGER PRIMARY KEY,		-- time-ordered (store/hop.h)
	at		INTEGER NOT NULL,
	sender		TEXT NOT NULL,
	message_id	TEXT NOT NULL,			-- with its angle brackets, '' if none
	size		INTEGER NOT NULL
) STRICT;
CREATE TABLE hop (
	trace		INTEGER NOT NULL,
	n		INTEGER NOT NULL,		-- order within the journey
	at		INTEGER NOT NULL,
	daemon		INTEGER NOT NULL,		-- enum hop_daemon
	kind		INTEGER NOT NULL,		-- enum hop_kind
	recipient	TEXT,
	peer		TEXT,				-- who was at the other end
	code		INTEGER,			-- SMTP reply code
	detail		TEXT,				-- a sentence, or the remote's words
	PRIMARY KEY (trace, n)
) STRICT, WITHOUT ROWID;

-- How far `mailctl import' has come with a file or folder: written with the
-- messages that were taken from it.
CREATE TABLE import (
	id		INTEGER PRIMARY KEY,
	mailbox		INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
	source		TEXT NOT NULL,			-- its path, resolved
	position	INTEGER NOT NULL DEFAULT 0,	-- of an mbox: octets that are done
	digest		BLOB NOT NULL DEFAULT x'',	-- BLAKE2b-256 of those octets
	UNIQUE (mailbox, source)
) STRICT;
-- Messages of a folder that are done: BLAKE2b-128 of their names, many a row.
CREATE TABLE import_done (
	import		INTEGER NOT NULL REFERENCES import (id) ON DELETE CASCADE,
	n		INTEGER NOT NULL,
	names		BLOB NOT NULL,
	PRIMARY KEY (import, n)
) STRICT, WITHOUT ROWID;

-- Small facts: 'uid_validity' (last one given), 'proof' (counts the writes
-- that tested the disk).
CREATE TABLE meta (
	key		TEXT PRIMARY KEY,
	value		ANY
) STRICT, WITHOUT ROWID;
