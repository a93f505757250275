-- A route controller that may ask for grants. It serves every organization.
CREATE TABLE controller (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    token_hash BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    -- Written now and then and not on every request.
    last_seen_at BIGINT,
    -- Names one life of the controller's process. Its reports are numbered from 1 within it.
    run_id TEXT,
    -- The last report applied: one that comes again is known by it, and so each is applied once.
    last_sequence BIGINT NOT NULL DEFAULT 0
);
