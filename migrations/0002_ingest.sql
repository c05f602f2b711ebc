-- What ingest remembers: sources, documents it knows, its own secrets.
-- Takes no lock but on its own new tables; instant.
SET lock_timeout = '5s';

CREATE SCHEMA ingest;
REVOKE ALL ON SCHEMA ingest FROM PUBLIC;

CREATE TABLE ingest.source (
    source_id       text PRIMARY KEY,
    url             text NOT NULL,
    etag            text,
    last_modified   text,
    next_poll_at    timestamptz,
    failures        integer NOT NULL DEFAULT 0,
    cursor_at       timestamptz,
    cursor_id       text,
    last_poll_at    timestamptz,
    last_success_at timestamptz,
    last_error      text
);
COMMENT ON COLUMN ingest.source.etag IS 'Sent back verbatim, as is last_modified.';
COMMENT ON COLUMN ingest.source.cursor_at IS 'Newest item of a JSON source, with cursor_id: a cursor is (time, id).';

CREATE TABLE ingest.seen (
    doc_id          bytea PRIMARY KEY CHECK (octet_length(doc_id) = 16),
    source_id       text NOT NULL,
    revision        text NOT NULL,
    entry_hash      bigint NOT NULL,
    first_seen_at   timestamptz NOT NULL
);
COMMENT ON COLUMN ingest.seen.first_seen_at IS 'Minted once; every later revision keeps it.';
CREATE INDEX seen_first_seen_at ON ingest.seen USING brin (first_seen_at);

CREATE TABLE ingest.secret (
    name            text PRIMARY KEY,
    value           bytea NOT NULL
);
COMMENT ON TABLE ingest.secret IS 'Keys of this installation; the key "author" hashes author names.';
