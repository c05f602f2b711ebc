-- Schema `ingest`: sources and how their polls went, items and documents seen.
-- Owner and only writer: ingest (and `tocsin replay` for its position, see 0007).
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE SCHEMA IF NOT EXISTS ingest;
REVOKE ALL ON SCHEMA ingest FROM PUBLIC;

-- One row a configured source. Validators are kept and sent exactly as they came.
CREATE TABLE ingest.source (
    id              text PRIMARY KEY,
    url             text NOT NULL,
    etag            text,
    last_modified   text,
    -- Newest item of a social source: (time, id), never the time alone.
    cursor_time     timestamptz,
    cursor_id       text,
    next_poll_at    timestamptz NOT NULL,
    -- Failed polls in a row; 0 after one that worked.
    failures        integer NOT NULL DEFAULT 0,
    last_polled_at  timestamptz,
    last_success_at timestamptz,
    -- When a poll last brought something new: a feed that went silent shows here.
    last_item_at    timestamptz,
    last_error      text
);

-- An entry as its source lists it. While the fingerprint is the same, the entry
-- is neither fetched nor published again.
CREATE TABLE ingest.item (
    source_id   text  NOT NULL,
    item_key    bytea NOT NULL,
    fingerprint bytea NOT NULL,
    PRIMARY KEY (source_id, item_key)
);

-- Every document id ever met. `first_seen_at` is written once; `revision` is what
-- was last acknowledged by the bus (null: met, not yet acknowledged).
CREATE TABLE ingest.seen (
    id            bytea PRIMARY KEY,
    source_id     text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    revision      text,
    canonical_url text
);

-- Keys that are made where the operator gives none.
CREATE TABLE ingest.secret (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
