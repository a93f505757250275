-- Measurements of tunnels in three resolutions. All are clustered by tunnel and time, so that a chart, the roll-up and
-- the removal of old rows each touch one run of rows and need no further index.

-- The one-second samples of a minute, packed (health/codec.rs). Kept for two days.
CREATE TABLE health_second (
    tunnel_id TEXT NOT NULL REFERENCES tunnel (id) ON DELETE CASCADE,
    -- Minutes since 1970 UTC.
    minute BIGINT NOT NULL,
    samples BLOB NOT NULL,
    PRIMARY KEY (tunnel_id, minute)
) WITHOUT ROWID;

-- What the samples of a minute come to. Kept for 90 days. A minute without a report has no row.
CREATE TABLE health_minute (
    tunnel_id TEXT NOT NULL REFERENCES tunnel (id) ON DELETE CASCADE,
    minute BIGINT NOT NULL,
    probes BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    -- Null: no probe was answered.
    rtt_min_us BIGINT,
    rtt_avg_us BIGINT,
    rtt_max_us BIGINT,
    -- Null: too few answers to tell.
    jitter_us BIGINT,
    PRIMARY KEY (tunnel_id, minute)
) WITHOUT ROWID;

-- The same for hours since 1970 UTC. Kept for three years.
CREATE TABLE health_hour (
    tunnel_id TEXT NOT NULL REFERENCES tunnel (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    probes BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    rtt_min_us BIGINT,
    rtt_avg_us BIGINT,
    rtt_max_us BIGINT,
    jitter_us BIGINT,
    PRIMARY KEY (tunnel_id, hour)
) WITHOUT ROWID;
