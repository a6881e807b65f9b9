-- Every query of the bot, by name. `:jobs` and `:keys` are JSON lists, so that a whole batch is one statement.

-- name: known_keys
SELECT key FROM jobs WHERE key IN (SELECT value FROM json_each(:keys));

-- name: loads
-- In normal pictures; a small one counts as one.
SELECT account AS who,
       sum(iif(status IN ('queued', 'running'), max(1, cost), 0)) AS queued,
       sum(iif(created > :since, max(1, cost), 0)) AS today
FROM jobs
WHERE account IN (SELECT value FROM json_each(:accounts))
  AND (status IN ('queued', 'running') OR created > :since)
GROUP BY account;

-- name: server_loads
SELECT server AS who,
       sum(iif(status IN ('queued', 'running'), max(1, cost), 0)) AS queued,
       sum(iif(created > :since, max(1, cost), 0)) AS today
FROM jobs
WHERE server IN (SELECT value FROM json_each(:servers))
  AND (status IN ('queued', 'running') OR created > :since)
GROUP BY server;

-- name: spent
-- Of those who have been forgotten, and their servers: by the hash of each.
SELECT who, sum(cost) AS today FROM spent
WHERE who IN (SELECT value FROM json_each(:hashes)) AND created > :since
GROUP BY who;

-- name: turns
SELECT now, salt FROM turns;

-- name: keep_spent
INSERT INTO spent (who, cost, share, created)
SELECT value ->> 'who', max(1, cost), coalesce(share, 0), created
FROM json_each(:used) JOIN jobs ON jobs.id = value ->> 'job' LEFT JOIN people ON people.key = account
WHERE created > :since;

-- name: forget_spent
DELETE FROM spent WHERE created <= :before;

-- name: put_people
-- A newcomer is as if served in the present round: behind those who have been served in it, a normal drawing at most.
-- Nobody gets rid of used turns by being forgotten.
INSERT INTO people (key, share)
SELECT DISTINCT person.value,
       max((SELECT now FROM turns),
           coalesce((SELECT max(share) FROM people WHERE share <= (SELECT now + 1 FROM turns)), 0),
           coalesce((SELECT max(share) FROM spent WHERE who = job.value ->> 'hash'), 0))
FROM json_each(:jobs) AS job, json_each(json_array(job.value ->> 'owner', job.value ->> 'account')) AS person WHERE true
ON CONFLICT (key) DO NOTHING;

-- name: put_jobs
INSERT INTO jobs (key, owner, account, cost, language, platform, chat, thread, server, answers, request, picture, kind,
                  parent, status, created)
SELECT value ->> 'key', value ->> 'owner', value ->> 'account', value ->> 'cost', value ->> 'language', value ->> 'platform', value ->> 'chat',
       value ->> 'thread', value ->> 'server', value ->> 'answers', value ->> 'request',
       value ->> 'picture', value ->> 'kind', value ->> 'parent', 'queued', :now
FROM json_each(:jobs) WHERE true
ON CONFLICT (key) DO NOTHING;

-- name: put_intents
INSERT INTO messages (job, role, nonce, platform)
SELECT id, 'status', lower(hex(randomblob(12))), platform
FROM jobs WHERE key IN (SELECT value ->> 'key' FROM json_each(:jobs))
ON CONFLICT (job, role) DO NOTHING;

-- name: jobs_by_keys
SELECT * FROM jobs WHERE key IN (SELECT value FROM json_each(:keys));

-- name: job
SELECT * FROM jobs WHERE id = :job AND status <> 'deleted';

-- name: status
SELECT status FROM jobs WHERE id = :job AND status <> 'deleted';

-- name: jobs_with_status
SELECT * FROM jobs WHERE status = :status ORDER BY id;

-- name: newest_drawn_of
-- The newest jobs of a person that have a picture.
SELECT * FROM jobs WHERE owner = :owner AND status IN ('drawn', 'delivered') ORDER BY id DESC LIMIT :most;

-- name: newest_active_of
SELECT * FROM jobs WHERE owner = :owner AND status IN ('queued', 'running') ORDER BY id DESC LIMIT 1;

-- name: account_of
SELECT account FROM jobs WHERE owner = :owner ORDER BY id DESC LIMIT 1;

-- name: waiting_of
SELECT * FROM jobs WHERE owner = :owner AND status = 'queued' ORDER BY id;

