//! A replay ends the same on either bus, at any speed, and after a kill -9.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod news;
mod real;
#[path = "../support/mod.rs"]
mod support;
mod traces;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use news::{as_lines, news_stream};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use support::tocsin;
use tempfile::TempDir;
use tocsin_runtime::database::testing::{TestDatabase, database};
use tocsin_stream::testing::KafkaBroker;
use traces::{Traces, summary};

/// A written stream in a file, a database of its own, and a place for the alerts.
struct Scene {
    folder: TempDir,
    database: TestDatabase,
    brokers: String,
}

impl Scene {
    async fn on(brokers: &str) -> Self {
        Self::of(&as_lines(&news_stream()), brokers).await
    }

    async fn of(lines: &str, brokers: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("news.jsonl"), lines).unwrap();
        Self { folder, database: database().await, brokers: brokers.to_owned() }
    }

    fn alerts(&self) -> PathBuf {
        self.folder.path().join("alerts.jsonl")
    }

    fn replay(&self) -> Command {
        let mut command = tocsin();
        command
            .arg("replay")
            .arg(self.folder.path().join("news.jsonl"))
            .arg("--alerts")
            .arg(self.alerts())
            .env("TOCSIN_DATABASE__URL", self.database.url.expose_secret())
            .env("TOCSIN_STREAM__BROKERS", &self.brokers);
        command
    }

    async fn traces(&self) -> Traces {
        Traces::take(&self.database.pool, &self.alerts()).await
    }
}

#[tokio::test]
async fn a_replay_ends_alike_on_both_buses_and_after_a_kill() {
    let calm = Scene::on("embedded").await;
    let read = summary(&calm.replay().output().unwrap());
    let expected = calm.traces().await;
    assert_eq!(read["stored"], news_stream().len());
    assert_eq!(read["duplicates"], 0);
    assert_surge_of_the_bank(&expected);

    let broker = KafkaBroker::start().await;
    let kafka = Scene::on(&broker.bootstrap()).await;
    summary(&kafka.replay().output().unwrap());
    assert_eq!(kafka.traces().await, expected, "Apache Kafka and the embedded bus differ");

    let killed = Scene::on("embedded").await;
    // Three days take half a minute here, so that the end is far when the first documents are stored.
    let before = kill_midway(&killed, &["--speed", "9000"], 20).await;
    summary(&killed.replay().output().unwrap());
    let after = killed.traces().await;
    assert!(before > 0 && before < after.documents, "killed at {before} documents: not midway");
    assert_eq!(after, expected, "a kill -9 after {before} documents changed the outcome");
}

