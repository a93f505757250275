-- Work that goes on after the request that asked for it was answered.
CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    -- Null: not about one site, or the site is gone.
    site_id TEXT REFERENCES site (id) ON DELETE SET NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The name of the person or token, because they may be gone.
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    -- JSON, as the kind of job wants it.
    input TEXT NOT NULL,
    result TEXT,
    -- In words, of the last attempt.
    error TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- No worker takes it before.
    run_after BIGINT NOT NULL,
    -- While running: another worker takes it over after this, because the first must be dead.
    lease_until BIGINT,
    -- Somebody wants it stopped; the worker looks between steps.
    cancel_requested_at BIGINT,
    -- At most one unfinished job has it: asking twice makes one job. Null: no such bound.
    dedup TEXT
);
CREATE INDEX job_organization ON job (organization_id, id);
CREATE INDEX job_site ON job (site_id, organization_id, id);
CREATE UNIQUE INDEX job_dedup ON job (dedup) WHERE state IN ('queued', 'running');
-- What a worker looks through; finished jobs are not in it.
CREATE INDEX job_unfinished ON job (run_after, id) WHERE state IN ('queued', 'running');

-- What a job does, step by step, for whoever watches.
CREATE TABLE job_step (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    ordinal BIGINT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    -- Of the last change.
    at BIGINT NOT NULL,
    PRIMARY KEY (job_id, ordinal)
);
