//! Receivers as configured, and what is remembered of them: whether they told us
//! to stop.

use secrecy::ExposeSecret as _;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tocsin_runtime::Shutdown;
use tocsin_runtime::guard::Guard;
use tracing::warn;
use url::Url;

use super::send::addresses;
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

/// Says at the start which receivers cannot be called as things are: an alert is a bad moment to hear it.
/// Calls none.
pub(crate) async fn warn_of_doubtful(
    endpoints: Vec<Endpoint>,
    guard: Guard,
    shutdown: Shutdown,
) -> Result<(), AlertingError> {
    tokio::select! {
        found = doubtful(&endpoints, &guard) => {
            for (name, cause) in found {
                warn!(endpoint = name, "webhook {name} cannot be called as things are: {cause}");
            }
        }
        () = shutdown.requested() => {}
    }
    Ok(())
}

/// Receivers whose host is not found or may not be called, and why.
async fn doubtful<'a>(endpoints: &'a [Endpoint], guard: &Guard) -> Vec<(&'a str, String)> {
    let mut found = Vec::new();
    for endpoint in endpoints {
        if let Err(cause) = addresses(&endpoint.url, guard).await {
            found.push((endpoint.name.as_str(), cause));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, url: &str) -> Endpoint {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        Endpoint { name: name.into(), url: url.parse().unwrap(), secret }
    }

    #[tokio::test]
    async fn a_receiver_that_cannot_be_called_is_known_at_the_start() {
        let endpoints = [
            endpoint("listed", "http://10.0.0.8/hook"),
            endpoint("private", "http://10.0.0.7/hook"),
            endpoint("named", "http://localhost:8080/hook"),
        ];
        let found = doubtful(&endpoints, &Guard::new(&["10.0.0.8"]).unwrap()).await;
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["private", "named"]);
        assert!(found.iter().all(|(_, cause)| cause.contains("`alerting.allow`")), "{found:?}");
    }
}
