-- A router with two to eight internet connections.
CREATE TABLE site (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    failover_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    -- Counts up with every change of the order of its tunnels, and of which tunnels there are.
    priority_version BIGINT NOT NULL DEFAULT 1,
    -- Seconds a tunnel must be steady before it may carry traffic again.
    hold_s BIGINT NOT NULL DEFAULT 30,
    created_at BIGINT NOT NULL,
    UNIQUE (organization_id, name),
    -- What `tunnel` refers to, so that a tunnel's organization cannot differ from its site's.
    UNIQUE (organization_id, id)
);

-- One internet connection of a site. Its id is the user name its router logs in with.
CREATE TABLE tunnel (
    id TEXT NOT NULL PRIMARY KEY,
    -- The site's, repeated here because lists over all sites of an organization start from it.
    organization_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    -- 0 is the primary. Negative only inside the statement pair that writes a new order.
    rank BIGINT NOT NULL,
    name TEXT NOT NULL,
    interface TEXT,
    -- The ISP's gateway, an IPv4 address.
    gateway TEXT,
    connection_type TEXT,
    metered BOOLEAN NOT NULL DEFAULT FALSE,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    provider TEXT,
    -- Targets; null: none. Loss in parts per million of the probes.
    sla_latency_ms BIGINT,
    sla_jitter_ms BIGINT,
    sla_loss_ppm BIGINT,
    -- Null: follows from the connection type and from `metered`.
    probe_profile TEXT,
    -- What happens to live connections when traffic leaves this tunnel, and when it returns to it.
    policy_failover TEXT NOT NULL,
    policy_failback TEXT NOT NULL,
    -- Minutes of the policy `drain`.
    drain_min BIGINT NOT NULL,
    -- Which of the controller's addresses it dials, from 0. It stays when the order changes.
    slot BIGINT NOT NULL,
    -- Which of the tunnel networks is its own.
    address_index BIGINT NOT NULL UNIQUE,
    -- The password, encrypted, for the profile download; and its digest, for log-ins.
    password_sealed BLOB NOT NULL,
    password_sha256 BLOB NOT NULL,
    -- Counts up with every change of the configuration.
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    -- What an operator forces upon it; all null: nothing. By whom in words, because the person may be gone.
    override_kind TEXT,
    override_reason TEXT,
    override_by TEXT,
    override_at BIGINT,
    -- Null: until it is taken back.
    override_expires_at BIGINT,
    -- What is known of it, with the cause in words. link_state holds how it came about.
    state TEXT NOT NULL,
    state_cause TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    -- Null while it is not connected.
    role TEXT,
    -- Of its last log-in.
    last_up_at BIGINT,
    last_remote TEXT,
    last_cipher TEXT,
    UNIQUE (site_id, rank),
    UNIQUE (site_id, slot),
    FOREIGN KEY (organization_id, site_id) REFERENCES site (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX tunnel_site ON tunnel (organization_id, site_id, id);
CREATE INDEX tunnel_organization ON tunnel (organization_id, id);
CREATE INDEX tunnel_state ON tunnel (organization_id, state, id);
CREATE INDEX tunnel_provider ON tunnel (organization_id, provider, id);
CREATE INDEX tunnel_override_expires_at ON tunnel (override_expires_at) WHERE override_expires_at IS NOT NULL;
