//! Section `[alerting]` of the configuration.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use tocsin_contract::{Alert, Severity, Subject, SubjectKind};
use tocsin_runtime::guard::Guard;
use url::Url;

use crate::deliver::sign::Secret;
use crate::detect::Rules;

/// What may ring, and who is told.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertingConfig {
    /// False alerts a day that are accepted, over all subjects.
    pub false_alerts_per_day: f64,
    /// The test of volume is made from this many negative documents in an hour on.
    pub min_volume: f64,
    /// The test of tone is made from this many negative documents in an hour on.
    pub min_tone: f64,
    /// Both tests, on the first day of a new subject, are made from this many on.
    pub min_first_day: f64,
    /// The same for a new subject that was not heard of though its partition was watched for a week.
    pub min_first_day_after_silence: f64,
    /// Subjects that never ring, in the form of a webhook's `subjects`.
    pub excluded_subjects: Vec<String>,
    pub webhooks: Vec<WebhookConfig>,
    /// Addresses that webhooks may reach though they are not public: `host`,
    /// `address` or `network/length`, each with or without `:port`.
    pub allow: Vec<String>,
    /// How long records wait for others to share their transaction.
    #[serde(with = "humantime_serde")]
    pub flush_every: Duration,
    /// Most records in one transaction.
    pub flush_records: usize,
    /// Webhooks called at the same time.
    pub delivery_workers: usize,
    /// How long a webhook may take to answer.
    #[serde(with = "humantime_serde")]
    pub delivery_timeout: Duration,
    /// The pause before something that may work later is tried again.
    #[serde(with = "humantime_serde")]
    pub retry_after: Duration,
    /// This many unreadable records in a row stop alerting: the fault is then not in the records.
    pub halt_after_parked: u32,
}

/// One receiver of alerts.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Names the endpoint in tables and logs; unique.
    pub name: String,
    /// Printed without its path: the URL of a bot is a secret.
    #[serde(serialize_with = "without_path")]
    pub url: String,
    /// `whsec_` and the signing key in base64.
    #[serde(serialize_with = "tocsin_runtime::config::secret::serialize")]
    pub secret: SecretString,
    pub min_severity: Severity,
    /// `entity:svb`, or a beginning and a star, `topic:*`; empty for all.
    pub subjects: Vec<String>,
}

impl Default for AlertingConfig {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            false_alerts_per_day: rules.false_alerts_per_day,
            min_volume: rules.min_volume,
            min_tone: rules.min_tone,
            min_first_day: rules.min_first_day,
            min_first_day_after_silence: rules.min_first_day_after_silence,
            // Half of all news plays in one of the two: a surge there says nothing.
            excluded_subjects: vec!["topic:region_*".into()],
            webhooks: Vec::new(),
            allow: Vec::new(),
            flush_every: Duration::from_secs(1),
            flush_records: 2000,
            delivery_workers: 4,
            delivery_timeout: Duration::from_secs(15),
            retry_after: Duration::from_secs(1),
            halt_after_parked: 500,
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            secret: SecretString::default(),
            min_severity: Severity::Warning,
            subjects: Vec::new(),
        }
    }
}

impl AlertingConfig {
    /// Rules that hold between keys, or for a value.
    pub fn check(&self) -> Result<(), String> {
        self.rules().check()?;
        Guard::new(&self.allow).map_err(|error| format!("[alerting] {error}"))?;
        if self.flush_records == 0 || self.delivery_workers == 0 || self.halt_after_parked == 0 {
            return Err(
                "[alerting] flush_records, delivery_workers and halt_after_parked must be at least 1".into(),
            );
        }
        if self.delivery_timeout.is_zero() {
            return Err("[alerting] delivery_timeout must be more than 0s".into());
        }
        name_subjects(&self.excluded_subjects)
            .map_err(|error| format!("[alerting] excluded_subjects: {error}"))?;
        let mut names = BTreeSet::new();
        for webhook in &self.webhooks {
            webhook.check()?;
            if !names.insert(&webhook.name) {
                return Err(format!("[alerting] two webhooks are named {:?}", webhook.name));
            }
        }
        Ok(())
    }

    /// Whether the subject may never ring.
    pub(crate) fn excludes(&self, subject: &Subject) -> bool {
        self.excluded_subjects.iter().any(|excluded| names(excluded, subject))
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            false_alerts_per_day: self.false_alerts_per_day,
            min_volume: self.min_volume,
            min_tone: self.min_tone,
            min_first_day: self.min_first_day,
            min_first_day_after_silence: self.min_first_day_after_silence,
        }
    }
}

impl WebhookConfig {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.is_empty() {
            return Err("[alerting] a webhook has no name".into());
        }
        let url = Url::parse(&self.url)
            .map_err(|error| format!("[alerting] webhook {name:?}: its url cannot be read: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("[alerting] webhook {name:?}: its url is neither http nor https"));
        }
        name_subjects(&self.subjects)
            .map_err(|error| format!("[alerting] webhook {name:?}: subjects: {error}"))?;
        Secret::parse(self.secret.expose_secret())
            .map(drop)
            .map_err(|error| format!("[alerting] webhook {name:?}: {error}"))
    }

