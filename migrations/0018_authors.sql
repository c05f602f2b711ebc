-- What an author wrote, so that it can be taken back when a source tells that the account is gone.
-- Lock: ACCESS EXCLUSIVE on ingest.item for a change of the catalogue (no row is rewritten), then
-- SHARE while a partial index is built that no row is in yet, in which ingest waits.
SET lock_timeout = '5s';

ALTER TABLE ingest.item ADD COLUMN author_hash text;
COMMENT ON COLUMN ingest.item.author_hash IS
    'Of the author that the list named, by the key of that time: when it is gone, nobody can tell whose it was.';
CREATE INDEX item_author ON ingest.item (source_id, author_hash) WHERE author_hash IS NOT NULL;
