-- Where items are found besides feeds, and what that asks ingest to remember: each origin's
-- robots.txt, the parts of sitemap indexes, and subscriptions at WebSub hubs.
-- Lock: ACCESS EXCLUSIVE on the view report.sources for a change of the catalogue; all
-- else is new. Milliseconds.
SET lock_timeout = '5s';

CREATE TABLE ingest.robots (
    origin          text PRIMARY KEY,
    read_at         timestamptz,
    rules           bytea,
    failures        integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    cause           text NOT NULL DEFAULT '',
    next_at         timestamptz NOT NULL
);
COMMENT ON COLUMN ingest.robots.read_at IS 'When rules were last had; NULL: never. rules NULL: there is no robots.txt.';
COMMENT ON COLUMN ingest.robots.next_at IS 'Until then nothing is asked; while failing, rules of before go on to hold.';

CREATE TABLE ingest.sitemap (
    source_id       text NOT NULL,
    url             text NOT NULL,
    modified        timestamptz,
    read_modified   timestamptz,
    read_at         timestamptz,
    etag            text,
    last_modified   text,
    failures        integer NOT NULL DEFAULT 0,
    error           text NOT NULL DEFAULT '',
    next_at         timestamptz,
    retired_at      timestamptz,
    PRIMARY KEY (source_id, url)
);
COMMENT ON TABLE ingest.sitemap IS 'The sitemaps that the index of a source lists.';
COMMENT ON COLUMN ingest.sitemap.modified IS 'As the index says; read_modified is what it said when the sitemap was last read.';
COMMENT ON COLUMN ingest.sitemap.retired_at IS 'Gone again and again: not asked for until the index says that it changed.';

CREATE TABLE ingest.websub (
    source_id       text PRIMARY KEY,
    token           text NOT NULL UNIQUE,
    secret          text NOT NULL,
    topic           text NOT NULL,
    hub             text NOT NULL,
    state           text NOT NULL CHECK (state IN ('wanted', 'active', 'denied', 'leaving')),
    asked_at        timestamptz,
    lease_until     timestamptz,
    next_at         timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    pushed_at       timestamptz,
    error           text NOT NULL DEFAULT ''
);
COMMENT ON TABLE ingest.websub IS 'Subscriptions at WebSub hubs; token is the secret part of the callback''s address.';

CREATE VIEW report.crawl_sitemaps AS
SELECT s.source_id, s.url, s.modified, s.read_at, s.failures, s.error, s.next_at, s.retired_at
FROM ingest.sitemap s;

CREATE VIEW report.crawl_subscriptions AS
SELECT w.source_id, w.hub, w.topic, w.state, w.asked_at, w.lease_until, w.next_at, w.attempts, w.pushed_at, w.error
FROM ingest.websub w;

CREATE VIEW report.crawl_robots AS
SELECT r.origin, r.read_at, r.rules IS NOT NULL AS has_rules, r.failures, r.failing_since, r.cause, r.next_at
FROM ingest.robots r;

CREATE OR REPLACE VIEW report.sources AS
SELECT s.source_id, coalesce(s.settings ->> 'url', s.url) AS url, s.kind, s.publisher_family, s.terms,
       s.robots, s.robots_at, s.licence, s.tier, s.owner, s.state, s.refusal, s.origin,
       s.next_poll_at, s.last_poll_at, s.last_success_at, s.last_new_at, s.failures, s.last_error,
       (SELECT max(q.kind) FROM ingest.silence q
        WHERE q.source_id = s.source_id AND q.ended_at IS NULL) AS silence,
       s.settings ->> 'format' AS format,
       coalesce(s.settings -> 'tags', '[]') AS tags,
       s.retention_s
FROM ingest.source s;

GRANT SELECT ON report.crawl_sitemaps, report.crawl_subscriptions, report.crawl_robots TO analyst;
