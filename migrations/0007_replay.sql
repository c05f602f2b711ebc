-- How far each replayed file was pushed, so that a replay that was cut off goes on
-- where it stood. Takes no lock but on its own new table; instant.
SET lock_timeout = '5s';

CREATE TABLE ingest.replay (
    file            text PRIMARY KEY,
    lines           bigint NOT NULL,
    published       bigint NOT NULL,
    parked          bigint NOT NULL,
    step            timestamptz,
    stored_before   bigint NOT NULL,
    alerts_before   bigint NOT NULL,
    finished        boolean NOT NULL
);
COMMENT ON TABLE ingest.replay IS
    'One row a replayed file: lines read and acknowledged so far, and the row counts before it began.';
