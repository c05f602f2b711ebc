//! Receivers as configured, and what is remembered of them: whether they told us
//! to stop.

use secrecy::ExposeSecret as _;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use url::Url;

use super::sign::Secret;
use crate::{AlertingError, WebhookConfig};

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) secret: Secret,
}

impl Endpoint {
    pub(crate) fn of(webhook: &WebhookConfig) -> Result<Self, AlertingError> {
        let name = webhook.name.clone();
        let wrong =
            |error: String| AlertingError::Configuration(format!("[alerting] webhook {name:?}: {error}"));
        let url =
            Url::parse(&webhook.url).map_err(|error| wrong(format!("its url cannot be read: {error}")))?;
        let secret = Secret::parse(webhook.secret.expose_secret()).map_err(wrong)?;
        Ok(Self { name: webhook.name.clone(), url, secret })
    }

    /// Tells a new URL from an old one without keeping it.
    fn target(&self) -> String {
        hex::encode(Sha256::digest(self.url.as_str()))
    }
}

/// Makes the endpoints known; one that has a new URL is enabled again.
pub(crate) async fn register(pool: &PgPool, endpoints: &[Endpoint]) -> Result<(), AlertingError> {
    for endpoint in endpoints {
        sqlx::query(
            "INSERT INTO alerting.endpoint AS e (name, target) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET target = excluded.target, disabled_at = NULL, reason = NULL
             WHERE e.target <> excluded.target",
        )
        .bind(&endpoint.name)
        .bind(endpoint.target())
        .execute(pool)
        .await
        .map_err(AlertingError::database("register a webhook"))?;
    }
    Ok(())
}