    /// Whether this receiver asked for such an alert.
    pub(crate) fn wants(&self, alert: &Alert) -> bool {
        alert.severity >= self.min_severity
            && (self.subjects.is_empty() || self.subjects.iter().any(|asked| names(asked, &alert.subject)))
    }
}

/// Refuses what can name no subject at all: without its kind it would never match.
fn name_subjects(asked: &[String]) -> Result<(), String> {
    let kinds = [SubjectKind::Entity, SubjectKind::Topic].map(|kind| format!("{}:", kind.as_str()));
    let can_be = |asked: &str| match asked.strip_suffix('*') {
        Some(beginning) => {
            kinds.iter().any(|kind| beginning.starts_with(kind) || kind.starts_with(beginning))
        }
        None => kinds.iter().any(|kind| asked.strip_prefix(kind).is_some_and(|id| !id.is_empty())),
    };
    asked.iter().find(|asked| !can_be(asked)).map_or(Ok(()), |asked| {
        Err(format!(
            "{asked:?} is neither \"entity:ID\" nor \"topic:ID\", nor the beginning of one and a star"
        ))
    })
}

/// Scheme, host and port of a URL.
fn without_path<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let origin = Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    serializer.serialize_str(&format!("{origin}/***"))
}

fn names(asked: &str, subject: &Subject) -> bool {
    let subject = subject.to_string();
    match asked.strip_suffix('*') {
        Some(beginning) => subject.starts_with(beginning),
        None => subject == asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(name: &str) -> WebhookConfig {
        WebhookConfig {
            name: name.into(),
            url: "https://example.com/hook".into(),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            ..WebhookConfig::default()
        }
    }

    fn refusal(webhooks: Vec<WebhookConfig>) -> String {
        AlertingConfig { webhooks, ..AlertingConfig::default() }.check().unwrap_err()
    }

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(AlertingConfig::default().check(), Ok(()));
        assert_eq!(AlertingConfig { webhooks: vec![webhook("a")], ..Default::default() }.check(), Ok(()));
    }

    #[test]
    fn a_wrong_webhook_is_named() {
        assert!(refusal(vec![webhook("a"), webhook("a")]).contains("\"a\""));
        assert!(refusal(vec![WebhookConfig { secret: "whsec_".into(), ..webhook("b") }]).contains("\"b\""));
        assert!(refusal(vec![WebhookConfig { url: "ftp://x/".into(), ..webhook("c") }]).contains("\"c\""));
    }

    #[test]
    fn a_secret_is_never_written_out() {
        let config = AlertingConfig { webhooks: vec![webhook("a")], ..Default::default() };
        let text = format!("{} {config:?}", serde_json::to_string(&config).unwrap());
        assert!(text.contains("***") && !text.contains("MfKQ9r8"));
    }

    #[test]
    fn of_a_webhook_s_url_only_its_server_is_printed() {
        let bot = WebhookConfig { url: "https://me:pw@bot.example:8443/k/T0?key=T1".into(), ..webhook("a") };
        let text = serde_json::to_string(&bot).unwrap();
        assert!(text.contains(r#""https://bot.example:8443/***""#), "{text}");
        assert!(!text.contains("T0") && !text.contains("T1") && !text.contains("pw"), "{text}");
    }

    #[test]
    fn a_subject_that_can_never_ring_is_refused_by_name() {
        let asks = |asked: &str| WebhookConfig { subjects: vec![asked.into()], ..webhook("desk") };
        for asked in ["svb", "entity:", "entities:svb", "entity", "svb*", ""] {
            let refused = refusal(vec![asks(asked)]);
            assert!(refused.contains("\"desk\"") && refused.contains(&format!("{asked:?}")), "{refused}");
            let config = AlertingConfig { excluded_subjects: vec![asked.into()], ..Default::default() };
            assert!(config.check().unwrap_err().contains("excluded_subjects"));
        }
        for asked in ["entity:svb", "topic:*", "*", "entity:s*", "ent*"] {
            let config = AlertingConfig { webhooks: vec![asks(asked)], ..Default::default() };
            assert_eq!(config.check(), Ok(()), "{asked}");
        }
    }

    #[test]
    fn a_webhook_gets_time_to_answer() {
        let config = AlertingConfig { delivery_timeout: Duration::ZERO, ..Default::default() };
        assert!(config.check().unwrap_err().contains("delivery_timeout"));
    }

    #[test]
    fn regions_are_excluded_unless_the_configuration_says_otherwise() {
        let region = Subject { kind: SubjectKind::Topic, id: "region_cn".into() };
        let bank = Subject { kind: SubjectKind::Entity, id: "region_bank".into() };
        let (default, all) =
            (AlertingConfig::default(), AlertingConfig { excluded_subjects: vec![], ..Default::default() });
        assert!(default.excludes(&region) && !default.excludes(&bank));
        assert!(!all.excludes(&region));
    }

    #[test]
    fn subjects_are_asked_for_by_name_or_beginning() {
        let bank = Subject { kind: SubjectKind::Entity, id: "svb".into() };
        assert!(names("entity:svb", &bank) && names("entity:*", &bank) && names("*", &bank));
        assert!(!names("entity:sv", &bank) && !names("topic:*", &bank));
    }
}
