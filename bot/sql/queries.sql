-- Every query of the bot, by name. `:jobs` and `:keys` are JSON lists, so that a whole batch is one statement.

-- name: known_keys
SELECT key FROM jobs WHERE key IN (SELECT value FROM json_each(:keys));

-- name: loads
SELECT owner,
       sum(status IN ('queued', 'running')) AS queued,
       sum(created > :since) AS today
FROM jobs
WHERE owner IN (SELECT value FROM json_each(:owners))
  AND (status IN ('queued', 'running') OR created > :since)
GROUP BY owner;

-- name: put_people
INSERT INTO people (key) SELECT DISTINCT value ->> 'owner' FROM json_each(:jobs) WHERE true
ON CONFLICT (key) DO NOTHING;

-- name: put_jobs
INSERT INTO jobs (key, owner, language, platform, chat, thread, answers, request, kind, parent, status, created)
SELECT value ->> 'key', value ->> 'owner', value ->> 'language', value ->> 'platform', value ->> 'chat',
       value ->> 'thread', value ->> 'answers', value ->> 'request', value ->> 'kind', value ->> 'parent',
       'queued', :now
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

-- name: jobs_with_status
SELECT * FROM jobs WHERE status = :status ORDER BY id;

-- name: newest_active_of
SELECT * FROM jobs WHERE owner = :owner AND status IN ('queued', 'running') ORDER BY id DESC LIMIT 1;

-- name: waiting_of
SELECT * FROM jobs WHERE owner = :owner AND status = 'queued' ORDER BY id;

-- name: upscaling_of
SELECT * FROM jobs
WHERE parent = :parent AND kind = 'upscale' AND coalesce(request ->> 'pick', 0) = :picture
  AND status IN ('queued', 'running', 'drawn', 'delivered') LIMIT 1;

-- name: waiting
-- In the order in which they will be drawn: what was begun before a restart, then round by round over people
-- (each person's oldest first), in a round the person who was served longest ago.
SELECT id, owner, kind, steps, request FROM (
    SELECT jobs.*, served,
           row_number() OVER (PARTITION BY owner ORDER BY id) AS round,
           min(id) OVER (PARTITION BY owner) AS first
    FROM jobs JOIN people ON people.key = owner
    WHERE status = 'queued'
)
ORDER BY started IS NULL, round, served, first;

-- name: next_job
SELECT id FROM (
    SELECT jobs.id, started, served,
           row_number() OVER (PARTITION BY owner ORDER BY id) AS round,
           (SELECT count(*) FROM jobs AS other WHERE other.owner = jobs.owner AND other.status = 'running') AS running
    FROM jobs JOIN people ON people.key = owner
    WHERE status = 'queued'
)
WHERE running < :limit
ORDER BY started IS NULL, round, served, id LIMIT 1;

-- name: claim
UPDATE jobs SET status = 'running', started = coalesce(started, :now) WHERE id = :job AND status = 'queued'
RETURNING *;

-- name: serve
UPDATE people SET served = (SELECT max(served) + 1 FROM people) WHERE key = :owner;

-- name: begun
UPDATE jobs SET steps = :steps WHERE id = :job;

-- name: count_attempt
UPDATE jobs SET attempts = attempts + 1 WHERE id = :job RETURNING attempts;

-- name: requeue
UPDATE jobs SET status = 'queued' WHERE id = :job AND status = 'running'
RETURNING id;

-- name: requeue_all
UPDATE jobs SET status = 'queued' WHERE status = 'running';

-- name: drawn
UPDATE jobs SET status = 'drawn', seconds = :seconds, steps = :steps, width = :width, height = :height
WHERE id = :job AND status = 'running'
RETURNING id;

-- name: failed
UPDATE jobs SET status = 'failed', failure = :failure WHERE id = :job AND status = 'running'
RETURNING id;

-- name: cancel
UPDATE jobs SET status = 'cancelled' WHERE id = :job AND status IN ('queued', 'running')
RETURNING id;

-- name: keep_partial
UPDATE jobs SET width = :width, height = :height WHERE id = :job AND status = 'cancelled'
RETURNING id;

-- name: told
UPDATE jobs SET told = 1, status = CASE status WHEN 'drawn' THEN 'delivered' ELSE status END WHERE id = :job
RETURNING id;

-- name: untold
SELECT * FROM jobs WHERE status IN ('drawn', 'failed', 'cancelled') AND told = 0 ORDER BY id;

-- name: delete_job
UPDATE jobs SET status = 'deleted', request = '{"prompt": "(deleted)"}', told = 1 WHERE id = :job AND status <> 'deleted'
RETURNING id;

-- name: counts
SELECT status, count(*) AS jobs FROM jobs GROUP BY status;

-- name: speeds
-- Measured on the newest finished jobs of each way of working.
SELECT kind = 'upscale' AS upscaling, sum(seconds) AS seconds, sum(steps) AS steps, count(*) AS jobs,
       sum(steps * coalesce(request ->> 'count', 1)) AS single_steps
FROM (SELECT * FROM jobs WHERE seconds IS NOT NULL ORDER BY id DESC LIMIT 40)
GROUP BY upscaling;

-- name: put_checkpoint
INSERT INTO checkpoints (job, state, preview) VALUES (:job, :state, :preview)
ON CONFLICT (job) DO UPDATE SET state = excluded.state, preview = excluded.preview;

-- name: checkpoint
SELECT state, preview FROM checkpoints WHERE job = :job;

-- name: drop_checkpoint
DELETE FROM checkpoints WHERE job = :job;

-- name: put_intent
INSERT INTO messages (job, role, nonce, platform) VALUES (:job, :role, lower(hex(randomblob(12))), :platform)
ON CONFLICT (job, role) DO NOTHING;

-- name: intent
SELECT nonce, message FROM messages JOIN jobs ON jobs.id = job
WHERE job = :job AND role = :role AND status <> 'deleted';

-- name: messages
SELECT message FROM messages WHERE job = :job AND message IS NOT NULL;

-- name: sent
UPDATE messages SET message = :message WHERE job = :job AND role = :role;

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

-- name: history_entry
SELECT id FROM history WHERE chat = :chat AND nonce = :nonce;

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
