//! The whole configuration: one section a room.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tocsin_runtime::Refusal;

use crate::args::ConfigArgs;

/// Compiled defaults, then the file, then `TOCSIN_...`, then `--set`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Folder of the private Postgres, where no database is configured.
    pub(crate) data: PathBuf,
    pub(crate) log: tocsin_runtime::telemetry::LogConfig,
    pub(crate) http: tocsin_runtime::http::HttpConfig,
    pub(crate) database: tocsin_runtime::database::DatabaseConfig,
    pub(crate) stream: tocsin_stream::StreamConfig,
    pub(crate) classifier: tocsin_classifier::ClassifierConfig,
    pub(crate) ingest: tocsin_ingest::IngestConfig,
    pub(crate) enrich: tocsin_enrich::EnrichConfig,
    pub(crate) store: tocsin_store::StoreConfig,
    pub(crate) alerting: tocsin_alerting::AlertingConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from(".tocsin"),
            log: Default::default(),
            http: Default::default(),
            database: Default::default(),
            stream: Default::default(),
            classifier: Default::default(),
            ingest: Default::default(),
            enrich: Default::default(),
            store: Default::default(),
            alerting: Default::default(),
        }
    }
}

impl Settings {
    pub(crate) fn load(args: &ConfigArgs) -> anyhow::Result<Self> {
        let overrides =
            args.set.iter().map(|text| parse_override("--set", text)).collect::<Result<_, _>>()?;
        let settings: Self = tocsin_runtime::config::load(args.config.as_deref(), overrides)?;
        settings.check().map_err(Refusal)?;
        Ok(settings)
    }

    /// Whether the operator configured anything: a replay without it is a filter
    /// on a throw-away database.
    pub(crate) fn is_given(args: &ConfigArgs) -> bool {
        let mut names = std::env::vars_os().map(|(name, _)| name);
        args.config.is_some() || names.any(|name| name.to_string_lossy().starts_with("TOCSIN_DATABASE__"))
    }

    fn check(&self) -> Result<(), String> {
        self.log.check()?;
        self.database.check()?;
        self.stream.check()?;
        self.classifier.check()?;
        self.ingest.check()?;
        self.enrich.check()?;
        self.store.check()?;
        self.alerting.check()?;
        // Each holds a connection while its receiver answers.
        let (workers, connections) = (self.alerting.delivery_workers, self.database.max_connections);
        if workers as u64 >= u64::from(connections) {
            return Err(format!(
                "alerting.delivery_workers ({workers}) must be less than database.max_connections ({connections})"
            ));
        }
        Ok(())
    }
}

/// What `KEY=VALUE` behind a flag says; an error names the flag.
pub(crate) fn parse_override(flag: &str, text: &str) -> Result<(String, toml::Value), Refusal> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Refusal(format!("{flag} {text:?} is not of the form KEY=VALUE")))?;
    let value = value.parse::<toml::Value>().unwrap_or_else(|_| toml::Value::String(value.to_owned()));
    Ok((key.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_a_toml_value_or_else_text() {
        let parse = |text| parse_override("--set", text).unwrap();
        assert_eq!(parse("stream.partitions=6").1, toml::Value::Integer(6));
        assert_eq!(parse("stream.brokers=embedded").1, toml::Value::String("embedded".into()));
        for flag in ["--set", "--with"] {
            let refusal = parse_override(flag, "nothing").unwrap_err().to_string();
            assert!(refusal.contains(&format!("{flag} \"nothing\"")), "{refusal}");
        }
    }

    #[test]
    fn connections_are_judged_before_anything_is_opened() {
        let load = |set: &str| Settings::load(&ConfigArgs { config: None, set: vec![set.into()] });
        for (set, wrong) in [
            ("database.max_connections=1", "max_connections"),
            ("database.url=nowhere", "database"),
            ("alerting.delivery_workers=16", "alerting.delivery_workers"),
        ] {
            assert!(load(set).unwrap_err().to_string().contains(wrong), "{set}");
        }
        assert!(load("alerting.delivery_workers=15").is_ok());
    }

    #[test]
    fn every_example_of_a_source_is_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/sources.example.toml");
        let args = ConfigArgs { config: Some(path.into()), set: Vec::new() };
        let sources = Settings::load(&args).unwrap().ingest.sources;
        let formats: std::collections::HashSet<_> =
            sources.iter().map(|s| format!("{:?}", s.format)).collect();
        assert_eq!(formats.len(), tocsin_ingest::SourceFormat::ALL.len(), "one of each: {formats:?}");
    }
}
