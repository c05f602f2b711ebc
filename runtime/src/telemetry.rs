//! Log lines: for people on a terminal, as JSON for machines; always on stderr,
//! because standard output belongs to results.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::Refusal;

/// Section `[log]` of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Levels by module, as in `info,tocsin_ingest=debug`.
    pub filter: String,
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// `text` on a terminal, `json` elsewhere.
    #[default]
    Auto,
    Text,
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        // sqlx tells of every notice; rdkafka of every reconnect.
        Self { filter: "info,sqlx=warn,rdkafka=warn,librdkafka=warn".into(), format: LogFormat::Auto }
    }
}

impl LogConfig {
    pub fn check(&self) -> Result<(), String> {
        self.levels().map(drop).map_err(|refusal| refusal.0)
    }

    fn levels(&self) -> Result<EnvFilter, Refusal> {
        EnvFilter::try_new(&self.filter)
            .map_err(|error| Refusal(format!("[log] filter {:?} cannot be read: {error}", self.filter)))
    }

    fn is_json(&self, terminal: bool) -> bool {
        match self.format {
            LogFormat::Auto => !terminal,
            LogFormat::Text => false,
            LogFormat::Json => true,
        }
    }
}

/// Starts logging for this process; a second call is refused.
pub fn init(config: &LogConfig) -> Result<(), Refusal> {
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(config.levels()?)
        .with_writer(std::io::stderr)
        .with_ansi(terminal);
    let started = if config.is_json(terminal) {
        lines.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        lines.compact().with_target(false).try_init()
    };
    started.map_err(|error| Refusal(format!("cannot start logging: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_json_where_nobody_looks() {
        let config = LogConfig::default();
        assert!(config.is_json(false));
        assert!(!config.is_json(true));
        assert!(!LogConfig { format: LogFormat::Text, ..config }.is_json(false));
    }

    #[test]
    fn the_default_filter_can_be_read_and_a_wrong_one_is_named() {
        LogConfig::default().check().unwrap();
        let wrong = LogConfig { filter: "info,tocsin=loud".into(), ..LogConfig::default() };
        assert!(wrong.check().unwrap_err().contains("info,tocsin=loud"));
    }
}
