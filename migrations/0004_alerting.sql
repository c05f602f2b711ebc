-- Schema `alerting`: the detector's state, alerts, outbox and delivery log.
-- Owner and only writer: alerting. Analysts read alerts through schema `report`.
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE SCHEMA alerting;
REVOKE ALL ON SCHEMA alerting FROM PUBLIC;

-- How far a group has read each partition, and who may move it: an instance that
-- takes a partition raises `epoch`; a row that does not match is a zombie's.
CREATE TABLE alerting.consumer_offset (
    grp         text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (grp, topic, partition)
);

-- The detector of one partition of `signals`, as it was at consumer_offset.next_offset:
-- watermark, last boundary and priors; its subjects; signals that event time has not
-- passed yet. Binary, its first byte is the version of the form.
CREATE TABLE alerting.course (
    partition  integer PRIMARY KEY,
    state      bytea NOT NULL,
    evaluated  timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE TABLE alerting.subject_state (
    partition integer NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    state     bytea NOT NULL,
    PRIMARY KEY (partition, subject)
);
CREATE TABLE alerting.waiting (
    partition   integer NOT NULL,
    step        bigint  NOT NULL,
    event_ns    bigint  NOT NULL,
    document_id text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    signal      bytea   NOT NULL,
    PRIMARY KEY (partition, step, event_ns, document_id, subject)
);

-- One row an episode, as its worst window was.
CREATE TABLE alerting.alert (
    alert_id     text COLLATE "C" PRIMARY KEY,
    state        text NOT NULL,
    severity     text NOT NULL,
    kind         text NOT NULL,
    subject_kind text NOT NULL,
    subject_id   text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    summary      text NOT NULL,
    opened_at    timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    resolved_at  timestamptz,
    window_from  timestamptz NOT NULL,
    window_to    timestamptz NOT NULL,
    observed     double precision NOT NULL,
    expected     double precision NOT NULL,
    documents    double precision NOT NULL,
    publishers   bigint NOT NULL,
    p_value      double precision NOT NULL,
    threshold    double precision NOT NULL,
    sequence     bigint NOT NULL,
    evidence     jsonb NOT NULL
);
CREATE INDEX alert_subject ON alerting.alert (subject_kind, subject_id, opened_at);
CREATE INDEX alert_opened_at ON alerting.alert (opened_at);

-- Every message in the bytes that are sent. Those not published yet are the outbox
-- of topic `alerts`.
CREATE TABLE alerting.alert_message (
    message_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id     text COLLATE "C" NOT NULL,
    sequence     bigint NOT NULL,
    subject      text NOT NULL,
    at           timestamptz NOT NULL,
    body         text NOT NULL,
    published_at timestamptz,
    UNIQUE (alert_id, sequence)
);
CREATE INDEX alert_message_outbox ON alerting.alert_message (message_id) WHERE published_at IS NULL;

-- Webhooks by the name they are configured under. `target` is a digest of the URL:
-- a new URL enables an endpoint again.
CREATE TABLE alerting.endpoint (
    name        text PRIMARY KEY,
    target      text NOT NULL,
    disabled_at timestamptz,
    reason      text
);

CREATE TABLE alerting.delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint    text   NOT NULL,
    alert_id    text COLLATE "C" NOT NULL,
    sequence    bigint NOT NULL,
    state       text   NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (endpoint, alert_id, sequence)
);
CREATE INDEX delivery_due ON alerting.delivery (next_at) WHERE state = 'pending';

CREATE TABLE alerting.delivery_attempt (
    delivery_id bigint  NOT NULL REFERENCES alerting.delivery,
    attempt     integer NOT NULL,
    at          timestamptz NOT NULL,
    status      integer,
    latency_ms  bigint NOT NULL,
    response    text NOT NULL,
    error       text,
    PRIMARY KEY (delivery_id, attempt)
);
