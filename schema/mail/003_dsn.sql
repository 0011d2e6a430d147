-- What submitters ask of the way (RFC 3461, 8689, 3030, 4865).
ALTER TABLE queue ADD COLUMN envelope_id TEXT;			-- ENVID, decoded; NULL: none
ALTER TABLE queue ADD COLUMN ret INTEGER NOT NULL DEFAULT 0;	-- what a DSN returns: 0 not said, 1 FULL, 2 HDRS
ALTER TABLE queue ADD COLUMN binary INTEGER NOT NULL DEFAULT 0;	-- BODY=BINARYMIME
ALTER TABLE queue ADD COLUMN require_tls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN hold_until INTEGER NOT NULL DEFAULT 0;	-- FUTURERELEASE; 0: it was to go at once
ALTER TABLE queue ADD COLUMN return_to TEXT;			-- sender before SRS; NULL: sender is it
ALTER TABLE recipient ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;	-- bits of enum dsn_notify; 0: not said
ALTER TABLE recipient ADD COLUMN original_recipient TEXT;	-- ORCPT, "rfc822;..." as given; NULL: none
ALTER TABLE recipient ADD COLUMN told INTEGER NOT NULL DEFAULT 0;	-- the sender knows that it takes long

-- Good news that somebody asked for and maild has yet to send: written with
-- the change it tells of.
CREATE TABLE report (
	trace		INTEGER NOT NULL,		-- whose journey
	n		INTEGER NOT NULL,
	action		INTEGER NOT NULL,		-- 1 delivered, 2 relayed, 3 expanded
	sender		TEXT NOT NULL,			-- to whom it goes
	recipient	TEXT NOT NULL,
	original_recipient TEXT,
	envelope_id	TEXT,
	ret		INTEGER NOT NULL,
	require_tls	INTEGER NOT NULL DEFAULT 0,	-- so must the report
	body		INTEGER NOT NULL,		-- held for its header ...
	skip		INTEGER NOT NULL DEFAULT 0,	-- ... without its Return-Path
	host		TEXT,				-- remote that took it; NULL: delivered here
	reply		TEXT,				-- its words
	arrived		INTEGER NOT NULL,		-- the message
	at		INTEGER NOT NULL,		-- what is told
	PRIMARY KEY (trace, n)
) STRICT, WITHOUT ROWID;
