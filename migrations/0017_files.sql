-- Files of rows: how far each was read; and where an item stands that could not be read.
-- Lock: ACCESS EXCLUSIVE on ingest.item for a change of the catalogue (no row is rewritten);
-- all else is new. Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.item ADD COLUMN place text;
COMMENT ON COLUMN ingest.item.place IS 'Of what could not be read: an address, or a file and a line of it.';

CREATE TABLE ingest.file (
    source_id   text NOT NULL,
    path        text NOT NULL,
    read_bytes  bigint NOT NULL,
    read_lines  bigint NOT NULL,
    digest      bigint NOT NULL,
    size_bytes  bigint NOT NULL,
    changed_at  timestamptz NOT NULL,
    read_at     timestamptz NOT NULL,
    PRIMARY KEY (source_id, path)
);
COMMENT ON TABLE ingest.file IS 'Files of rows and how far each was read, to the end of a row.';
COMMENT ON COLUMN ingest.file.digest IS
    'Of the first and the last KiB of what was read: when it changes, the file is another and read anew.';
COMMENT ON COLUMN ingest.file.size_bytes IS 'Size and time of the last change when it was last read.';

CREATE VIEW report.crawl_files AS
SELECT f.source_id, f.path, f.read_bytes, f.size_bytes, f.read_lines, f.changed_at, f.read_at FROM ingest.file f;
GRANT SELECT ON report.crawl_files TO analyst;

CREATE OR REPLACE VIEW report.crawl_items AS
SELECT i.source_id, encode(i.doc_id, 'hex') AS doc_id, i.fate, i.reason, i.seen_at, i.settled_at, i.attempts, i.place
FROM ingest.item i;
