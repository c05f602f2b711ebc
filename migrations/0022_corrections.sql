-- A text that comes back after another (A, B, A) is a correction again: told apart by when it was fetched.
-- Lock: ACCESS EXCLUSIVE on store.correction while its key is built anew: seconds for a million rows.
SET lock_timeout = '5s';

ALTER TABLE store.correction DROP CONSTRAINT correction_pkey, ADD PRIMARY KEY (doc_id, revision, fetched_at);
