-- The completeness ledger: what became of every item, by source and hour, and which
-- sources fell silent or died.
-- Lock: ACCESS EXCLUSIVE on ingest.source for a change of the catalogue (no column is
-- rewritten); all else is new. Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.source
    ADD COLUMN watched_since  timestamptz,
    ADD COLUMN failing_since  timestamptz,
    ADD COLUMN learned_at     timestamptz;
COMMENT ON COLUMN ingest.source.learned_at IS 'When longest_gap_s was last brought up to date; it halves in a month.';

-- The hour is the one in which the item was seen. 'seen' counts new and changed items,
-- 'repeat' those shown again as they were; every seen item gets one of the other fates.
CREATE TABLE ingest.ledger (
    source_id       text NOT NULL,
    hour            timestamptz NOT NULL,
    fate            text NOT NULL CHECK (fate IN ('seen', 'repeat', 'published', 'revised', 'duplicate',
                                                  'refused', 'failed', 'superseded')),
    reason          text NOT NULL DEFAULT '',
    items           bigint NOT NULL,
    PRIMARY KEY (source_id, hour, fate, reason)
);

CREATE TABLE ingest.silence (
    silence_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id       text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('silent', 'dead')),
    since           timestamptz NOT NULL,
    habit_s         double precision,
    cause           text NOT NULL DEFAULT '',
    raised_at       timestamptz NOT NULL,
    ended_at        timestamptz
);
COMMENT ON TABLE ingest.silence IS
    'A source that answers and shows nothing new for longer than its habit (silent), or fails for a day (dead).';
CREATE UNIQUE INDEX silence_open ON ingest.silence (source_id, kind) WHERE ended_at IS NULL;

CREATE VIEW report.crawl_hours AS
SELECT h.source_id, h.hour, h.seen, h.published, h.revised, h.duplicate, h.refused, h.failed, h.superseded,
       h.seen - h.published - h.revised - h.duplicate - h.refused - h.failed - h.superseded AS pending,
       h.repeats
FROM (SELECT l.source_id, l.hour,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'seen'), 0)::bigint AS seen,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'published'), 0)::bigint AS published,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'revised'), 0)::bigint AS revised,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'duplicate'), 0)::bigint AS duplicate,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'refused'), 0)::bigint AS refused,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'failed'), 0)::bigint AS failed,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'superseded'), 0)::bigint AS superseded,
             coalesce(sum(l.items) FILTER (WHERE l.fate = 'repeat'), 0)::bigint AS repeats
      FROM ingest.ledger l GROUP BY l.source_id, l.hour) h;

CREATE VIEW report.crawl_fates AS
SELECT l.source_id, l.hour, l.fate, l.reason, l.items FROM ingest.ledger l
WHERE l.fate NOT IN ('seen', 'repeat');

CREATE VIEW report.crawl_items AS
SELECT i.source_id, encode(i.doc_id, 'hex') AS doc_id, i.fate, i.reason, i.seen_at, i.settled_at, i.attempts
FROM ingest.item i;

CREATE VIEW report.crawl_silences AS
SELECT s.source_id, s.kind, s.since, s.habit_s, s.cause, s.raised_at, s.ended_at FROM ingest.silence s;

GRANT SELECT ON report.crawl_hours, report.crawl_fates, report.crawl_items, report.crawl_silences TO analyst;
