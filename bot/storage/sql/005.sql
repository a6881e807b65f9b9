-- What owners say to their drawings in progress: stored before the engine hears it, answered once it holds.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,  -- of the update that said it
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    words TEXT NOT NULL,
    platform TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT NOT NULL,
    language TEXT NOT NULL,
    answers TEXT NOT NULL,  -- message that the answer replies to
    outcome TEXT,  -- the engine's Steered.outcome, or missed; NULL while it is to be passed on
    step INTEGER,  -- steps that were done before it held
    told INTEGER NOT NULL DEFAULT 0  -- it was answered
);
CREATE INDEX changes_by_job ON changes (job);

ALTER TABLE jobs ADD COLUMN steered TEXT;  -- all that is said on the way by now, as in Request.then; NULL: as asked for

-- However a job ends, what has not held by then never will.
CREATE TRIGGER miss_changes AFTER UPDATE OF status ON jobs WHEN NEW.status IN ('drawn', 'failed', 'cancelled') BEGIN
    UPDATE changes SET outcome = 'missed' WHERE job = NEW.id AND outcome IS NULL;
END;
CREATE TRIGGER delete_changes AFTER UPDATE OF status ON jobs WHEN NEW.status = 'deleted' BEGIN
    DELETE FROM changes WHERE job = NEW.id;
END;
