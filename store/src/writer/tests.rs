use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tocsin_runtime::ManualClock;
use tocsin_runtime::database::testing;

use super::*;
use crate::samples::{at, buried, delivered, enriched, revised, start, taken_back};
use crate::{StoreError, audit};

fn writer(pool: &PgPool) -> Writer {
    Writer::new(pool.clone(), "store", &StoreConfig::default(), Arc::new(ManualClock::at(start())))
}

/// A writer that holds partition 0.
async fn owner(pool: &PgPool) -> (Writer, Claims) {
    let writer = writer(pool);
    let claim = writer.claim(&at(0)).await.unwrap();
    (writer, Claims::from([(at(0), claim)]))
}

async fn count(pool: &PgPool, from: &'static str) -> i64 {
    sqlx::query_scalar(from).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_batch_delivered_again_adds_nothing() {
    let pool = testing::database().await.pool;
    let documents: Vec<_> = (0..50).map(enriched).collect();
    let (mut first, mut claims) = owner(&pool).await;
    let outcome = first.write(&mut claims, &delivered(&documents, 0)).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 50, corrections: 0, duplicates: 0, deletions: 0 });
    let (mut second, mut claims) = owner(&pool).await;
    assert_eq!(claims[&at(0)].next_offset, 50);
    let outcome = second.write(&mut claims, &delivered(&documents, 50)).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 0, corrections: 0, duplicates: 50, deletions: 0 });
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 50);
    let svb = "SELECT sum(n_docs)::bigint FROM store.trend_hourly WHERE subject_id = 'svb'";
    assert_eq!(count(&pool, svb).await, 50);
    assert_eq!(audit::recompute(&pool, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_zombie_stores_nothing_once_the_partition_was_taken() {
    let pool = testing::database().await.pool;
    let (mut zombie, mut stale) = owner(&pool).await;
    let (mut heir, mut claims) = owner(&pool).await;
    let error = zombie.write(&mut stale, &delivered(&[enriched(1)], 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Fenced { epoch: 1, .. }), "{error}");
    assert_eq!(error.verdict(), tocsin_stream::Verdict::Halt);
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 0);
    heir.write(&mut claims, &delivered(&[enriched(1)], 0)).await.unwrap();
    let error = zombie.write(&mut stale, &delivered(&[enriched(2)], 0)).await.unwrap_err();
    assert!(error.to_string().contains("epoch 2 at offset 1"), "{error}");
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 1);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_recognised() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    let mut unaware = claims.clone();
    let items = delivered(&[enriched(1), enriched(2)], 0);
    writer.write(&mut claims, &items).await.unwrap();
    assert_eq!(writer.write(&mut unaware, &items).await.unwrap(), Outcome::default());
    assert_eq!(unaware, claims);
    let next = writer.write(&mut unaware, &delivered(&[enriched(3)], 2)).await.unwrap();
    assert_eq!(next.stored, 1);
}

#[tokio::test]
async fn a_corrected_article_is_kept_and_counted_once() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    let first = writer.write(&mut claims, &delivered(&[enriched(1), revised(1, "b")], 0)).await.unwrap();
    assert_eq!(first, Outcome { stored: 1, corrections: 1, duplicates: 0, deletions: 0 });
    let again = [revised(1, "b"), revised(1, "c"), enriched(1)];
    let second = writer.write(&mut claims, &delivered(&again, 2)).await.unwrap();
    assert_eq!(second, Outcome { stored: 0, corrections: 1, duplicates: 2, deletions: 0 });
    assert_eq!(count(&pool, "SELECT count(*) FROM report.documents WHERE title = 'Title 1'").await, 1);
    let chain =
        "SELECT count(*) FROM report.corrections WHERE (replaces, revision) IN (('a', 'b'), ('b', 'c'))";
    assert_eq!(count(&pool, chain).await, 2);
    assert_eq!(count(&pool, "SELECT n_docs FROM report.trend_daily WHERE subject = 'entity:svb'").await, 1);
}

#[tokio::test]
async fn a_text_that_comes_back_after_another_is_a_correction_again() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    let later = |revision: &str, minutes: i64| {
        let mut again = revised(1, revision);
        again.document.fetched_at += chrono::TimeDelta::minutes(minutes);
        again
    };
    let texts = [enriched(1), later("b", 1), later("a", 2)];
    let outcome = writer.write(&mut claims, &delivered(&texts, 0)).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 1, corrections: 2, duplicates: 0, deletions: 0 });
    // Delivered again, one by one and in another order, and then once more another text.
    for (offset, text) in [later("a", 2), enriched(1), later("b", 1), later("a", 3)].into_iter().enumerate() {
        let outcome = writer.write(&mut claims, &delivered(&[text], 3 + offset as i64)).await.unwrap();
        assert_eq!((outcome.corrections, outcome.duplicates), (0, 1));
    }
    assert_eq!(writer.write(&mut claims, &delivered(&[later("b", 4)], 7)).await.unwrap().corrections, 1);
    let now =
        "SELECT count(*) FROM (SELECT revision FROM report.corrections ORDER BY fetched_at DESC LIMIT 1) c
         WHERE revision = 'b'";
    assert_eq!(count(&pool, now).await, 1);
}

