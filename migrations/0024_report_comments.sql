-- What the views of `report` hold, for those who look with \d+ or in a client.
-- Lock: SHARE UPDATE EXCLUSIVE on each view for a change of the catalogue; readers go on. Milliseconds.
SET lock_timeout = '5s';

COMMENT ON VIEW report.documents IS 'A document as it was first read: text, times, topics, sentiment, story, model.';
COMMENT ON COLUMN report.documents.event_time IS
    'When it happened: published_at where that is exact and not later than first_seen_at, else first_seen_at.';
COMMENT ON COLUMN report.documents.is_backfill IS 'Old when first seen: stored, and never a reason to ring.';
COMMENT ON COLUMN report.documents.sentiment IS 'p_pos - p_neg, from -1 to 1.';
COMMENT ON COLUMN report.documents.abstain IS 'The model is not sure enough: the label is not to be relied on.';
COMMENT ON COLUMN report.documents.topic_p IS 'The probability of each of topics, in their order; risk_event_p likewise.';
COMMENT ON VIEW report.mentions IS 'A company, fund, index, central bank ... in a document.';
COMMENT ON COLUMN report.mentions.relevance IS 'From 0 (named once in passing) to 100 (the subject).';
COMMENT ON COLUMN report.mentions.sentiment IS 'Towards this name, not of the document: p_pos - p_neg, from -1 to 1.';
COMMENT ON VIEW report.corrections IS 'A text that was changed later. It is in no trend: those count the first text.';
COMMENT ON VIEW report.deletions IS 'A document that its source took back, and whether its text was erased.';
COMMENT ON VIEW report.entities IS 'A name of the dictionary that was ever mentioned.';
COMMENT ON VIEW report.trend_hourly IS
    'A subject in an hour of event time (UTC), by kind of source and language. An hour without documents has no row.';
COMMENT ON COLUMN report.trend_hourly.n_docs IS 'negative + neutral + positive + abstained.';
COMMENT ON COLUMN report.trend_hourly.neg_share IS 'negative / n_docs.';
COMMENT ON VIEW report.trend_daily IS 'As trend_hourly, by days (UTC).';
COMMENT ON FUNCTION report.trend(text, timestamptz, timestamptz, interval) IS
    'The trend of one subject over all sources and languages. A bucket without documents is a row of 0 and NULL.';
COMMENT ON VIEW report.alerts IS 'An episode of alerts, as its worst hour was.';
COMMENT ON COLUMN report.alerts.observed IS 'Negative documents of that hour, copies of a story weighted down; expected: by the subject''s habit.';
COMMENT ON COLUMN report.alerts.p_value IS 'How probable that hour would be by habit alone; threshold is what it was held to.';
COMMENT ON VIEW report.deliveries IS 'A message on its way to one webhook, with its last attempt.';
COMMENT ON COLUMN report.deliveries.state IS
    'pending (next_at says when); delivered; failed after ten attempts; dropped: the webhook is gone (410) or was taken out of the configuration.';
COMMENT ON VIEW report.sources IS 'A source: how it does, when it is asked again, why it is refused.';
COMMENT ON VIEW report.crawl_items IS 'What became of each item that a source showed.';
COMMENT ON VIEW report.crawl_hours IS 'Items of a source in an hour: seen is the sum of all fates and pending.';
COMMENT ON VIEW report.crawl_fates IS 'Items of a source in an hour, by what became of them and why.';
COMMENT ON VIEW report.crawl_silences IS 'When a source showed nothing new for longer than its habit, or failed for a day.';
COMMENT ON VIEW report.crawl_tombstones IS 'Items that their source took back.';
COMMENT ON VIEW report.crawl_files IS 'How far each file of a source was read.';
COMMENT ON VIEW report.crawl_sitemaps IS 'The parts of a sitemap, and when each is read again.';
COMMENT ON VIEW report.crawl_subscriptions IS 'Subscriptions to WebSub hubs.';
COMMENT ON VIEW report.crawl_robots IS 'What is known of each robots.txt, and when it is asked for again.';
