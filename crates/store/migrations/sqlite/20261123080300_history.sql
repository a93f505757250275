-- Every change of a tunnel's link state or role, in the order in which it was decided.
CREATE TABLE link_state (
    id INTEGER NOT NULL PRIMARY KEY,
    -- No foreign key, because the history outlives the tunnel.
    tunnel_id TEXT NOT NULL,
    site_id TEXT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    role TEXT,
    cause TEXT NOT NULL
);
CREATE INDEX link_state_tunnel ON link_state (tunnel_id, id);
CREATE INDEX link_state_site ON link_state (site_id, id);

-- Something that was, or is, wrong with a site or with one of its tunnels.
CREATE TABLE fault (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    site_id TEXT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    -- Null: of the site as a whole. No foreign key, because the log outlives the tunnel.
    tunnel_id TEXT,
    -- What the tunnel was called when the fault began.
    tunnel_name TEXT,
    type TEXT NOT NULL,
    severity TEXT NOT NULL,
    cause TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    -- Null: it goes on.
    ended_at BIGINT,
    end_cause TEXT,
    -- Who closed it by hand; null where it ended by itself.
    closed_by TEXT
);
CREATE INDEX fault_organization ON fault (organization_id, id);
CREATE INDEX fault_site ON fault (site_id, organization_id, id);
CREATE INDEX fault_tunnel ON fault (tunnel_id, organization_id, id);
-- The faults that go on are few and looked at all the time.
CREATE INDEX fault_open_organization ON fault (organization_id, id) WHERE ended_at IS NULL;
-- At most one of a kind goes on.
CREATE UNIQUE INDEX fault_open ON fault (site_id, coalesce(tunnel_id, ''), type) WHERE ended_at IS NULL;

-- What people say about a fault.
CREATE TABLE fault_comment (
    id TEXT NOT NULL PRIMARY KEY,
    fault_id TEXT NOT NULL REFERENCES fault (id) ON DELETE CASCADE,
    -- The name of the person or token, because they may be gone.
    author TEXT NOT NULL,
    at BIGINT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX fault_comment_fault ON fault_comment (fault_id, id);
