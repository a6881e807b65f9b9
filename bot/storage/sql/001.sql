-- What the bot remembers. Times are Unix seconds; pictures lie in files beside the database, named by job.

CREATE TABLE people (
    key TEXT PRIMARY KEY,  -- platform:id
    served INTEGER NOT NULL DEFAULT 0  -- number of the last claim that went to this person; lowest goes next
);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,  -- of the update that asked for it: the same update twice makes one job
    owner TEXT NOT NULL REFERENCES people (key),
    language TEXT NOT NULL,
    platform TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT NOT NULL,
    answers TEXT NOT NULL,
    request TEXT NOT NULL,  -- JSON; without its prompt once deleted
    kind TEXT NOT NULL,
    parent INTEGER REFERENCES jobs (id),
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    steps INTEGER,
    seconds REAL,
    width INTEGER,
    height INTEGER,
    failure TEXT NOT NULL DEFAULT '',
    told INTEGER NOT NULL DEFAULT 0  -- the chat has shown how it ended
);
CREATE INDEX jobs_by_status ON jobs (status);
CREATE INDEX jobs_by_owner ON jobs (owner, created);
CREATE INDEX jobs_by_parent ON jobs (parent);

-- The intents: a row stands here before its message is sent, and has no `message` until the chat has taken it.
CREATE TABLE messages (
    job INTEGER NOT NULL REFERENCES jobs (id),
    role TEXT NOT NULL,  -- status, or gif where that needs a message of its own
    nonce TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    message TEXT,
    PRIMARY KEY (job, role)
);
CREATE INDEX messages_by_message ON messages (platform, message);

CREATE TABLE checkpoints (
    job INTEGER PRIMARY KEY REFERENCES jobs (id),
    state BLOB NOT NULL,
    preview BLOB  -- PNG, what a cancelled job keeps
);

-- Updates that made no job, so that a second delivery does nothing.
CREATE TABLE seen (key TEXT PRIMARY KEY, at REAL NOT NULL);

-- Conversations of platforms that keep none themselves (the chat page).
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat TEXT NOT NULL,
    nonce TEXT NOT NULL,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    created REAL NOT NULL,
    UNIQUE (chat, nonce)
);
