-- Where the list of a JSON interface is to be read on.
-- Lock: ACCESS EXCLUSIVE on ingest.source for a change of the catalogue (no column is
-- rewritten). Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.source
    ADD COLUMN walk_next      text,
    ADD COLUMN walk_at        timestamptz,
    ADD COLUMN walk_id        text;
COMMENT ON COLUMN ingest.source.walk_next IS
    'Address of the next answer of a list that was not read down to the cursor; walk_at and walk_id are the newest '
    'post of what was read, and become the cursor at its end.';
