-- Schema `report`: what analysts may read. Views run with their owner's rights, so
-- that role `analyst` needs none on the schemas below.
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE SCHEMA report;
REVOKE ALL ON SCHEMA report FROM PUBLIC;

-- Roles belong to the whole cluster: another database may have made it already, or
-- may be making it right now.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        CREATE ROLE analyst NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role "analyst" is missing and "%" may not create roles', current_user
            USING HINT = 'Let an administrator run: CREATE ROLE analyst NOLOGIN';
END
$$;

CREATE VIEW report.documents AS
SELECT d.doc_id, d.revision, d.source_id, d.source_kind, d.publisher_family, d.url, d.canonical_url,
       d.author_hash, d.lang, d.title, d.body, d.published_at, d.published_precision, d.event_time,
       d.first_seen_at, d.fetched_at, d.enriched_at, d.stored_at, d.is_backfill,
       d.likes, d.reposts, d.replies, d.views,
       d.topics, d.topic_p, d.risk_events, d.risk_event_p,
       d.label, d.sentiment, d.p_neg, d.p_neu, d.p_pos, d.confidence, d.abstain,
       d.story_id, d.novelty, d.story_position, d.model_name, d.model_version, d.quantization
FROM store.document d;

CREATE VIEW report.mentions AS
SELECT m.doc_id, m.entity_id, m.symbol, m.name, m.kind, m.role, m.relevance, m.event_time,
       m.label, m.sentiment, m.p_neg, m.p_neu, m.p_pos, m.confidence, m.abstain,
       m.first_mention, m.n_mentions, m.first_seen_at
FROM store.mention m;

CREATE VIEW report.corrections AS
SELECT c.doc_id, c.revision, c.replaces, c.title, c.body, c.fetched_at, c.enriched_at, c.stored_at,
       c.label, c.sentiment, c.confidence, c.abstain, c.model_name, c.model_version, c.quantization
FROM store.correction c;

CREATE VIEW report.entities AS
SELECT e.entity_id, e.symbol, e.symbols, e.name, e.kind FROM store.entity e;

CREATE VIEW report.trend_hourly AS
SELECT t.subject_kind || ':' || t.subject_id AS subject, t.subject_kind, t.subject_id, t.bucket,
       t.source_kind, t.lang,
       sum(t.n_docs)::bigint AS n_docs, sum(t.negative)::bigint AS negative,
       sum(t.neutral)::bigint AS neutral, sum(t.positive)::bigint AS positive,
       sum(t.abstained)::bigint AS abstained,
       (sum(t.score_micros) / 1e6 / nullif(sum(t.n_docs), 0))::double precision AS mean,
       (sum(t.weighted_score_micros) / 1e6 / nullif(sum(t.weight), 0))::double precision
           AS relevance_weighted_mean,
       (sum(t.negative)::numeric / nullif(sum(t.n_docs), 0))::double precision AS neg_share
FROM store.trend_hourly t
GROUP BY t.subject_kind, t.subject_id, t.bucket, t.source_kind, t.lang;

CREATE VIEW report.trend_daily AS
SELECT t.subject_kind || ':' || t.subject_id AS subject, t.subject_kind, t.subject_id, t.bucket,
       t.source_kind, t.lang,
       sum(t.n_docs)::bigint AS n_docs, sum(t.negative)::bigint AS negative,
       sum(t.neutral)::bigint AS neutral, sum(t.positive)::bigint AS positive,
       sum(t.abstained)::bigint AS abstained,
       (sum(t.score_micros) / 1e6 / nullif(sum(t.n_docs), 0))::double precision AS mean,
       (sum(t.weighted_score_micros) / 1e6 / nullif(sum(t.weight), 0))::double precision
           AS relevance_weighted_mean,
       (sum(t.negative)::numeric / nullif(sum(t.n_docs), 0))::double precision AS neg_share
FROM store.trend_daily t
GROUP BY t.subject_kind, t.subject_id, t.bucket, t.source_kind, t.lang;

-- The trend of one subject in whole buckets aligned to Monday 00:00 UTC: the first
-- is the one that holds "from", the last the one that ends at or holds "to".
-- A bucket without documents is a row with n_docs 0 and NULL means, never 0.
-- SECURITY DEFINER, so that it may add up shards by index instead of through the views.
CREATE FUNCTION report.trend(subject text, "from" timestamptz, "to" timestamptz,
                             bucket interval DEFAULT '1 hour')
RETURNS TABLE (bucket_start timestamptz, n_docs bigint, negative bigint, neutral bigint, positive bigint,
               abstained bigint, mean double precision, relevance_weighted_mean double precision,
               neg_share double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    origin constant timestamptz := '2001-01-01 00:00:00+00';
    width  bigint := extract(epoch FROM $4)::bigint;
    step   interval := make_interval(secs => extract(epoch FROM $4));
    kind   text := split_part($1, ':', 1);
    id     text := substr($1, strpos($1, ':') + 1);
BEGIN
    IF kind NOT IN ('entity', 'topic') OR strpos($1, ':') = 0 OR id = '' THEN
        RAISE EXCEPTION 'subject "%" is neither "entity:ID" nor "topic:ID"', $1
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF extract(year FROM $4) <> 0 OR extract(month FROM $4) <> 0 OR width < 3600 OR width % 3600 <> 0 THEN
        RAISE EXCEPTION 'bucket "%" is not a whole number of hours (or days), at least 1 hour', $4
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT (isfinite($2) AND isfinite($3)) THEN
        RAISE EXCEPTION 'the times of a trend must be finite' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    WITH rows AS (
        SELECT date_bin(step, t.bucket, origin) AS start, t.*
        FROM store.trend_hourly t
        WHERE width % 86400 <> 0 AND t.subject_kind = kind AND t.subject_id = id
          AND t.bucket >= date_bin(step, $2, origin) AND t.bucket < $3 + step
        UNION ALL
        SELECT date_bin(step, t.bucket, origin), t.*
        FROM store.trend_daily t
        WHERE width % 86400 = 0 AND t.subject_kind = kind AND t.subject_id = id
          AND t.bucket >= date_bin(step, $2, origin) AND t.bucket < $3 + step
    )
    SELECT b.start, coalesce(sum(r.n_docs), 0)::bigint, coalesce(sum(r.negative), 0)::bigint,
           coalesce(sum(r.neutral), 0)::bigint, coalesce(sum(r.positive), 0)::bigint,
           coalesce(sum(r.abstained), 0)::bigint,
           (sum(r.score_micros) / 1e6 / nullif(sum(r.n_docs), 0))::double precision,
           (sum(r.weighted_score_micros) / 1e6 / nullif(sum(r.weight), 0))::double precision,
           (sum(r.negative)::numeric / nullif(sum(r.n_docs), 0))::double precision
    FROM generate_series(date_bin(step, $2, origin), $3 - interval '1 microsecond', step) AS b(start)
    LEFT JOIN rows r ON r.start = b.start
    WHERE $2 < $3
    GROUP BY b.start ORDER BY b.start;
END
$$;
REVOKE ALL ON FUNCTION report.trend(text, timestamptz, timestamptz, interval) FROM PUBLIC;

GRANT USAGE ON SCHEMA report TO analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO analyst;
GRANT EXECUTE ON FUNCTION report.trend(text, timestamptz, timestamptz, interval) TO analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA report GRANT SELECT ON TABLES TO analyst;
