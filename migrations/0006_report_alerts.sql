-- What analysts may read of alerts and their delivery.
-- Lock: creates new objects only, nothing that exists is locked; milliseconds.

CREATE VIEW report.alerts AS
SELECT a.alert_id, a.state, a.severity, a.kind, a.subject_kind || ':' || a.subject_id AS subject,
       a.subject_kind, a.subject_id, a.name, a.summary, a.opened_at, a.updated_at, a.resolved_at,
       a.window_from, a.window_to, a.observed, a.expected, a.documents, a.publishers,
       a.p_value, a.threshold, a.sequence, a.evidence
FROM alerting.alert a;

-- One row a delivery to a webhook, with its last attempt.
CREATE VIEW report.deliveries AS
SELECT d.endpoint, d.alert_id, d.sequence, d.state, d.attempts, d.created_at, d.next_at, d.finished_at,
       l.status AS last_status, l.latency_ms AS last_latency_ms, l.error AS last_error
FROM alerting.delivery d
LEFT JOIN alerting.delivery_attempt l ON l.delivery_id = d.delivery_id AND l.attempt = d.attempts;

GRANT SELECT ON report.alerts, report.deliveries TO analyst;
