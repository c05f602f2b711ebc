-- What sources took back: told by ingest on the bus, erased by the store.
-- Lock: ACCESS EXCLUSIVE on ingest.item for a change of the catalogue (no row is rewritten),
-- then SHARE while a small partial index is built, in which ingest waits; all else is new.
SET lock_timeout = '5s';

ALTER TABLE ingest.item ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN ingest.item.told_at IS 'When documents.raw was told that its source took it back.';
CREATE INDEX item_untold ON ingest.item (source_id) WHERE deleted_at IS NOT NULL AND told_at IS NULL;

CREATE TABLE store.deletion (
    doc_id      text COLLATE "C" PRIMARY KEY,
    source_id   text NOT NULL,
    source_kind text NOT NULL,
    deleted_at  timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    is_erased   boolean NOT NULL
);
COMMENT ON TABLE store.deletion IS 'Documents that their source took back, and whether their text was erased.';

CREATE VIEW report.deletions AS
SELECT d.doc_id, d.source_id, d.source_kind, d.deleted_at, d.stored_at, d.is_erased FROM store.deletion d;
GRANT SELECT ON report.deletions TO analyst;
