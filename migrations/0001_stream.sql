-- Schema `stream`: the embedded bus, topics and groups for one machine without Kafka.
-- Owner and only user: the crate `stream`. Nothing else reads or writes these tables.
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE SCHEMA stream;
REVOKE ALL ON SCHEMA stream FROM PUBLIC;

CREATE TABLE stream.topic (
    name       text COLLATE "C" PRIMARY KEY,
    partitions integer     NOT NULL CHECK (partitions > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The counter of one partition. A writer holds the advisory lock of the partition
-- from before it reads `next_offset` until it has committed, so offsets have no gap
-- and become visible in order. Records before `first_offset` were dropped by age.
CREATE TABLE stream.partition (
    topic        text COLLATE "C" NOT NULL REFERENCES stream.topic (name) ON DELETE CASCADE,
    partition    integer NOT NULL,
    next_offset  bigint  NOT NULL DEFAULT 0,
    first_offset bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- One table a day (UTC) below it, made ahead by prepare_days, dropped by drop_days.
CREATE TABLE stream.log (
    topic      text COLLATE "C" NOT NULL,
    partition  integer     NOT NULL,
    "offset"   bigint      NOT NULL,
    written_at timestamptz NOT NULL,
    key        bytea,
    headers    jsonb       NOT NULL,
    value      bytea       NOT NULL,
    PRIMARY KEY (topic, partition, "offset", written_at)
) PARTITION BY RANGE (written_at);

-- A member that did not say for a session's length that it lives is removed by the others.
CREATE TABLE stream.member (
    grp          text COLLATE "C" NOT NULL,
    member       text COLLATE "C" NOT NULL,
    topics       text[] NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    PRIMARY KEY (grp, member)
);

-- How far a group is, and which member reads on. `generation` grows whenever a member
-- takes the partition: a commit with an older one is a zombie's and changes nothing.
CREATE TABLE stream.cursor (
    grp         text COLLATE "C" NOT NULL,
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL DEFAULT 0,
    member      text COLLATE "C",
    generation  bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, topic, partition),
    FOREIGN KEY (topic, partition) REFERENCES stream.partition (topic, partition) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- Makes the log tables of today and the next two days where they are missing.
CREATE FUNCTION stream.prepare_days() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, stream AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    day   date;
    name  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stream.days', 0));
    FOR ahead IN 0..2 LOOP
        day := today + ahead;
        name := 'log_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('stream.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE stream.%I (LIKE stream.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        -- Attaching lets readers and writers of the other days go on.
        EXECUTE format('ALTER TABLE stream.log ATTACH PARTITION stream.%I FOR VALUES FROM (%L) TO (%L)',
                       name, to_char(day, 'YYYY-MM-DD') || ' 00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00+00');
    END LOOP;
END $$;

-- Drops the log tables whose youngest record may be older than `retention`; gives their
-- number. Waits at most two seconds for readers, then fails and is called again later.
CREATE FUNCTION stream.drop_days(retention interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, stream SET lock_timeout = '2s' AS $$
DECLARE
    -- The table of day D ends when D + 1 begins.
    oldest  date := ((clock_timestamp() - retention) AT TIME ZONE 'UTC')::date;
    name    text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stream.days', 0));
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'stream.log'::regclass AND c.relname < 'log_' || to_char(oldest, 'YYYYMMDD')
        ORDER BY c.relname
    LOOP
        EXECUTE format(
            'UPDATE stream.partition p SET first_offset = greatest(p.first_offset, d.next)
             FROM (SELECT topic, partition, max("offset") + 1 AS next FROM stream.%I GROUP BY topic, partition) d
             WHERE p.topic = d.topic AND p.partition = d.partition', name);
        EXECUTE format('DROP TABLE stream.%I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

REVOKE ALL ON FUNCTION stream.prepare_days() FROM PUBLIC;
REVOKE ALL ON FUNCTION stream.drop_days(interval) FROM PUBLIC;

SELECT stream.prepare_days();
