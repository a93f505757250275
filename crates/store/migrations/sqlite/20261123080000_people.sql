-- People and what they log in with.
--
-- Throughout the schema: ids are ULIDs as TEXT, times are BIGINT microseconds since 1970 UTC, JSON is TEXT, digests are
-- SHA-256 as BLOB. Closed lists of words (role, state, ...) are TEXT; api-types says which words there are.

-- Sites and people that belong together. Nothing of it is visible to another organization.
CREATE TABLE organization (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A person who may log in. Quoted, because PostgreSQL keeps the word for itself.
CREATE TABLE "user" (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    -- Lower case. Unique over all organizations, because it alone says who logs in.
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- Argon2id in PHC form; null while the user has not chosen a password.
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    -- Set: may not log in, and sessions of the user are gone.
    disabled_at BIGINT
);
CREATE INDEX user_organization ON "user" (organization_id, id);

-- A log-in of a browser. The cookie holds the secret, this only its digest.
CREATE TABLE session (
    hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Written now and then and not on every request.
    last_seen_at BIGINT NOT NULL,
    -- Address and browser at log-in, so that a person recognises the session.
    remote TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX session_user ON session (user_id);
CREATE INDEX session_expires_at ON session (expires_at);
CREATE INDEX session_last_seen_at ON session (last_seen_at);

-- What a program logs in with. It belongs to the organization and outlives whoever made it.
CREATE TABLE api_token (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    -- Null: made by another token, at the command line, or by a user who is gone.
    created_by TEXT REFERENCES "user" (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    -- Null: for ever.
    expires_at BIGINT,
    -- Written now and then and not on every request.
    last_used_at BIGINT
);
CREATE INDEX api_token_organization ON api_token (organization_id, id);
CREATE INDEX api_token_created_by ON api_token (created_by);

-- A link that makes the first owner of a new installation.
CREATE TABLE setup_link (
    hash BLOB NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
