-- Attempts of a job that failed. A worker that only waits, for a router that is away, takes a job as often as it looks.
ALTER TABLE job ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