#[tokio::test]
async fn what_was_taken_back_is_erased_and_stays_counted() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    let gone = taken_back(1, SourceKind::News);
    let items = [delivered(&[enriched(1), revised(1, "b"), enriched(2)], 0), vec![buried(&gone, 3)]].concat();
    let outcome = writer.write(&mut claims, &items).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 2, corrections: 1, duplicates: 0, deletions: 1 });
    let again = [vec![buried(&gone, 4)], delivered(&[enriched(1), revised(1, "b")], 5)].concat();
    let outcome = writer.write(&mut claims, &again).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 0, corrections: 0, duplicates: 2, deletions: 0 });

    let erased = "SELECT count(*) FROM report.documents JOIN report.deletions USING (doc_id)
         WHERE title = '' AND body = '' AND url IS NULL AND author_hash IS NULL AND label = 'negative'";
    assert_eq!(count(&pool, erased).await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM report.documents WHERE title = 'Title 2'").await, 1);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM report.corrections WHERE title = '' AND body = ''").await,
        1
    );
    let svb = "SELECT sum(n_docs)::bigint FROM store.trend_hourly WHERE subject_id = 'svb'";
    assert_eq!(count(&pool, svb).await, 2);
    assert_eq!(audit::recompute(&pool, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_text_that_is_shown_again_stays_and_kinds_that_are_not_listed_are_only_noted() {
    let pool = testing::database().await.pool;
    let mut writer = Writer { erase_deleted: vec![SourceKind::Social], ..writer(&pool) };
    let mut claims = Claims::from([(at(0), writer.claim(&at(0)).await.unwrap())]);
    let shown_again = {
        let mut again = revised(1, "b");
        again.document.fetched_at = taken_back(1, SourceKind::Social).deleted_at + chrono::Duration::hours(1);
        again
    };
    let items = [
        delivered(&[enriched(1), enriched(2)], 0),
        vec![buried(&taken_back(1, SourceKind::Social), 2), buried(&taken_back(2, SourceKind::News), 3)],
        delivered(&[shown_again], 4),
    ];
    assert_eq!(writer.write(&mut claims, &items.concat()).await.unwrap().deletions, 2);
    assert_eq!(count(&pool, "SELECT count(*) FROM report.documents WHERE title = ''").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM report.corrections WHERE title <> ''").await, 1);
    let noted = "SELECT count(*) FROM report.deletions WHERE is_erased = (source_kind = 'social')";
    assert_eq!(count(&pool, noted).await, 2);
}

#[tokio::test]
async fn a_document_lies_in_the_month_it_was_first_seen() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    let mut last = enriched(1);
    last.document.first_seen_at = "2023-03-31T23:59:59.999999Z".parse().unwrap();
    let mut next = enriched(2);
    next.document.first_seen_at = "2023-04-01T00:00:00Z".parse().unwrap();
    writer.write(&mut claims, &delivered(&[last, next], 0)).await.unwrap();
    for table in ["document_y2023m03", "document_y2023m04", "mention_y2023m03", "mention_y2023m04"] {
        let rows: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM store.{table}")))
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(rows, 1, "{table}");
    }
}

#[tokio::test]
async fn a_month_that_was_dropped_takes_documents_again() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    writer.write(&mut claims, &delivered(&[enriched(1)], 0)).await.unwrap();
    sqlx::query("DROP TABLE store.document_y2023m03, store.mention_y2023m03").execute(&pool).await.unwrap();
    let outcome = writer.write(&mut claims, &delivered(&[enriched(2)], 1)).await.unwrap();
    assert_eq!(outcome.stored, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM store.mention").await, 1);
}

#[tokio::test]
async fn a_month_that_cannot_be_made_now_is_made_later_and_holds_nothing_up() {
    let pool = testing::database().await.pool;
    let mut writer = Writer { statement_timeout: Duration::from_millis(200), ..writer(&pool) };
    let mut claims = Claims::from([(at(0), writer.claim(&at(0)).await.unwrap())]);
    let items = delivered(&[enriched(1)], 0);
    let mut other = pool.begin().await.unwrap();
    let lock = "LOCK TABLE store.document IN SHARE UPDATE EXCLUSIVE MODE";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    let attempt = writer.write(&mut claims, &items);
    let error = tokio::time::timeout(Duration::from_secs(20), attempt).await.unwrap().unwrap_err();
    assert_eq!(error.verdict(), tocsin_stream::Verdict::Retry, "{error}");
    other.rollback().await.unwrap();
    // To make a month may take longer than to give up waiting for it.
    writer.statement_timeout = StoreConfig::default().statement_timeout;
    assert_eq!(writer.write(&mut claims, &items).await.unwrap().stored, 1);
}

#[tokio::test]
async fn the_row_holds_what_the_message_said() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    writer.write(&mut claims, &delivered(&[enriched(1)], 0)).await.unwrap();
    type Document = (String, Vec<String>, Vec<f32>, Vec<String>, f32, DateTime<Utc>, DateTime<Utc>);
    let row: Document = sqlx::query_as(
        "SELECT doc_id, topics, topic_p, risk_events, sentiment, event_time, stored_at FROM report.documents",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let sent = enriched(1);
    let expected = (
        sent.document.id.to_string(),
        vec!["financials".to_owned(), "markets".to_owned()],
        vec![0.9, 0.625],
        vec!["liquidity".to_owned()],
        -0.6,
        sent.document.event_time(),
        start(),
    );
    assert_eq!(row, expected);
    let entity: (String, Vec<String>, i64, i16) = sqlx::query_as(
        "SELECT e.name, e.symbols, m.first_mention, m.relevance
         FROM report.mentions m JOIN report.entities e USING (entity_id)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(entity, ("SVB".into(), vec!["NASDAQ:svb".into(), "LSE:svb".into()], 3, 90));
}

#[tokio::test]
async fn the_audit_finds_a_count_that_was_tampered_with() {
    let pool = testing::database().await.pool;
    let (mut writer, mut claims) = owner(&pool).await;
    writer.write(&mut claims, &delivered(&[enriched(1)], 0)).await.unwrap();
    sqlx::query("UPDATE store.trend_hourly SET negative = 7 WHERE subject_id = 'svb'")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM store.trend_daily WHERE subject_id = 'markets'").execute(&pool).await.unwrap();
    let found = audit::recompute(&pool, None).await.unwrap();
    let named: Vec<_> = found.iter().map(|d| (d.table, d.subject.as_str(), d.found.is_some())).collect();
    assert_eq!(named, [("trend_hourly", "entity:svb", true), ("trend_daily", "topic:markets", false)]);
    let later = start() + chrono::Duration::days(2);
    assert_eq!(audit::recompute(&pool, Some(later)).await.unwrap(), []);
}

/// (document, revision, hours after the start, score in hundredths, abstain)
type Draw = (u64, u8, u8, i8, bool);

fn drawn((n, revision, hours, score, abstain): Draw) -> tocsin_contract::Enriched {
    let mut enriched = revised(n, &format!("r{revision}"));
    enriched.document.first_seen_at += chrono::Duration::hours(i64::from(hours));
    enriched.document.published_at = None;
    enriched.sentiment = crate::samples::sentiment(f32::from(score) / 100.0);
    enriched.entities[0].sentiment = crate::samples::sentiment(f32::from(score) / 300.0);
    enriched.entities[0].sentiment.abstain = abstain;
    enriched
}

#[test]
fn rollups_equal_the_rows_whatever_is_delivered_how_often() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let draw = (0u64..12, 0u8..3, 0u8..40, -60i8..60, any::<bool>());
    let batches = prop::collection::vec(prop::collection::vec(draw, 1..25), 1..5);
    let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
    let result = runner.run(&batches, |batches| {
        runtime.block_on(async {
            let pool = testing::database().await.pool;
            let (mut writer, mut claims) = owner(&pool).await;
            let (mut total, mut sent) = (Outcome::default(), 0);
            for batch in &batches {
                let documents: Vec<_> = batch.iter().copied().map(drawn).collect();
                // Once, and again by an instance that did not hear of it.
                for _ in 0..2 {
                    let from = claims[&at(0)].next_offset;
                    total += writer.write(&mut claims, &delivered(&documents, from)).await.unwrap();
                    sent += documents.len() as u64;
                }
            }
            let distinct: std::collections::HashSet<_> = batches.iter().flatten().map(|d| d.0).collect();
            let revisions: std::collections::HashSet<_> =
                batches.iter().flatten().map(|d| (d.0, d.1)).collect();
            prop_assert_eq!(total.stored, distinct.len() as u64);
            prop_assert_eq!(total.corrections, (revisions.len() - distinct.len()) as u64);
            prop_assert_eq!(total.stored + total.corrections + total.duplicates, sent);
            prop_assert_eq!(audit::recompute(&pool, None).await.unwrap(), vec![]);
            let rows = count(&pool, "SELECT count(*) FROM store.document").await;
            prop_assert_eq!(rows as u64, total.stored);
            pool.close().await;
            Ok(())
        })
    });
    result.unwrap();
}
