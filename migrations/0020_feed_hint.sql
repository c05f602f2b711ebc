-- For how long a feed says itself that it stays as it is, which an answer without a body (304)
-- does not repeat.
-- Lock: ACCESS EXCLUSIVE on ingest.source for a change of the catalogue (no column is
-- rewritten). Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.source ADD COLUMN told_s double precision;
COMMENT ON COLUMN ingest.source.told_s IS
    'In seconds, by ttl or sy:updatePeriod, when it was last read; NULL: it said nothing.';
