//! Customer feedback in files: they grow, are replaced, are half written, and hold bad rows.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::{Running, World, time, wait_until};
use tempfile::TempDir;
use tocsin_contract::{Document, SourceKind};
use tocsin_ingest::IngestConfig;

fn config(folder: &TempDir, pattern: &str, more: &str) -> IngestConfig {
    let path = folder.path().join(pattern);
    let text = format!(
        "[[sources]]\nid = 'crm'\npath = '{}'\nkind = 'feedback'\nevery = '1m'\n{more}",
        path.display()
    );
    let config: IngestConfig = toml::from_str(&text).unwrap();
    config.check().unwrap();
    config
}

fn append(path: &Path, text: &str) {
    std::fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn bodies(documents: &[Document]) -> Vec<&str> {
    let mut bodies: Vec<&str> = documents.iter().map(|document| document.body.as_str()).collect();
    bodies.sort_unstable();
    bodies
}

const COLUMNS: &str = "[sources.columns]\nid = 'Ticket'\ntext = 'Comment'\ncreated_at = 'Date'\n\
                       time_format = '%d.%m.%Y %H:%M'\nauthor = 'Mail'\ndeleted = 'Gone'\n[sources.file]\ndelimiter = ';'\n";

#[tokio::test]
async fn rows_are_taken_in_once_as_files_grow_and_across_a_restart() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let (first, second) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    append(
        &first,
        "Ticket;Comment;Date;Mail;Gone\n1;App crashes;10.03.2023 15:30;jo@e.com;\n2;银行卡被冻结;10.03.2023 15:31;;\n",
    );
    let config = config(&folder, "*.csv", &format!("format = 'csv'\n{COLUMNS}"));
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    assert_eq!(bodies(&documents), ["App crashes", "银行卡被冻结"]);
    let crash = documents.iter().find(|document| document.body == "App crashes").unwrap();
    assert_eq!(
        (crash.source.kind, crash.published_at),
        (SourceKind::Feedback, Some(time("2023-03-10T15:30:00Z")))
    );
    assert!(crash.author_hash.is_some());
    append(&first, "3;Refund takes weeks;10.03.2023 15:40;;\n4;half a ro");
    append(&second, "Ticket;Comment;Date;Mail;Gone\n5;Of another file;10.03.2023 15:41;;\n");
    world.wait_for_documents_as_time_passes(4, 61).await;
    running.stop().await;
    append(&first, "w;10.03.2023 15:42;;\n2;银行卡解冻了;10.03.2023 15:31;;\n");
    let running = world.start(&config).await;
    let documents = world.wait_for_documents_as_time_passes(6, 61).await;
    running.stop().await;
    let expected = [
        "App crashes",
        "Of another file",
        "Refund takes weeks",
        "half a row",
        "银行卡被冻结",
        "银行卡解冻了",
    ];
    assert_eq!(bodies(&documents), expected);
    let read: Vec<(i64, i64)> = sqlx::query_as("SELECT read_bytes, size_bytes FROM report.crawl_files")
        .fetch_all(&world.database.pool)
        .await
        .unwrap();
    assert!(read.len() == 2 && read.iter().all(|(read, size)| read == size), "{read:?}");
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_anew_and_nothing_twice() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let path = folder.path().join("export.ndjson");
    let row = |id: u32| {
        format!("{{\"id\":{id},\"text\":\"Complaint {id}\",\"created_at\":\"2023-03-10T15:30:00Z\"}}\n")
    };
    append(&path, &format!("{}{}", row(1), row(2)));
    let running = world.start(&config(&folder, "export.ndjson", "format = 'ndjson'")).await;
    world.wait_for_documents(2).await;
    let mut daily = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
    daily.write_all(format!("{}{}{}", row(3), row(2), row(1)).as_bytes()).unwrap();
    daily.persist(&path).unwrap();
    let documents = world.wait_for_documents_as_time_passes(3, 61).await;
    running.stop().await;
    assert_eq!(bodies(&documents), ["Complaint 1", "Complaint 2", "Complaint 3"]);
}

#[tokio::test]
async fn a_bad_row_is_parked_with_file_and_line_and_counted() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    append(
        &folder.path().join("a.csv"),
        "id,text,created_at\n1,good,2023-03-10T15:30:00Z\n2,bad,yesterday\n3\n4,good too,2023-03-10\n",
    );
    let running = world.start(&config(&folder, "a.csv", "format = 'csv'")).await;
    let documents = world.wait_for_documents(2).await;
    assert_eq!(bodies(&documents), ["good", "good too"]);
    running.stop().await;
    let bad: Vec<(String, String)> =
        sqlx::query_as("SELECT reason, place FROM report.crawl_items WHERE fate = 'failed' ORDER BY place")
            .fetch_all(&world.database.pool)
            .await
            .unwrap();
    let place = |line: u32| format!("{}:{line}", folder.path().join("a.csv").display());
    let expected = [
        ("no usable \"created_at\"".to_owned(), place(3)),
        ("another number of fields than in the header".to_owned(), place(4)),
    ];
    assert_eq!(bad, expected);
    let (seen, failed, pending): (i64, i64, i64) =
        sqlx::query_as("SELECT seen, failed, pending FROM report.crawl_hours")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
    assert_eq!((seen, failed, pending), (4, 2, 0));
}

