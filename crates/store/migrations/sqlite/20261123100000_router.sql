-- The router of a site that Holdfast may configure: how it is reached, and what is remembered of it. A site whose
-- tunnels are set up by hand has none.
CREATE TABLE router (
    site_id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    -- pending, online or away, and when it became that.
    state TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    -- Through its tunnels, or at an address of its own; then the next four say where.
    access TEXT NOT NULL,
    direct_address TEXT,
    direct_port BIGINT,
    direct_tls BOOLEAN,
    -- Of the certificate that it shows; null: any that our authority signed.
    direct_fingerprint BLOB,
    -- What we log in to its API with. The password is encrypted.
    api_user TEXT NOT NULL,
    api_password_sealed BLOB NOT NULL,
    -- What its management tunnel logs in with. The name is an id as tunnels have; the two live in one space.
    management_username TEXT NOT NULL UNIQUE,
    management_password_sealed BLOB NOT NULL,
    management_password_sha256 BLOB NOT NULL,
    -- Which of the tunnel networks the management tunnel has. No WAN tunnel has the same: both are given out by the
    -- same function, in the transaction that has the write lock.
    address_index BIGINT NOT NULL UNIQUE,
    -- What it shows when it checks in. Null: it was never given any.
    check_in_token_hash BLOB UNIQUE,
    -- What it says of itself.
    identity TEXT,
    serial TEXT,
    board TEXT,
    version TEXT,
    -- Null: it has not come yet.
    adopted_at BIGINT,
    last_seen_at BIGINT,
    -- Where the routes of its tunnels come from, since which RouterOS version that is known, and why.
    mode TEXT NOT NULL DEFAULT 'pushed',
    mode_version TEXT,
    mode_reason TEXT,
    -- Whether differences are put right without asking.
    repair TEXT NOT NULL DEFAULT 'ask',
    -- JSON: fields of the router that we changed and must restore.
    memory TEXT NOT NULL DEFAULT '{}',
    -- Whether what is configured for the site was once brought to it.
    configured BOOLEAN NOT NULL DEFAULT FALSE,
    -- Steps from what it has to what it should have, and what is wrong with it as a JSON list of sentences, as of
    -- observed_at. Null: nobody has looked yet.
    drift BIGINT,
    problems TEXT NOT NULL DEFAULT '[]',
    observed_at BIGINT,
    UNIQUE (organization_id, site_id),
    FOREIGN KEY (organization_id, site_id) REFERENCES site (organization_id, id) ON DELETE CASCADE
);
-- Those that may have gone away.
CREATE INDEX router_state ON router (state, last_seen_at);

-- A line that somebody may paste into the router of a site: good once, and for a short time.
CREATE TABLE adoption (
    token_hash BLOB NOT NULL PRIMARY KEY,
    -- A new line for a site ends the one before.
    site_id TEXT NOT NULL UNIQUE REFERENCES site (id) ON DELETE CASCADE,
    -- The name of the person or token, because they may be gone.
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When its script was fetched.
    used_at BIGINT,
    -- JSON: how far the router is, step by step.
    progress TEXT NOT NULL
);

-- What a job told a router, and what that answered, line by line. Secrets are masked before they come here.
CREATE TABLE job_log (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    ordinal BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job_id, ordinal)
);

-- Bytes that went through the WAN interface of a tunnel in a minute since 1970 UTC, as its router counts them. Kept for
-- 90 days. A minute in which the router was not asked has no row.
CREATE TABLE traffic_minute (
    tunnel_id TEXT NOT NULL REFERENCES tunnel (id) ON DELETE CASCADE,
    minute BIGINT NOT NULL,
    rx_bytes BIGINT NOT NULL,
    tx_bytes BIGINT NOT NULL,
    -- Seconds of the minute that the bytes stand for.
    measured_s BIGINT NOT NULL,
    PRIMARY KEY (tunnel_id, minute)
) WITHOUT ROWID;

-- The same for hours since 1970 UTC. Kept for three years.
CREATE TABLE traffic_hour (
    tunnel_id TEXT NOT NULL REFERENCES tunnel (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    rx_bytes BIGINT NOT NULL,
    tx_bytes BIGINT NOT NULL,
    measured_s BIGINT NOT NULL,
    PRIMARY KEY (tunnel_id, hour)
) WITHOUT ROWID;
