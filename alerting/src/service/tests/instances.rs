//! Several instances, and partitions that change hands while signals flow.

use std::ops::Range;
use std::time::Instant;

use super::*;

const PARTITIONS: u32 = 4;

/// The records of each partition: one subject each.
fn logs() -> Vec<Vec<Vec<u8>>> {
    (0..PARTITIONS).map(|n| encoded(&records_about(&format!("bank{n}")))).collect()
}

/// Sends the records of this `part` of every log.
async fn send_part(bus: &Bus, logs: &[Vec<Vec<u8>>], part: Range<usize>) {
    let mut batch = Vec::new();
    for (partition, log) in (0..).zip(logs) {
        let values = log.iter().skip(part.start).take(part.len());
        batch.extend(values.map(|value| outgoing(partition, value.clone())));
    }
    bus.producer().await.unwrap().send(batch).await.unwrap();
}

/// What one instance alerts that is never disturbed.
async fn alerts_of_one(config: &AlertingConfig, logs: &[Vec<Vec<u8>>]) -> Vec<String> {
    let TestDatabase { pool, .. } = database().await;
    let bus = bus_with(&pool, PARTITIONS).await;
    send_part(&bus, logs, 0..logs[0].len()).await;
    run_until_settled(config, &bus, &pool).await;
    let alerts = messages(&pool).await.unwrap();
    let rings = |n: u32| alerts.iter().any(|alert| alert.contains(&format!("bank{n}")));
    assert!((0..PARTITIONS).all(rings), "{alerts:?}");
    alerts
}

async fn until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !question().await {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

async fn readers(pool: &PgPool) -> i64 {
    count(pool, "SELECT count(DISTINCT member) FROM stream.cursor WHERE grp = 'alerting'").await
}

/// As when another instance has claimed partition 1 before the bus says that it changed hands.
async fn claim_for_an_heir(pool: &PgPool) {
    let claim = "UPDATE alerting.consumer_offset SET epoch = epoch + 1 WHERE partition = 1";
    sqlx::query(claim).execute(pool).await.unwrap();
}

fn quick() -> AlertingConfig {
    AlertingConfig { flush_every: Duration::from_millis(50), ..AlertingConfig::default() }
}

#[tokio::test]
async fn two_instances_share_the_partitions_and_alert_like_one() {
    let (logs, config) = (logs(), AlertingConfig { flush_records: 50, ..quick() });
    let expected = alerts_of_one(&config, &logs).await;
    let TestDatabase { pool, .. } = database().await;
    let bus = bus_with(&pool, PARTITIONS).await;
    let mut parts = (0..logs[0].len()).step_by(10).map(|start| start..start + 10);
    // Signals flow on, part by part, whatever is waited for.
    let mut flow = async || {
        if let Some(part) = parts.next() {
            send_part(&bus, &logs, part).await;
        }
    };
    let first = start(&config, &bus, &pool);
    until("reading alone", async || {
        flow().await;
        count(&pool, "SELECT count(*) FROM alerting.consumer_offset WHERE next_offset > 0").await == 4
    })
    .await;
    let second = start(&config, &bus, &pool);
    until("reading by two", async || {
        flow().await;
        readers(&pool).await == 2
    })
    .await;
    first.request();
    until("reading by the one that is left", async || {
        flow().await;
        readers(&pool).await == 1
    })
    .await;
    end(&first).await;
    for _ in 0..logs[0].len() {
        flow().await;
    }
    until_settled(&bus, &pool).await;
    end(&second).await;
    assert_eq!(messages(&pool).await.unwrap(), expected);
}

#[tokio::test]
async fn a_partition_that_its_heir_claimed_first_is_set_aside_until_the_bus_says_so() {
    let (logs, config) = (logs(), quick());
    let expected = alerts_of_one(&config, &logs).await;
    let TestDatabase { pool, .. } = database().await;
    let bus = bus_with(&pool, PARTITIONS).await;
    let instance = start(&config, &bus, &pool);
    let half = logs[0].len() / 2;
    send_part(&bus, &logs, 0..half).await;
    until_settled(&bus, &pool).await;
    let stands = "SELECT next_offset FROM alerting.consumer_offset WHERE partition = 1";
    let before = count(&pool, stands).await;

    claim_for_an_heir(&pool).await;
    // Few, so that all that follows comes long before the instance takes itself for a zombie.
    send_part(&bus, &logs, half..half + 50).await;
    until("reading the other partitions", async || {
        assert!(!instance.is_requested(), "it ended");
        bus.lag(GROUP, topics::SIGNALS).await.unwrap() == 50
    })
    .await;
    assert_eq!(count(&pool, stands).await, before, "what is another's is not written");

    // Taken from this instance, and given back at its next heartbeat.
    let lost = "UPDATE stream.cursor SET member = NULL WHERE grp = 'alerting' AND partition = 1";
    sqlx::query(lost).execute(&pool).await.unwrap();
    send_part(&bus, &logs, half + 50..logs[0].len()).await;
    until_settled(&bus, &pool).await;
    end(&instance).await;
    assert_eq!(messages(&pool).await.unwrap(), expected);
}

#[tokio::test]
async fn an_instance_that_never_hears_that_its_partition_is_another_s_ends_with_the_reason() {
    let (logs, config) = (logs(), quick());
    let TestDatabase { pool, .. } = database().await;
    let bus = bus_with(&pool, PARTITIONS).await;
    let instance = start(&config, &bus, &pool);
    send_part(&bus, &logs, 0..10).await;
    until_settled(&bus, &pool).await;
    claim_for_an_heir(&pool).await;
    send_part(&bus, &logs, 10..20).await;
    let ended = instance.drained(PATIENCE).await;
    let Drained::Failed(_, reason) = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("the right to write signals/1 was lost"), "{reason}");
}
