-- Finding what is older than the retention of its source.
-- Lock: SHARE on ingest.item while the index is built: seconds for millions of rows, in which
-- readers go on and ingest waits.
SET lock_timeout = '5s';

CREATE INDEX item_settled ON ingest.item (source_id, settled_at) WHERE fate <> 'pending';
