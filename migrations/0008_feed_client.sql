-- What a polite and complete feed client remembers: where its validators came from, a
-- source's habit, permanent moves, silences that hosts asked for, and the items that
-- were seen and are not settled yet.
-- Lock: ACCESS EXCLUSIVE on ingest.source for a change of the catalogue (no column is
-- rewritten); all else is new. Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.source
    ADD COLUMN validated_url  text,
    ADD COLUMN newest_at      timestamptz,
    ADD COLUMN mean_gap_s     double precision,
    ADD COLUMN longest_gap_s  double precision,
    ADD COLUMN last_new_at    timestamptz,
    ADD COLUMN moved_to       text,
    ADD COLUMN moved_since    timestamptz,
    ADD COLUMN moved_seen     integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingest.source.validated_url IS 'The address that etag and last_modified belong to; they are sent to no other.';
COMMENT ON COLUMN ingest.source.mean_gap_s IS 'Mean time between two of its newest items; longest_gap_s is the longest.';
COMMENT ON COLUMN ingest.source.moved_to IS 'Where permanent redirects led moved_seen times without change, first at moved_since.';

CREATE TABLE ingest.host (
    domain          text PRIMARY KEY,
    quiet_until     timestamptz NOT NULL
);
COMMENT ON TABLE ingest.host IS 'Registrable domains that asked for silence (429, 503, Retry-After).';

-- One row an item that a source showed, and what became of it.
CREATE TABLE ingest.item (
    source_id       text NOT NULL,
    item_key        bytea NOT NULL CHECK (octet_length(item_key) = 16),
    native_key      bytea NOT NULL CHECK (octet_length(native_key) = 16),
    doc_id          bytea NOT NULL CHECK (octet_length(doc_id) = 16),
    entry_hash      bigint NOT NULL,
    fate            text NOT NULL
                    CHECK (fate IN ('pending', 'published', 'revised', 'duplicate', 'refused', 'failed')),
    reason          text NOT NULL DEFAULT '',
    seen_at         timestamptz NOT NULL,
    settled_at      timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    not_before      timestamptz,
    draft           jsonb,
    PRIMARY KEY (source_id, item_key),
    CHECK ((fate = 'pending') = (draft IS NOT NULL))
);
COMMENT ON COLUMN ingest.item.item_key IS 'Hash of the publisher''s id and the address; native_key of the id alone.';
COMMENT ON COLUMN ingest.item.draft IS 'What was seen, personal details blacked out, until it is settled.';
CREATE INDEX item_pending ON ingest.item (source_id, not_before) WHERE fate = 'pending';
CREATE INDEX item_native ON ingest.item (source_id, native_key);
