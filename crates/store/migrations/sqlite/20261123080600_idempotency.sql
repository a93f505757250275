-- Answers to requests that carried an Idempotency-Key, to be given again when the request comes again.
CREATE TABLE idempotency_key (
    -- Who asked: a key of one actor means nothing for another.
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    -- Digest of method, path and body: the same key with another request is a mistake.
    request_sha256 BLOB NOT NULL,
    status BIGINT NOT NULL,
    -- Encrypted, because an answer may hold a secret that is stored nowhere else in clear.
    answer_sealed BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);
