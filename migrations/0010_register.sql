-- The register of sources, and who polls what: sources are shared out by registrable
-- domain, so that manners are kept by one instance.
-- Lock: ACCESS EXCLUSIVE on ingest.source for a change of the catalogue and an index
-- (thousands of rows at most); all else is new. Milliseconds.
SET lock_timeout = '5s';

CREATE SEQUENCE ingest.register_version;
ALTER TABLE ingest.source
    ADD COLUMN settings         jsonb,
    ADD COLUMN domain           text,
    ADD COLUMN kind             text,
    ADD COLUMN publisher_family text,
    ADD COLUMN terms            text NOT NULL DEFAULT 'unknown'
                                CHECK (terms IN ('unknown', 'allowed', 'agreed', 'forbidden')),
    ADD COLUMN robots           text NOT NULL DEFAULT 'unknown'
                                CHECK (robots IN ('unknown', 'allowed', 'disallowed', 'unreachable')),
    ADD COLUMN robots_at        timestamptz,
    ADD COLUMN licence          text,
    ADD COLUMN tier             smallint,
    ADD COLUMN owner            text,
    ADD COLUMN state            text NOT NULL DEFAULT 'active'
                                CHECK (state IN ('active', 'disabled', 'refused', 'gone')),
    ADD COLUMN refusal          text NOT NULL DEFAULT '',
    ADD COLUMN origin           text NOT NULL DEFAULT '',
    ADD COLUMN needs_secret     boolean NOT NULL DEFAULT false,
    ADD COLUMN version          bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingest.source.settings IS 'As configured, without secrets; NULL: not in the register yet.';
COMMENT ON COLUMN ingest.source.url IS 'The address that the state of this row belongs to; settings has the one to ask.';
COMMENT ON COLUMN ingest.source.state IS 'gone: no longer in the file that it came from.';
COMMENT ON COLUMN ingest.source.origin IS '"file:" and the name of the instance whose file has it, or "command".';
COMMENT ON COLUMN ingest.source.needs_secret IS 'Only an instance whose own file has the source, and so its secret, may poll it.';
CREATE INDEX source_domain ON ingest.source (domain);

CREATE TABLE ingest.instance (
    holder          text PRIMARY KEY,
    until           timestamptz NOT NULL
);
CREATE TABLE ingest.lease (
    domain          text PRIMARY KEY,
    holder          text,
    until           timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE ingest.lease IS
    'Which instance polls the sources of a domain, by the clock of this server; whoever''s time is up has lost it.';
CREATE INDEX lease_holder ON ingest.lease (holder);

CREATE VIEW report.sources AS
SELECT s.source_id, coalesce(s.settings ->> 'url', s.url) AS url, s.kind, s.publisher_family, s.terms,
       s.robots, s.robots_at, s.licence, s.tier, s.owner, s.state, s.refusal, s.origin,
       s.next_poll_at, s.last_poll_at, s.last_success_at, s.last_new_at, s.failures, s.last_error,
       (SELECT max(q.kind) FROM ingest.silence q
        WHERE q.source_id = s.source_id AND q.ended_at IS NULL) AS silence
FROM ingest.source s;

GRANT SELECT ON report.sources TO analyst;