-- name: upscaling_of
SELECT * FROM jobs
WHERE parent = :parent AND kind = 'upscale' AND coalesce(picture, 0) = :picture
  AND status IN ('queued', 'running', 'drawn', 'delivered') LIMIT 1;

-- name: waiting
-- In the order in which they will be drawn: what was begun before a restart, then turn by turn over people (each
-- person's oldest first, and a job takes as many turns as it costs). In a turn those who have been served before, longest
-- ago first, then newcomers.
SELECT id, account, kind = 'upscale' AS upscaling, cost,
       iif(json_valid(request), coalesce(request ->> 'count', 1), 1) AS count,
       iif(json_valid(request), request ->> 'models', NULL) AS models
FROM (
    SELECT jobs.*, served,
           max(share, (SELECT now FROM turns)) + sum(cost) OVER (PARTITION BY account ORDER BY id) - cost AS turn
    FROM jobs JOIN people ON people.key = account
    WHERE status = 'queued'
)
ORDER BY started IS NULL, turn, served = 0, served, id;

-- name: next_job
-- The first of `waiting` whose person may have one more drawn. That is somebody's oldest: what costs more comes later.
SELECT id, iif(begun, 1, NULL) AS started, turn FROM (
    SELECT who, id % (1 << 40) AS id, id < 1 << 40 AS begun, served, max(share, (SELECT now FROM turns)) AS turn
    FROM (
        SELECT account AS who, min(iif(started IS NULL, id + (1 << 40), id)) AS id
        FROM jobs INDEXED BY jobs_waiting WHERE status = 'queued' GROUP BY account
    ) JOIN people ON people.key = who
)
WHERE (SELECT count(*) FROM jobs INDEXED BY jobs_running WHERE account = who AND status = 'running') < :limit
ORDER BY begun DESC, turn, served = 0, served, id LIMIT 1;

-- name: claim
UPDATE jobs SET status = 'running', started = coalesce(started, :now) WHERE id = :job AND status = 'queued'
RETURNING *;

-- name: serve
-- Once for each job, however often it is begun again.
UPDATE people SET served = (SELECT max(served) + 1 FROM people),
                  share = max(share, (SELECT now FROM turns)) + :cost
WHERE key = :account;

-- name: next_turn
UPDATE turns SET now = max(now, :turn);

-- name: begun
UPDATE jobs SET steps = :steps WHERE id = :job;

-- name: count_attempt
UPDATE jobs SET attempts = attempts + 1 WHERE id = :job RETURNING attempts;

-- name: requeue
UPDATE jobs SET status = 'queued' WHERE id = :job AND status = 'running'
RETURNING id;

-- name: mend_jobs
-- A number that is none, of a damaged backup or another program: one such row would stop the worker at each start.
UPDATE jobs SET
    attempts = CAST(attempts AS INTEGER), created = iif(typeof(created) = 'real', created, :now),
    cost = iif(typeof(cost) = 'real', cost, 1.0),
    key = iif(typeof(key) = 'text', key, hex(key)), server = iif(typeof(server) = 'text', server, hex(server)),
    started = iif(typeof(started) = 'real', started, NULL), seconds = iif(typeof(seconds) = 'real', seconds, NULL),
    steps = iif(typeof(steps) = 'integer', steps, NULL),
    width = iif(typeof(width) = 'integer', width, NULL), height = iif(typeof(height) = 'integer', height, NULL)
WHERE typeof(attempts) <> 'integer' OR typeof(created) <> 'real' OR typeof(cost) <> 'real'
    OR typeof(key) <> 'text' OR typeof(server) <> 'text'
    OR typeof(started) NOT IN ('real', 'null') OR typeof(seconds) NOT IN ('real', 'null')
    OR typeof(steps) NOT IN ('integer', 'null') OR typeof(width) NOT IN ('integer', 'null')
    OR typeof(height) NOT IN ('integer', 'null');

-- name: requeue_all
UPDATE jobs SET status = 'queued' WHERE status = 'running';

-- name: drawn
UPDATE jobs SET status = 'drawn', seconds = :seconds, steps = :steps, width = :width, height = :height, hidden = :hidden
WHERE id = :job AND status = 'running'
RETURNING id;

-- name: failed
UPDATE jobs SET status = 'failed', failure = :failure WHERE id = :job AND status = 'running'
RETURNING id;

-- name: cancel
UPDATE jobs SET status = 'cancelled' WHERE id = :job AND status IN ('queued', 'running')
RETURNING id;

-- name: keep_partial
UPDATE jobs SET width = :width, height = :height, hidden = :hidden WHERE id = :job AND status = 'cancelled'
RETURNING id;

-- name: told
UPDATE jobs SET told = 1, status = CASE status WHEN 'drawn' THEN 'delivered' ELSE status END WHERE id = :job
RETURNING id;

-- name: untold
SELECT * FROM jobs WHERE status IN ('drawn', 'failed', 'cancelled') AND told = 0 ORDER BY id;

-- name: delete_job
UPDATE jobs SET status = 'deleted', request = '{"prompt": "(deleted)"}', steered = NULL, told = 1 WHERE id = :job AND status <> 'deleted'
RETURNING id;

-- name: counts
SELECT status, count(*) AS jobs FROM jobs GROUP BY status;

-- name: speeds
-- Measured on the newest finished jobs of each model set and way of working. `models` is NULL for the usual set.
SELECT upscaling, models, sum(seconds) AS seconds, sum(cost) AS cost
FROM (
    SELECT kind = 'upscale' AS upscaling, iif(json_valid(request), request ->> 'models', NULL) AS models, seconds, cost
    FROM jobs WHERE seconds IS NOT NULL AND status <> 'deleted' ORDER BY id DESC LIMIT 100
)
GROUP BY upscaling, models;

-- name: put_checkpoint
-- Not of a job that was cancelled, deleted or forgotten a moment ago.
INSERT INTO checkpoints (job, state, preview)
SELECT :job, :state, :preview WHERE EXISTS (SELECT 1 FROM jobs WHERE id = :job AND status = 'running')
ON CONFLICT (job) DO UPDATE SET state = excluded.state, preview = excluded.preview;

-- name: checkpoint
SELECT state, preview FROM checkpoints WHERE job = :job;

-- name: drop_checkpoint
DELETE FROM checkpoints WHERE job = :job;

-- name: put_change
-- Nothing comes back where the job is not in progress, or has heard too much.
INSERT INTO changes (key, job, words, platform, chat, thread, language, answers)
SELECT :key, id, :words, :platform, :chat, :thread, :language, :answers FROM jobs
WHERE id = :job AND status IN ('queued', 'running') AND (SELECT count(*) FROM changes WHERE job = :job) < :most
RETURNING id;

-- name: known_change
SELECT id FROM changes WHERE key = :key;

-- name: changes_to_pass_on
SELECT id, words FROM changes WHERE job = :job AND outcome IS NULL ORDER BY id;

-- name: settle_change
UPDATE changes SET outcome = :outcome, step = :step WHERE id = :change AND outcome IS NULL;

-- name: steered
UPDATE jobs SET steered = :then WHERE id = :job AND status = 'running';

-- name: ask_for_what_was_said
-- A drawing that starts over is asked beforehand for what was said to it.
UPDATE jobs SET request = json_set(request, '$.then', steered), steered = NULL WHERE id = :job AND steered <> '';

-- name: changes_to_answer
-- Of one job, or of all.
SELECT * FROM changes WHERE outcome IS NOT NULL AND told = 0 AND (job = :job OR :job IS NULL) ORDER BY id;

-- name: change_to_answer
SELECT id FROM changes WHERE id = :change AND told = 0;

-- name: change_told
UPDATE changes SET told = 1 WHERE id = :change;

-- name: put_intent
INSERT INTO messages (job, role, nonce, platform) VALUES (:job, :role, lower(hex(randomblob(12))), :platform)
ON CONFLICT (job, role) DO NOTHING;

-- name: intent
SELECT nonce, message FROM messages JOIN jobs ON jobs.id = job
WHERE job = :job AND role = :role AND status <> 'deleted';

-- name: sent
-- Nothing comes back when the job was deleted while its message was on the way.
UPDATE messages SET message = :message
WHERE job = :job AND role = :role AND EXISTS (SELECT 1 FROM jobs WHERE id = :job AND status <> 'deleted')
RETURNING job;

-- name: put_copy
-- Likewise.
INSERT INTO copies (job, platform, chat, thread, message)
SELECT id, :platform, :chat, :thread, :message FROM jobs WHERE id = :job AND status <> 'deleted'
ON CONFLICT DO NOTHING
RETURNING job;

-- name: job_of_message
SELECT job, thread FROM messages JOIN jobs ON jobs.id = job
WHERE messages.platform = :platform AND message = :message;

-- name: forget_shown
-- What was shown in a chat that is now another one cannot be edited any more: what is still to be shown is sent anew.
UPDATE messages SET message = NULL
WHERE job IN (SELECT id FROM jobs WHERE platform = :platform AND chat = :chat AND told = 0);

-- name: move_chat
UPDATE jobs SET chat = :new, answers = '' WHERE platform = :platform AND chat = :chat;

-- name: see
INSERT INTO seen (key, at) VALUES (:key, :now) ON CONFLICT (key) DO NOTHING
RETURNING key;

-- name: forget_seen
DELETE FROM seen WHERE at < :before;

-- name: add_history
INSERT INTO history (chat, nonce, author, body, created) VALUES (:chat, :nonce, :author, :body, :now)
ON CONFLICT (chat, nonce) DO NOTHING
RETURNING id;

-- name: prune_history
-- Of one chat, all but the newest.
DELETE FROM history WHERE chat = :chat AND id <= (
    SELECT id FROM history WHERE chat = :chat ORDER BY id DESC LIMIT 1 OFFSET :most
);

-- name: history_nonce
SELECT id FROM history WHERE chat = :chat AND nonce = :nonce;

-- name: history_entry
SELECT * FROM history WHERE chat = :chat AND id = :entry;

-- name: change_history
UPDATE history SET body = :body WHERE id = :entry
RETURNING id;

-- name: remove_history
DELETE FROM history WHERE id = :entry;

-- name: history
SELECT * FROM (SELECT * FROM history WHERE chat = :chat ORDER BY id DESC LIMIT :limit) ORDER BY id;

-- name: notes
SELECT key, value FROM notes WHERE platform = :platform;

-- name: put_note
INSERT INTO notes (platform, key, value) VALUES (:platform, :key, :value)
ON CONFLICT (platform, key) DO UPDATE SET value = excluded.value;

-- name: move_bans
UPDATE OR REPLACE bans SET scope = :new WHERE scope = :old;

-- name: move_pauses
UPDATE OR REPLACE pauses SET scope = :new WHERE scope = :old;

-- name: ban
INSERT INTO bans (person, scope) VALUES (:person, :scope) ON CONFLICT DO NOTHING;

-- name: unban
DELETE FROM bans WHERE person IN (SELECT value FROM json_each(:people)) AND scope IN (SELECT value FROM json_each(:scopes))
RETURNING scope;

-- name: banned
SELECT scope FROM bans WHERE person IN (SELECT value FROM json_each(:people)) AND scope IN ('*', :scope);

-- name: pause
INSERT INTO pauses (scope) VALUES (:scope) ON CONFLICT DO NOTHING;

-- name: unpause
DELETE FROM pauses WHERE scope = :scope
RETURNING scope;

-- name: paused
SELECT scope FROM pauses WHERE scope IN ('*', :scope);

-- name: orders
SELECT EXISTS (SELECT 1 FROM bans) OR EXISTS (SELECT 1 FROM pauses) AS given;

-- name: active_of
SELECT * FROM jobs WHERE account = :account AND status IN ('queued', 'running') ORDER BY id;

-- name: made_of
-- A job and every picture that was made of its picture; also those that others have asked for.
WITH RECURSIVE family (id) AS (
    VALUES (:job) UNION SELECT jobs.id FROM jobs JOIN family ON jobs.parent = family.id WHERE kind IN ('upscale', 'vary')
)
SELECT jobs.* FROM jobs JOIN family USING (id) WHERE status <> 'deleted' ORDER BY id;

-- name: jobs_to_forget
-- All of one person, with what others have made of those pictures.
WITH RECURSIVE family (id) AS (
    SELECT id FROM jobs WHERE owner = :owner
    UNION SELECT jobs.id FROM jobs JOIN family ON jobs.parent = family.id WHERE kind IN ('upscale', 'vary')
)
SELECT jobs.* FROM jobs JOIN family USING (id) ORDER BY id;

-- name: jobs_to_expire
-- What ended and was asked for before a time, and what is only left so that the same update makes nothing twice.
SELECT id FROM jobs
WHERE ((created < :before AND status NOT IN ('queued', 'running')) OR (created < :deleted_before AND status = 'deleted'))
  AND NOT EXISTS (
      SELECT 1 FROM jobs AS child WHERE child.parent = jobs.id AND child.status IN ('queued', 'running', 'drawn')
  );

-- name: doubted_since
-- Since when, by the host's clock, that clock seems to be too far ahead; 0 when it does not.
SELECT CAST(value AS REAL) AS at FROM notes WHERE platform = 'bot' AND key = 'doubted';

-- name: latest_time
-- The latest time that anything was done at, as far as it is known.
SELECT max(at) AS at FROM (
    SELECT max(CAST(value AS REAL)) AS at FROM notes WHERE platform = 'bot' AND key = 'time'
    UNION ALL SELECT max(created) FROM jobs WHERE NOT EXISTS (SELECT 1 FROM notes WHERE platform = 'bot' AND key = 'time')
);

-- name: remove_messages
INSERT INTO removals (platform, chat, thread, message)
SELECT messages.platform, chat, thread, message FROM messages JOIN jobs ON jobs.id = job
WHERE job IN (SELECT value FROM json_each(:jobs)) AND message IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: remove_copies
INSERT INTO removals (platform, chat, thread, message)
SELECT platform, chat, thread, message FROM copies WHERE job IN (SELECT value FROM json_each(:jobs))
ON CONFLICT DO NOTHING;

-- name: remove_asking
-- Of conversations that we keep ourselves: the line in which somebody asked for the picture.
INSERT INTO removals (platform, chat, thread, message)
SELECT jobs.platform, jobs.chat, thread, answers FROM jobs JOIN history ON history.id = CAST(answers AS INTEGER)
WHERE jobs.id IN (SELECT value FROM json_each(:jobs)) AND jobs.platform = 'web' AND author = owner
ON CONFLICT DO NOTHING;

-- name: remove_conversation
INSERT INTO removals (platform, chat, thread, message)
SELECT 'web', chat, '', CAST(id AS TEXT) FROM history WHERE chat = substr(:person, 5) OR author = :person
ON CONFLICT DO NOTHING;

-- name: removals
SELECT * FROM removals ORDER BY id;

-- name: removed
DELETE FROM removals WHERE id = :removal;

-- name: erase_messages
DELETE FROM messages WHERE job IN (SELECT value FROM json_each(:jobs));

-- name: erase_copies
DELETE FROM copies WHERE job IN (SELECT value FROM json_each(:jobs));

-- name: erase_checkpoints
DELETE FROM checkpoints WHERE job IN (SELECT value FROM json_each(:jobs));

-- name: orphan_children
UPDATE jobs SET parent = NULL WHERE parent IN (SELECT value FROM json_each(:jobs));

-- name: erase_jobs
DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(:jobs));

