-- What is remembered of the way to other servers, and of what was said on it.

-- Servers that take mail for a domain in place of its MX.  Secrets are in auth.db.
CREATE TABLE smarthost (
	domain		TEXT PRIMARY KEY,		-- folded; '*': every domain without a row of its own
	host		TEXT NOT NULL,			-- A-label, or an address in brackets
	port		INTEGER NOT NULL,
	tls		INTEGER NOT NULL,		-- enum smarthost_tls
	login		TEXT,				-- NULL: none
	changed		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- RFC 8689 s5, TLS-Required: No: goes whatever policy the destination has.
ALTER TABLE queue ADD COLUMN tls_optional INTEGER NOT NULL DEFAULT 0;

-- MTA-STS policies of other domains (RFC 8461).
CREATE TABLE sts_policy (
	domain		TEXT PRIMARY KEY,
	id		TEXT NOT NULL,			-- of the TXT record it was fetched for
	text		TEXT NOT NULL,			-- as it came
	fetched		INTEGER NOT NULL,
	expires		INTEGER NOT NULL,
	used		INTEGER NOT NULL		-- last asked for, to a day or so
) STRICT, WITHOUT ROWID;

-- Sessions with other servers and how safe they were, for TLS-RPT (RFC 8460).
CREATE TABLE tls_result (
	day		INTEGER NOT NULL,		-- Unix days, UTC
	domain		TEXT NOT NULL,
	policy		TEXT NOT NULL,			-- "policy" object of the report, JSON
	result		TEXT NOT NULL,			-- '': it went well; else a result type of s4.3
	host		TEXT NOT NULL,			-- MX, or ''
	ip		TEXT NOT NULL,			-- its address, or ''
	source		TEXT NOT NULL,			-- ours, or ''
	reason		TEXT NOT NULL,			-- a few words, or ''
	sessions	INTEGER NOT NULL,
	PRIMARY KEY (day, domain, policy, result, host, ip, source)
) STRICT, WITHOUT ROWID;

-- What was said in an attempt that did not deliver all: while the message
-- waits, and as long as its journey is kept.
CREATE TABLE attempt (
	trace		INTEGER NOT NULL,
	n		INTEGER NOT NULL,		-- rises
	at		INTEGER NOT NULL,
	host		TEXT NOT NULL,			-- "mx.example.org [192.0.2.1]", or ''
	dialogue	TEXT NOT NULL,			-- lines "C: ..." and "S: ...", never a secret
	PRIMARY KEY (trace, n)
) STRICT, WITHOUT ROWID;

-- Destinations that a person has stopped.
CREATE TABLE paused (
	domain		TEXT PRIMARY KEY,
	since		INTEGER NOT NULL,
	why		TEXT NOT NULL			-- or ''
) STRICT, WITHOUT ROWID;

-- Addresses that other servers say do not exist.
CREATE TABLE suppressed (
	address		TEXT PRIMARY KEY,		-- folded
	bounces		INTEGER NOT NULL,		-- in a row
	first		INTEGER NOT NULL,
	last		INTEGER NOT NULL,
	reply		TEXT NOT NULL			-- the last one's
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressed_last ON suppressed (last);

-- What stands in a person's Pending mailbox for a message that waits.
CREATE TABLE pending (
	trace		INTEGER PRIMARY KEY,
	account		INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	mailbox		INTEGER NOT NULL,
	uid		INTEGER NOT NULL,
	stamp		INTEGER NOT NULL		-- of what it shows: changes with every attempt
) STRICT;
CREATE UNIQUE INDEX pending_place ON pending (mailbox, uid);
CREATE INDEX pending_account ON pending (account);
CREATE INDEX queue_account ON queue (account) WHERE account IS NOT NULL;

-- As recipient_domain, for those that a person holds.
CREATE INDEX recipient_held ON recipient (domain) WHERE state = 1;

-- Domains for which something waits, so that whose turn it is can be found
-- without a look at every recipient.  Kept by the triggers alone.
CREATE TABLE destination (
	domain		TEXT PRIMARY KEY,
	next_at		INTEGER NOT NULL,		-- of its first recipient
	newest		INTEGER NOT NULL		-- the last message that came, which may have left
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_due ON destination (next_at);
CREATE INDEX destination_newest ON destination (newest, next_at);
DROP INDEX recipient_due;
CREATE INDEX recipient_newest ON recipient (domain, trace, next_at) WHERE state = 0;
INSERT INTO destination SELECT domain, min(next_at), max(trace) FROM recipient WHERE state = 0 GROUP BY domain;

CREATE TRIGGER recipient_comes AFTER INSERT ON recipient WHEN NEW.state = 0 BEGIN
	INSERT INTO destination VALUES (NEW.domain, NEW.next_at, NEW.trace)
		ON CONFLICT (domain) DO UPDATE SET next_at = min(next_at, excluded.next_at), newest = max(newest, excluded.newest)
		WHERE excluded.next_at < next_at OR excluded.newest > newest;
END;
CREATE TRIGGER recipient_goes AFTER DELETE ON recipient
	WHEN OLD.state = 0 AND OLD.next_at = (SELECT next_at FROM destination WHERE domain = OLD.domain) BEGIN
	DELETE FROM destination WHERE domain = OLD.domain
		AND NOT EXISTS (SELECT 1 FROM recipient WHERE domain = OLD.domain AND state = 0);
	UPDATE destination SET next_at = (SELECT min(next_at) FROM recipient WHERE domain = OLD.domain AND state = 0)
		WHERE domain = OLD.domain;
END;
CREATE TRIGGER recipient_moves AFTER UPDATE OF domain, state ON recipient
	WHEN OLD.domain <> NEW.domain OR OLD.state <> NEW.state BEGIN
	DELETE FROM destination WHERE OLD.state = 0 AND domain = OLD.domain
		AND NOT EXISTS (SELECT 1 FROM recipient WHERE domain = OLD.domain AND state = 0);
	UPDATE destination SET next_at = (SELECT min(next_at) FROM recipient WHERE domain = OLD.domain AND state = 0)
		WHERE OLD.state = 0 AND domain = OLD.domain AND next_at = OLD.next_at;
	INSERT INTO destination SELECT NEW.domain, NEW.next_at, NEW.trace WHERE NEW.state = 0
		ON CONFLICT (domain) DO UPDATE SET next_at = min(next_at, excluded.next_at), newest = max(newest, excluded.newest)
		WHERE excluded.next_at < next_at OR excluded.newest > newest;
END;
CREATE TRIGGER recipient_waits AFTER UPDATE OF next_at ON recipient
	WHEN NEW.state = 0 AND OLD.state = 0 AND NEW.domain = OLD.domain
		AND (SELECT next_at = OLD.next_at OR next_at > NEW.next_at FROM destination WHERE domain = NEW.domain) BEGIN
	UPDATE destination SET next_at = (SELECT min(next_at) FROM recipient WHERE domain = NEW.domain AND state = 0)
		WHERE domain = NEW.domain;
END;