#[tokio::test]
async fn a_row_that_is_withdrawn_is_told_on_the_bus() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let path = folder.path().join("a.csv");
    append(&path, "Ticket;Comment;Date;Mail;Gone\n1;App crashes;10.03.2023 15:30;;\n");
    let running = world.start(&config(&folder, "a.csv", &format!("format = 'csv'\n{COLUMNS}"))).await;
    let documents = world.wait_for_documents(1).await;
    append(&path, "1;;;;yes\n");
    wait_until("the bus is told", async || {
        world.pass(61);
        world.tombstones().await.len() == 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.tombstones().await[0].id, documents[0].id);
}

#[tokio::test]
async fn two_machines_read_their_own_files_though_the_paths_are_alike() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    append(&folder.path().join("a.csv"), "id,text\n1,hello\n");
    let named = |instance: &str, id: &str| {
        let mut config = config(&folder, "a.csv", "format = 'csv'");
        (config.instance, config.sources[0].id) = (instance.to_owned(), id.to_owned());
        config
    };
    let first = world.start(&named("north", "crm-north")).await;
    let second = world.start(&named("south", "crm-south")).await;
    let documents = world.wait_for_documents(2).await;
    let mut sources: Vec<&str> = documents.iter().map(|document| document.source.id.as_str()).collect();
    sources.sort_unstable();
    assert_eq!(sources, ["crm-north", "crm-south"]);
    first.stop().await;
    second.stop().await;
}

async fn last_error(world: &World) -> Option<String> {
    sqlx::query_scalar("SELECT last_error FROM report.sources WHERE source_id = 'crm'")
        .fetch_optional(&world.database.pool)
        .await
        .unwrap()
        .flatten()
}

async fn fails(world: &World, running: Running, told: &[&str]) {
    wait_until("the fault is told", async || {
        let error = last_error(world).await.unwrap_or_default();
        told.iter().all(|part| error.contains(part))
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_so_and_is_tried_again() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let (config, path) = (config(&folder, "a.csv", "format = 'csv'"), folder.path().join("a.csv"));
    fails(&world, world.start(&config).await, &["a.csv", "No such file"]).await;
    append(&path, "id,id\n");
    world.pass(3600);
    fails(&world, world.start(&config).await, &["a.csv", "line 1", "two columns"]).await;
    std::fs::write(&path, "id,text\n1,at last").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    world.pass(3600);
    let running = world.start(&config).await;
    assert_eq!(bodies(&world.wait_for_documents(1).await), ["at last"], "the last row of a file that rests");
    running.stop().await;
    assert_eq!(last_error(&world).await, None);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_holds_up_no_other() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let at = |name: &str| folder.path().join(name);
    append(&at("a.csv"), "id,id\n1,2\n");
    std::os::unix::fs::symlink(at("gone"), at("b.csv")).unwrap();
    append(&at("c.csv"), "id,text\n1,first\n");
    let running = world.start(&config(&folder, "*.csv", "format = 'csv'")).await;
    world.wait_for_documents(1).await;
    append(&at("c.csv"), "2,second\n");
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    assert_eq!(bodies(&documents), ["first", "second"]);
    fails(&world, running, &["a.csv", "line 1", "two columns"]).await;
    append(&at("gone"), "id,text\n3,third\n");
    std::fs::remove_file(at("a.csv")).unwrap();
    let running = world.start(&config(&folder, "*.csv", "format = 'csv'")).await;
    world.wait_for_documents_as_time_passes(3, 61).await;
    running.stop().await;
    assert_eq!(last_error(&world).await, None);
}

#[tokio::test]
async fn the_rows_before_a_quote_that_nobody_closes_are_taken_in() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new().await);
    let open = format!("id,text\n1,before\n2,\"{}", "x".repeat(3 << 20));
    append(&folder.path().join("a.csv"), &open);
    let running = world.start(&config(&folder, "a.csv", "format = 'csv'")).await;
    assert_eq!(bodies(&world.wait_for_documents(1).await), ["before"]);
    fails(&world, running, &["a.csv", "line 3", "2 MiB"]).await;
}