-- name: erase_idle_people
DELETE FROM people WHERE key NOT IN (SELECT owner FROM jobs UNION SELECT account FROM jobs);

-- name: erase_seen_of
DELETE FROM seen WHERE key LIKE :platform || ':%' AND instr(key || ':', ':' || :id || ':') > 0;

-- name: erase_conversation
DELETE FROM history WHERE chat = substr(:person, 5) OR author = :person;

-- name: erase_history
DELETE FROM history WHERE created < :before;

-- name: files_of
-- Whose files stay, and under which key the inputs of a job that has not begun may lie.
SELECT id, iif(status IN ('queued', 'running'), key, NULL) AS key FROM jobs WHERE status <> 'deleted';

-- name: newest_number
SELECT coalesce(max(seq), 0) AS number FROM sqlite_sequence WHERE name = 'jobs';

-- name: requests
SELECT request FROM jobs WHERE status <> 'deleted';

-- name: unknown_rows
-- What a newer version wrote, or nobody.
SELECT (SELECT count(*) FROM jobs WHERE kind NOT IN ('imagine', 'rerun', 'remix', 'upscale', 'vary')
            OR status NOT IN ('queued', 'running', 'drawn', 'delivered', 'failed', 'cancelled', 'deleted')
            OR typeof(attempts) <> 'integer' OR typeof(created) <> 'real')
     + (SELECT count(*) FROM history WHERE NOT json_valid(body))
     + (SELECT count(*) FROM notes WHERE platform = 'discord' AND NOT json_valid(value)) AS rows;

-- name: jobs_with_pictures
SELECT id, width IS NOT NULL FROM jobs WHERE status <> 'deleted';

-- name: descendants
-- Whatever was made of these jobs in any way, by others too: it may have taken over what they were drawn from.
WITH RECURSIVE family (id) AS (
    SELECT value FROM json_each(:jobs) UNION SELECT jobs.id FROM jobs JOIN family ON jobs.parent = family.id
)
SELECT id FROM family WHERE id NOT IN (SELECT value FROM json_each(:jobs));
