//! Schema `report` as an analyst meets it: what may be read, and the edges of
//! `report.trend`. Rows come straight from SQL; how they get there is tested beside
//! the writer.

use sqlx::{Connection, PgConnection, PgPool};
use tocsin_runtime::database::testing;

/// Two shards of the same day, and a second hour.
async fn with_counts() -> PgPool {
    let pool = testing::database().await.pool;
    for (table, bucket, shard) in [
        ("trend_hourly", "2023-03-10 09:00+00", 0),
        ("trend_hourly", "2023-03-10 09:00+00", 1),
        ("trend_hourly", "2023-03-10 12:00+00", 0),
        ("trend_daily", "2023-03-10 00:00+00", 0),
        ("trend_daily", "2023-03-10 00:00+00", 1),
    ] {
        let insert = format!(
            "INSERT INTO store.{table} VALUES
             ('entity', 'svb', '{bucket}', 'news', 'en', {shard}, 4, 3, 0, 1, 0, -2000000, 100, -100000000)"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&pool).await.expect("insert counts");
    }
    pool
}

type Bucket = (String, i64, Option<f64>, Option<f64>, Option<f64>);

async fn trend(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
    bucket: &str,
) -> Result<Vec<Bucket>, String> {
    sqlx::query_as(
        "SELECT to_char(bucket_start AT TIME ZONE 'UTC', 'MM-DD HH24'), n_docs, mean, relevance_weighted_mean,
                neg_share
         FROM report.trend('entity:svb', $1::timestamptz, $2::timestamptz, $3::interval)",
    )
    .bind(from)
    .bind(to)
    .bind(bucket)
    .fetch_all(connection)
    .await
    .map_err(|error| error.to_string())
}

async fn analyst(pool: &PgPool) -> PgConnection {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await.expect("connect");
    sqlx::query("SET ROLE analyst").execute(&mut connection).await.expect("become analyst");
    connection
}

#[tokio::test]
async fn shards_are_summed_and_an_empty_hour_has_no_mean() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    let rows = trend(&mut connection, "2023-03-10 09:00Z", "2023-03-10 11:00Z", "1 hour").await.unwrap();
    let full = ("03-10 09".to_owned(), 8, Some(-0.5), Some(-1.0), Some(0.75));
    assert_eq!(rows, [full, ("03-10 10".to_owned(), 0, None, None, None)]);
}

#[tokio::test]
async fn a_bucket_that_is_touched_is_shown_whole() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    let rows = trend(&mut connection, "2023-03-10 09:59Z", "2023-03-10 12:01Z", "2 hours").await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1)).collect();
    assert_eq!(shown, [("03-10 08", 8), ("03-10 10", 0), ("03-10 12", 4)]);
}

#[tokio::test]
async fn days_are_days_of_utc_across_a_change_of_daylight_saving() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    sqlx::query("SET TIME ZONE 'America/New_York'").execute(&mut connection).await.unwrap();
    let rows = trend(&mut connection, "2023-03-10Z", "2023-03-14Z", "1 day").await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1)).collect();
    assert_eq!(shown, [("03-10 00", 8), ("03-11 00", 0), ("03-12 00", 0), ("03-13 00", 0)]);
}

#[tokio::test]
async fn an_empty_range_has_no_rows() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    assert_eq!(trend(&mut connection, "2023-03-10 09:00Z", "2023-03-10 09:00Z", "1 hour").await, Ok(vec![]));
    assert_eq!(trend(&mut connection, "2023-03-11Z", "2023-03-10Z", "1 hour").await, Ok(vec![]));
}

#[tokio::test]
async fn a_bucket_that_hours_cannot_give_is_refused() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    for bucket in ["30 min", "90 min", "1 month", "0", "-1 hour"] {
        let error = trend(&mut connection, "2023-03-10Z", "2023-03-11Z", bucket).await.unwrap_err();
        assert!(error.contains("whole number of hours"), "{bucket}: {error}");
    }
    let subject = "SELECT count(*) FROM report.trend('svb', now(), now())";
    let error = sqlx::query(subject).execute(&mut connection).await.unwrap_err().to_string();
    assert!(error.contains("entity:ID"), "{error}");
}

#[tokio::test]
async fn an_analyst_reads_report_and_nothing_below() {
    let pool = with_counts().await;
    let mut connection = analyst(&pool).await;
    let views: Vec<String> =
        sqlx::query_scalar("SELECT viewname::text FROM pg_views WHERE schemaname = 'report' ORDER BY 1")
            .fetch_all(&pool)
            .await
            .unwrap();
    for view in ["documents", "entities", "mentions", "trend_daily", "trend_hourly"] {
        assert!(views.iter().any(|known| known == view), "{view} is missing in {views:?}");
    }
    for view in views {
        let select = sqlx::AssertSqlSafe(format!("SELECT * FROM report.{view}"));
        sqlx::query(select).execute(&mut connection).await.unwrap();
    }
    for forbidden in [
        "SELECT count(*) FROM store.document",
        "SELECT store.ensure_month(now())",
        "DELETE FROM report.documents",
        "CREATE TABLE report.mine (x int)",
    ] {
        let error = sqlx::query(forbidden).execute(&mut connection).await;
        assert!(error.unwrap_err().to_string().contains("permission denied"), "{forbidden}");
    }
}

#[tokio::test]
async fn every_view_says_what_a_row_of_it_is() {
    let pool = testing::database().await.pool;
    let silent: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v'
           AND obj_description(c.oid, 'pg_class') IS NULL",
    )
    .fetch_all(&mut analyst(&pool).await)
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
}
