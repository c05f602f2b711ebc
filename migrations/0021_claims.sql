-- Which instance has the secrets of which sources, so that a domain goes to whoever has the most of
-- them, and waits for nobody who is not there.
-- Lock: ACCESS EXCLUSIVE on ingest.instance for a change of the catalogue (a row an instance), SHARE on
-- ingest.source while a partial index is built (thousands of rows at most); the view is new. Milliseconds.
SET lock_timeout = '5s';

ALTER TABLE ingest.instance ADD COLUMN own text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ingest.instance.own IS 'Sources that need a secret, or files of one machine, and that it can poll.';

CREATE INDEX source_secret ON ingest.source (domain) WHERE needs_secret;

CREATE VIEW ingest.claim AS
SELECT c.domain, c.holder, c.secrets, max(c.secrets) OVER d AS most, min(c.secrets) OVER d AS least
FROM (SELECT s.domain, i.holder, count(*) FILTER (WHERE s.source_id = ANY (i.own)) AS secrets
      FROM ingest.source s CROSS JOIN ingest.instance i
      WHERE s.needs_secret AND s.state = 'active' AND s.settings IS NOT NULL AND i.until > now()
      GROUP BY s.domain, i.holder) c
WINDOW d AS (PARTITION BY c.domain);
COMMENT ON VIEW ingest.claim IS
    'Of each domain with such sources, how many of them each instance that is there can poll, and the most and least any can.';
