-- Requests of POST /v1/documents that named an Idempotency-Key, for a day.
-- Takes no lock but on its own new table; instant.
SET lock_timeout = '5s';

CREATE TABLE ingest.push_key (
    push_key    bytea PRIMARY KEY,
    body_hash   bytea NOT NULL,
    ids         text[] NOT NULL,
    taken_at    timestamptz NOT NULL
);
COMMENT ON COLUMN ingest.push_key.push_key IS 'SHA-256 of the token and the key that came with it.';
CREATE INDEX push_key_taken_at ON ingest.push_key (taken_at);
