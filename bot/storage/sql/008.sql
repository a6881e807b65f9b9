-- What a claim looks for, so that it reads neither finished jobs nor people who wait for nothing.
CREATE INDEX jobs_waiting ON jobs (account, id, started) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (account) WHERE status = 'running';
CREATE INDEX people_by_share ON people (share);
CREATE INDEX people_by_served ON people (served);