fn assert_surge_of_the_bank(traces: &Traces) {
    let opened = traces
        .alerts
        .lines()
        .find(|line| line.contains(r#""state":"open""#) && line.contains("harrowgate_bank"));
    let opened = opened.unwrap_or_else(|| panic!("no alert for the bank in:\n{}", traces.alerts));
    assert!(opened.contains("2024-05-08T02") || opened.contains("2024-05-08T03"), "{opened}");
}

/// Kills the replay, run with `flags`, once more than `rows` documents are stored; returns how many.
async fn kill_midway(scene: &Scene, flags: &[&str], rows: i64) -> i64 {
    let mut command = scene.replay();
    let mut child = command.args(flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let stored = wait_for_rows(&scene.database.pool, &mut child, rows).await;
    child.kill().unwrap();
    child.wait().unwrap();
    stored
}

async fn wait_for_rows(pool: &PgPool, child: &mut Child, rows: i64) -> i64 {
    let patience = Instant::now() + Duration::from_secs(120.max(rows.unsigned_abs()));
    loop {
        let stored: i64 =
            sqlx::query_scalar("SELECT count(*) FROM report.documents").fetch_one(pool).await.unwrap();
        if stored > rows {
            return stored;
        }
        assert!(child.try_wait().unwrap().is_none(), "the replay ended before it could be killed");
        assert!(Instant::now() < patience, "only {stored} documents stored");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_replay_calls_the_configured_webhooks_unless_it_is_told_not_to() {
    for (flag, is_called) in [("--no-webhooks", false), ("--max", true)] {
        let scene = Scene::on("embedded").await;
        let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = scene.folder.path().join("tocsin.toml");
        let text = format!(
            "[alerting]\nallow = [\"127.0.0.1\"]\ndelivery_timeout = \"1s\"\n[[alerting.webhooks]]\nname = \"desk\"\n\
             url = \"http://{}/hook\"\nsecret = \"whsec_dG9jc2luLWRlbW8tc2VjcmV0LW9uLWxvb3BiYWNr\"\n",
            receiver.local_addr().unwrap()
        );
        std::fs::write(&config, text).unwrap();
        receiver.set_nonblocking(true).unwrap();
        summary(&scene.replay().arg("--config").arg(&config).arg(flag).output().unwrap());
        assert_surge_of_the_bank(&scene.traces().await);
        let deliveries: i64 = sqlx::query_scalar("SELECT count(*) FROM report.deliveries")
            .fetch_one(&scene.database.pool)
            .await
            .unwrap();
        assert_eq!(deliveries > 0, is_called, "{flag}: {deliveries}");
        assert!(is_called || receiver.accept().is_err(), "nobody was called");
    }
}

#[tokio::test]
async fn bad_lines_are_parked_with_their_place_and_copies_are_counted() {
    let scene = Scene::on("embedded").await;
    let items = news_stream();
    let good = as_lines(&items[..3]);
    let text = format!("{good}{{\"oops\": 1}}\nnot json\n{}", as_lines(&items[..1]));
    std::fs::write(scene.folder.path().join("news.jsonl"), text).unwrap();

    let read = summary(&scene.replay().output().unwrap());
    assert_eq!((&read["read"], &read["published"]), (&6.into(), &4.into()));
    assert_eq!((&read["stored"], &read["duplicates"], &read["parked"]), (&3.into(), &1.into(), &2.into()));
    let causes = parked_causes(&scene.database.pool).await;
    assert!(causes.iter().any(|cause| cause.contains("news.jsonl line 4")), "{causes:?}");
    assert!(causes.iter().any(|cause| cause.contains("news.jsonl line 5")), "{causes:?}");
}

async fn parked_causes(pool: &PgPool) -> Vec<String> {
    let (brokers, kafka) = ("embedded".to_owned(), Default::default());
    let config = tocsin_stream::StreamConfig { brokers, kafka, ..Default::default() };
    let bus = tocsin_stream::Bus::connect(&config, Some(pool.clone())).await.unwrap();
    let topic = tocsin_contract::topics::parked("documents.raw");
    let mut consumer = bus.consumer("test", &[&topic], Default::default()).await.unwrap();
    let mut causes = Vec::new();
    while causes.len() < 2 {
        if let tocsin_stream::Delivery::Records(records) =
            consumer.poll(Duration::from_secs(1)).await.unwrap()
        {
            let headers = records.into_iter().flat_map(|record| record.headers);
            let cause = headers.filter(|(name, _)| name == "parked-cause");
            causes.extend(cause.map(|(_, text)| String::from_utf8_lossy(&text).into_owned()));
        }
    }
    consumer.close().await.unwrap();
    causes
}

#[test]
fn a_replay_of_a_missing_file_names_it() {
    let missing = Path::new("/nonexistent/news.jsonl");
    let output = tocsin().arg("replay").arg(missing).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/news.jsonl"));
}

#[test]
fn a_variable_that_is_not_text_does_not_keep_a_replay_from_starting() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = tocsin()
        .arg("replay")
        .arg(file.path())
        .env("SOMETHING", OsStr::from_bytes(b"\xff"))
        .env("TMPDIR", "/nonexistent")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("make a folder for the throw-away database"), "{stderr}");
}

#[test]
fn a_replay_of_a_folder_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let output = tocsin().arg("replay").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&format!("cannot read {}: is a directory", folder.path().display())), "{stderr}");
}
