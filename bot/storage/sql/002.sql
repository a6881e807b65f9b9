-- What an adapter notes down for itself, such as the settings of a Discord server.
CREATE TABLE notes (
    platform TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (platform, key)
);
