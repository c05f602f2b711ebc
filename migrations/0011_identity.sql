-- Finding what a source published before under another id of its own; tombstones; how
-- long it is remembered what became of the items of a source.
-- Lock: ACCESS EXCLUSIVE on ingest.item and ingest.source for a change of the catalogue
-- (no row is rewritten), then SHARE on ingest.item while the index is built: seconds for
-- millions of rows, in which readers go on and ingest waits.
SET lock_timeout = '5s';

ALTER TABLE ingest.item ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN ingest.item.deleted_at IS 'When its source was seen to have taken it back.';
ALTER TABLE ingest.source ADD COLUMN retention_s double precision;
CREATE INDEX item_entry_hash ON ingest.item (source_id, entry_hash);

CREATE VIEW report.crawl_tombstones AS
SELECT i.source_id, encode(i.doc_id, 'hex') AS doc_id, i.seen_at, i.deleted_at
FROM ingest.item i WHERE i.deleted_at IS NOT NULL;

GRANT SELECT ON report.crawl_tombstones TO analyst;
