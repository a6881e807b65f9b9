-- Who is counted by limits, turns and bans: the owner, or the browser that all names of the chat page's user share.
ALTER TABLE jobs ADD COLUMN account TEXT NOT NULL DEFAULT '';
UPDATE jobs SET account = owner;
CREATE INDEX jobs_by_account ON jobs (account, created);
ALTER TABLE jobs ADD COLUMN cost REAL NOT NULL DEFAULT 1;  -- predicted work; 1 is a normal drawing of its model set

-- Turns (start-time fair queueing): where a person's share of the engine is used up, in units of `cost`.
ALTER TABLE people ADD COLUMN share REAL NOT NULL DEFAULT 0;
-- The turn that is being drawn, and what ids are hashed with where nobody may be named.
CREATE TABLE turns (now REAL NOT NULL, salt TEXT NOT NULL);
INSERT INTO turns (now, salt) VALUES (0, lower(hex(randomblob(16))));

-- What forgotten people and their servers have used up of the last 24 hours, under a hash of their ids.
CREATE TABLE spent (who TEXT NOT NULL, cost REAL NOT NULL, share REAL NOT NULL, created REAL NOT NULL);
CREATE INDEX spent_by_who ON spent (who, created);
