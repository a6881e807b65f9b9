-- Moderation: bans and pauses. A scope is a chat, as `platform:chat`, or `*` for everywhere.
CREATE TABLE bans (
    person TEXT NOT NULL,  -- platform:id; stays when the person is forgotten, or a ban could be thrown off
    scope TEXT NOT NULL,
    PRIMARY KEY (person, scope)
);
CREATE TABLE pauses (scope TEXT PRIMARY KEY);  -- where no new job is taken

-- Messages beside a job's own that show it or its words: answers to /show, /file, /settings.
CREATE TABLE copies (
    job INTEGER NOT NULL REFERENCES jobs (id),
    platform TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job, platform, message)
);

-- Messages that are still to be taken away from their chats; nothing else is left of their jobs.
CREATE TABLE removals (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT NOT NULL,
    message TEXT NOT NULL,
    UNIQUE (platform, chat, message)
);

ALTER TABLE jobs ADD COLUMN server TEXT NOT NULL DEFAULT '';  -- platform:id of the community that the chat is part of
CREATE INDEX jobs_by_server ON jobs (server, created);

ALTER TABLE jobs ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;  -- its picture is shown behind a click only
