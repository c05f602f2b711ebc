//! The model folder changes while enrich runs.

use std::path::{Path, PathBuf};

use tocsin_classifier::ClassifierConfig;
use tocsin_runtime::http::record_metrics;

use super::*;
use crate::ModelFolder;

/// A copy of the shipped model that may be changed, and the configuration that names it.
fn copied_model() -> (tempfile::TempDir, ClassifierConfig) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "ngrams.safetensors", "tokenizer.json"] {
        std::fs::copy(root.join("models/tocsin-small").join(name), folder.path().join(name)).unwrap();
    }
    let config = ClassifierConfig {
        model: folder.path().to_owned(),
        taxonomy: root.join("config/taxonomy.toml"),
        entities: vec![root.join("config/entities/demo.toml")],
        threads: 1,
        ..ClassifierConfig::default()
    };
    (folder, config)
}

/// The version of the model that read document `n`, which is published here.
async fn version_that_reads(bus: &Bus, pool: &PgPool, n: usize) -> String {
    let id = document(n).id;
    bus.producer().await.unwrap().send(vec![to_raw(None, &id.to_string(), raw(document(n)))]).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "document {n} was not read in time");
        let query = "SELECT value FROM stream.log WHERE topic = 'documents.enriched'";
        for value in sqlx::query_scalar::<_, Vec<u8>>(query).fetch_all(pool).await.unwrap() {
            let told = DocumentsEnriched::decode(&value).unwrap().into_record();
            if let EnrichedRecord::Document(enriched) = told
                && enriched.document.id == id
            {
                return enriched.model.version;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the metrics page counts something in this series; gives the page.
async fn until_counted(series: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let page = record_metrics().unwrap().render();
        let counted = |line: &str| line.strip_prefix(series).is_some_and(|count| count.trim() != "0");
        if page.lines().any(counted) {
            return page;
        }
        assert!(Instant::now() < deadline, "{series} counted nothing in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_model_takes_over_while_enrich_runs_and_a_half_copied_one_does_not() {
    record_metrics().unwrap();
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    let (copy, config) = copied_model();
    let file = |name: &str| -> PathBuf { copy.path().join(name) };
    let (model, folder) = ModelFolder::open(config).unwrap();
    let settings = EnrichConfig { reload_every: Duration::from_millis(50), ..EnrichConfig::default() };
    let clock = Arc::new(ManualClock::at(seen(0)));
    let shutdown = Shutdown::new();
    let enrich = Enrich::new(settings, Arc::new(model), bus.clone(), clock).renewed_by(folder);
    let watch = shutdown.clone();
    shutdown.spawn("enrich", async move { enrich.run(watch).await });
    let shipped = version_that_reads(&bus, &pool, 1).await;

    let weights = std::fs::read(file("model.safetensors")).unwrap();
    std::fs::write(file("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    until_counted("tocsin_enrich_model_reloads_total{outcome=\"refused\"}").await;
    assert_eq!(version_that_reads(&bus, &pool, 2).await, shipped);

    let text = std::fs::read_to_string(file("config.json")).unwrap();
    let newer = text.replace(&format!("\"version\": \"{shipped}\""), "\"version\": \"9.9.9\"");
    // The weights last: whole beside the older configuration, they are a model that may be taken.
    std::fs::write(file("config.json"), newer).unwrap();
    std::fs::write(file("model.safetensors"), &weights).unwrap();
    let page = until_counted("tocsin_enrich_model_reloads_total{outcome=\"taken\"}").await;
    assert_eq!(version_that_reads(&bus, &pool, 3).await, "9.9.9");

    let table = include_str!("../../../README.md");
    let named: Vec<&str> = table.split('`').filter(|word| word.starts_with("tocsin_enrich_")).collect();
    assert!(named.len() > 10, "{named:?}");
    // The texts tell of no risk, and none is withdrawn.
    let unused = ["tocsin_enrich_risk_events_total", "tocsin_enrich_tombstones_total"];
    for name in named.iter().filter(|name| !unused.contains(name)) {
        assert!(page.contains(*name), "{name} is in the README and not on the page");
    }
    shutdown.request();
    assert_eq!(shutdown.drained(Duration::from_secs(30)).await, tocsin_runtime::shutdown::Drained::Clean);
}
