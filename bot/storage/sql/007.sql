CREATE INDEX history_by_chat ON history (chat, id);
CREATE INDEX history_by_author ON history (author);
CREATE INDEX history_by_age ON history (created);
CREATE INDEX seen_by_age ON seen (at);
