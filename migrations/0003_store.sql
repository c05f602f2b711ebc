-- Schema `store`: documents, mentions, corrections, rollups and the writer's offsets.
-- Owner and only writer: the store. Analysts read it through schema `report`.
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE SCHEMA store;
REVOKE ALL ON SCHEMA store FROM PUBLIC;

-- How far a group has stored each partition, and who may move it: a writer that
-- takes a partition raises `epoch`; a row that does not match is a zombie's.
CREATE TABLE store.consumer_offset (
    grp         text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (grp, topic, partition)
);

-- Global uniqueness, which a partitioned table cannot enforce: the document counts
-- once, as it was first read.
CREATE TABLE store.seen (
    doc_id        text COLLATE "C" PRIMARY KEY,
    revision      text NOT NULL,
    first_seen_at timestamptz NOT NULL
);

-- One row a document: its first revision. Later ones are in `store.correction`.
CREATE TABLE store.document (
    doc_id              text COLLATE "C" NOT NULL,
    revision            text NOT NULL,
    source_id           text NOT NULL,
    source_kind         text NOT NULL,
    publisher_family    text NOT NULL,
    url                 text,
    canonical_url       text,
    author_hash         text,
    lang                text NOT NULL,
    title               text NOT NULL,
    body                text NOT NULL,
    published_at        timestamptz,
    published_precision text NOT NULL,
    event_time          timestamptz NOT NULL,
    first_seen_at       timestamptz NOT NULL,
    fetched_at          timestamptz NOT NULL,
    enriched_at         timestamptz NOT NULL,
    stored_at           timestamptz NOT NULL,
    is_backfill         boolean NOT NULL,
    redactions          bigint NOT NULL,
    likes               bigint,
    reposts             bigint,
    replies             bigint,
    views               bigint,
    topics              text[] NOT NULL,
    topic_p             real[] NOT NULL,
    risk_events         text[] NOT NULL,
    risk_event_p        real[] NOT NULL,
    label               text NOT NULL,
    sentiment           real NOT NULL,
    p_neg               real NOT NULL,
    p_neu               real NOT NULL,
    p_pos               real NOT NULL,
    confidence          real NOT NULL,
    abstain             boolean NOT NULL,
    story_id            text NOT NULL,
    novelty             smallint,
    story_position      bigint,
    model_name          text NOT NULL,
    model_version       text NOT NULL,
    quantization        text NOT NULL,
    shard               integer NOT NULL,
    PRIMARY KEY (doc_id, first_seen_at)
) PARTITION BY RANGE (first_seen_at);
CREATE INDEX document_event_time ON store.document (event_time);
CREATE INDEX document_story ON store.document (story_id);
CREATE INDEX document_stored_at ON store.document USING brin (stored_at);

CREATE TABLE store.mention (
    doc_id        text COLLATE "C" NOT NULL,
    first_seen_at timestamptz NOT NULL,
    event_time    timestamptz NOT NULL,
    entity_id     text COLLATE "C" NOT NULL,
    symbol        text NOT NULL,
    name          text NOT NULL,
    kind          text NOT NULL,
    role          text NOT NULL,
    relevance     smallint NOT NULL CHECK (relevance BETWEEN 0 AND 100),
    label         text NOT NULL,
    sentiment     real NOT NULL,
    p_neg         real NOT NULL,
    p_neu         real NOT NULL,
    p_pos         real NOT NULL,
    confidence    real NOT NULL,
    abstain       boolean NOT NULL,
    first_mention bigint,
    n_mentions    integer NOT NULL,
    PRIMARY KEY (doc_id, entity_id, first_seen_at)
) PARTITION BY RANGE (first_seen_at);
CREATE INDEX mention_entity_time ON store.mention (entity_id, event_time);

-- Entities ever mentioned, named as they were first read.
CREATE TABLE store.entity (
    entity_id text COLLATE "C" PRIMARY KEY,
    symbol    text NOT NULL,
    symbols   text[] NOT NULL,
    name      text NOT NULL,
    kind      text NOT NULL
);

-- A changed text of a known document. Kept for readers, never counted.
CREATE TABLE store.correction (
    doc_id      text COLLATE "C" NOT NULL,
    revision    text NOT NULL,
    replaces    text NOT NULL,
    title       text NOT NULL,
    body        text NOT NULL,
    fetched_at  timestamptz NOT NULL,
    enriched_at timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    label       text NOT NULL,
    sentiment   real NOT NULL,
    confidence  real NOT NULL,
    abstain     boolean NOT NULL,
    model_name    text NOT NULL,
    model_version text NOT NULL,
    quantization  text NOT NULL,
    PRIMARY KEY (doc_id, revision)
);

-- Counts per subject and bucket of event time (UTC). Sums are integers, so that any
-- order of adding gives the same: score in millionths, weight in hundredths.
-- `shard` is the partition of documents.enriched: two writers never meet on a row.
CREATE TABLE store.trend_hourly (
    subject_kind          text NOT NULL,
    subject_id            text COLLATE "C" NOT NULL,
    bucket                timestamptz NOT NULL,
    source_kind           text NOT NULL,
    lang                  text NOT NULL,
    shard                 integer NOT NULL,
    n_docs                bigint NOT NULL,
    negative              bigint NOT NULL,
    neutral               bigint NOT NULL,
    positive              bigint NOT NULL,
    abstained             bigint NOT NULL,
    score_micros          bigint NOT NULL,
    weight                bigint NOT NULL,
    weighted_score_micros bigint NOT NULL,
    PRIMARY KEY (subject_kind, subject_id, bucket, source_kind, lang, shard)
);
CREATE TABLE store.trend_daily (LIKE store.trend_hourly INCLUDING ALL);
CREATE INDEX trend_hourly_bucket ON store.trend_hourly (bucket);
CREATE INDEX trend_daily_bucket ON store.trend_daily (bucket);

-- Makes the monthly partitions for `at` when they are missing. Attaching takes
-- SHARE UPDATE EXCLUSIVE on the parent, so that readers and writers go on.
CREATE FUNCTION store.ensure_month(at timestamptz) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz := date_trunc('month', at);
    part  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tocsin.store.ensure_month'));
    FOREACH part IN ARRAY ARRAY['document', 'mention'] LOOP
        IF to_regclass(format('store.%I', part || to_char(first, '"_y"YYYY"m"MM'))) IS NULL THEN
            EXECUTE format('CREATE TABLE store.%I (LIKE store.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                part || to_char(first, '"_y"YYYY"m"MM'), part);
            EXECUTE format('ALTER TABLE store.%I ATTACH PARTITION store.%I FOR VALUES FROM (%L) TO (%L)',
                part, part || to_char(first, '"_y"YYYY"m"MM'), first, first + interval '1 month');
        END IF;
    END LOOP;
END
$$;
