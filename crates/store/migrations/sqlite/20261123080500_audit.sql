-- Who changed what. Rows are only ever added.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    -- No foreign keys to actor and subject, because the log outlives both. Null: Holdfast itself, or the command line.
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- JSON: what the change was.
    detail TEXT NOT NULL,
    -- The address the request came from; null where there was none.
    remote TEXT
);
CREATE INDEX audit_organization ON audit (organization_id, id);
CREATE INDEX audit_subject ON audit (organization_id, subject_id, id);
CREATE INDEX audit_actor ON audit (organization_id, actor_id, id);
