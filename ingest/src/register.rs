//! The register of sources in Postgres: what each is, who answers for it, and why one
//! is refused. Edited by the configuration file and by `tocsin sources`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use url::Url;

use crate::IngestError;
use crate::config::{IngestConfig, SourceConfig, Terms};
use crate::error::database;
use crate::guard::Judge;
use crate::live::http_address;
use crate::state::State;

/// One line of the register, as people read it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Entry {
    pub source_id: String,
    pub url: String,
    pub kind: Option<String>,
    pub publisher_family: Option<String>,
    pub terms: String,
    pub robots: String,
    pub licence: Option<String>,
    pub tier: Option<i16>,
    pub owner: Option<String>,
    pub state: String,
    /// Why it is not polled.
    pub refusal: String,
    pub origin: String,
    pub next_poll_at: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub last_new_at: Option<DateTime<Utc>>,
    pub failures: i32,
    pub last_error: Option<String>,
    /// `silent` or `dead`.
    pub silence: Option<String>,
    pub format: Option<String>,
    pub tags: serde_json::Value,
    pub retention_s: Option<f64>,
}

/// The register as `tocsin sources` edits it.
#[derive(Debug, Clone)]
pub struct Register {
    pool: PgPool,
}

const BY_COMMAND: &str = "command";

impl Register {
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Adds sources, or changes those that are there; all or none. A source that was
    /// disabled is active again. One without a retention gets that of its kind. Those whose
    /// addresses `config` does not let the crawler ask are refused: what is returned, each with its id
    /// and the reason.
    pub async fn add(
        &self,
        sources: &[SourceConfig],
        config: &IngestConfig,
    ) -> Result<Vec<(String, String)>, IngestError> {
        let judge = Judge::new(&config.allow).map_err(IngestError::Configuration)?;
        for source in sources {
            source.check().map_err(IngestError::Configuration)?;
        }
        let mut refused = Vec::new();
        let mut transaction = self.pool.begin().await.map_err(database("begin a transaction"))?;
        for source in sources {
            let retention = source.retention.or(config.privacy.of(source.kind).retention);
            let source = SourceConfig { retention, ..source.clone() };
            enroll(&mut transaction, std::slice::from_ref(&source), BY_COMMAND).await?;
            let cause = judged(&source, &judge).err();
            let standing = cause.as_deref().map_or(state_of(&source), |cause| ("refused", cause));
            set_state(&mut transaction, &source.id, standing).await?;
            refused.extend(cause.map(|cause| (source.id, cause)));
        }
        transaction.commit().await.map_err(database("commit the register"))?;
        Ok(refused)
    }

    /// An error where a configuration file has one of these sources: at its next start the instance would
    /// undo what is changed. One that was disabled may be added again, at the address where the file has it.
    pub async fn refuse_those_of_files(&self, sources: &[SourceConfig]) -> Result<(), IngestError> {
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        let urls: Vec<&str> = sources.iter().map(|source| source.url.as_str()).collect();
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT s.source_id, substr(s.origin, 6)
             FROM ingest.source s JOIN unnest($1::text[], $2::text[]) AS t (id, url) ON s.source_id = t.id
             WHERE s.origin LIKE 'file:%' AND (s.state IN ('active', 'refused')
                 OR s.state = 'disabled' AND s.settings->>'url' IS DISTINCT FROM t.url)
             ORDER BY s.source_id LIMIT 1",
        )
        .bind(ids)
        .bind(urls)
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look for sources of configuration files"))?;
        match found {
            None => Ok(()),
            Some((id, instance)) => Err(IngestError::Configuration(format!(
                "source {id} is in the configuration file of instance {instance:?}: change it there"
            ))),
        }
    }

    /// False: there is no such source. It is polled no more, whatever a file says.
    pub async fn disable(&self, id: &str, reason: &str) -> Result<bool, IngestError> {
        let mut connection = self.pool.acquire().await.map_err(database("reach the register"))?;
        set_state(&mut connection, id, ("disabled", reason)).await
    }

    /// The settings of every source that is not gone, by its id; without secrets.
    pub async fn sources(&self) -> Result<Vec<SourceConfig>, IngestError> {
        let rows: Vec<Json<SourceConfig>> = sqlx::query_scalar(
            "SELECT settings FROM ingest.source WHERE settings IS NOT NULL AND state <> 'gone' ORDER BY source_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the settings of the register"))?;
        Ok(rows.into_iter().map(|Json(source)| source).collect())
    }

    /// Every source, by its id.
    pub async fn list(&self) -> Result<Vec<Entry>, IngestError> {
        sqlx::query_as(
            "SELECT source_id, url, kind, publisher_family, terms, robots, licence, tier, owner, state, refusal,
                 origin, next_poll_at, last_success_at, last_new_at, failures, last_error, silence, format, tags,
                 retention_s
             FROM report.sources ORDER BY source_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(database("list the register"))
    }
}

impl State {
    /// Brings the register up to the file of `instance`: its sources are added or changed,
    /// and those that it had and has no more are gone.
    pub(crate) async fn enroll_file(
        &self,
        instance: &str,
        sources: &[SourceConfig],
    ) -> Result<(), IngestError> {
        let origin = format!("file:{instance}");
        let mut transaction = self.begin().await?;
        enroll(&mut transaction, sources, &origin).await?;
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        sqlx::query(
            "UPDATE ingest.source SET state = 'gone', refusal = 'no longer in the file',
                 version = nextval('ingest.register_version')
             WHERE origin = $1 AND state IN ('active', 'refused') AND source_id <> ALL($2)",
        )
        .bind(&origin)
        .bind(ids)
        .execute(&mut *transaction)
        .await
        .map_err(database("mark sources as gone"))?;
        transaction.commit().await.map_err(database("commit the register"))
    }

    /// The sources of `domains` that may be polled, with a number that grows with each
    /// change of one. Those that need to be among `own` and are not are left out.
    pub(crate) async fn versions(
        &self,
        domains: &[String],
        own: &[String],
    ) -> Result<HashMap<String, i64>, IngestError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT source_id, version FROM ingest.source
             WHERE domain = ANY($1) AND state = 'active' AND settings IS NOT NULL
               AND (NOT needs_secret OR source_id = ANY($2))",
        )
        .bind(domains)
        .bind(own)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the versions of the register"))?;
        Ok(rows.into_iter().collect())
    }

    /// These sources, with their versions; those that only an own file may name, from `own`.
    pub(crate) async fn enrolled(
        &self,
        ids: &[String],
        own: &[SourceConfig],
    ) -> Result<Vec<(SourceConfig, i64)>, IngestError> {
        let rows: Vec<(Json<SourceConfig>, bool, i64)> = sqlx::query_as(
            "SELECT settings, needs_secret, version FROM ingest.source
             WHERE source_id = ANY($1) AND settings IS NOT NULL",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the register"))?;
        let usable = |(Json(registered), needs_secret, version): (Json<SourceConfig>, bool, i64)| {
            let mine = || own.iter().find(|source| source.id == registered.id);
            let source = if needs_secret { mine()?.clone() } else { registered };
            Some((source, version))
        };
        Ok(rows.into_iter().filter_map(usable).collect())
    }

    /// Makes this process another than all others.
    pub(crate) async fn token(&self) -> Result<String, IngestError> {
        sqlx::query_scalar("SELECT gen_random_uuid()::text")
            .fetch_one(&self.pool)
            .await
            .map_err(database("name this process"))
    }
}

/// Whether the crawler may ask the addresses of a source, as far as they tell without DNS.
fn judged(source: &SourceConfig, judge: &Judge) -> Result<(), String> {
    let own = match (source.format.is_file(), source.format.is_asked()) {
        (true, _) => None,
        (false, true) => Some(Url::parse(&source.url)),
        (false, false) => Some(http_address(&source.url)),
    };
    let stream = source.stream.as_deref().map(Url::parse);
    for url in [own, stream].into_iter().flatten() {
        let url = url.map_err(|cause| cause.to_string())?;
        judge.judge_url(&url).map_err(|cause| cause.to_string())?;
    }
    Ok(())
}

/// State and refusal of a source, as far as its settings tell.
const fn state_of(source: &SourceConfig) -> (&'static str, &'static str) {
    match source.terms {
        Terms::Forbidden => ("refused", "its terms forbid it"),
        Terms::Unknown | Terms::Allowed | Terms::Agreed => ("active", ""),
    }
}

async fn set_state(
    to: &mut PgConnection,
    id: &str,
    (state, refusal): (&str, &str),
) -> Result<bool, IngestError> {
    let changed = sqlx::query(
        "UPDATE ingest.source SET state = $2, refusal = $3, version = nextval('ingest.register_version')
         WHERE source_id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(refusal)
    .execute(to)
    .await
    .map_err(database("change the state of a source"))?;
    Ok(changed.rows_affected() > 0)
}

/// Sources that go to the register in one statement.
const AT_ONCE: usize = 1000;

/// A source as the register has it.
#[derive(Serialize)]
struct Row {
    source_id: String,
    url: String,
    settings: SourceConfig,
    domain: String,
    kind: &'static str,
    publisher_family: String,
    terms: &'static str,
    licence: Option<String>,
    tier: Option<u8>,
    owner: Option<String>,
    needs_secret: bool,
    state: &'static str,
    refusal: &'static str,
    retention_s: Option<f64>,
}

impl Row {
    fn of(source: &SourceConfig) -> Self {
        let (state, refusal) = state_of(source);
        Self {
            source_id: source.id.clone(),
            url: source.url.clone(),
            settings: source.without_secret(),
            domain: source.domain(),
            kind: source.kind.as_str(),
            publisher_family: source.family(),
            terms: source.terms.as_str(),
            licence: source.licence.clone(),
            tier: source.tier,
            owner: source.owner.clone(),
            needs_secret: source.is_own().is_some(),
            state,
            refusal,
            retention_s: source.retention.map(|retention| retention.as_secs_f64()),
        }
    }
}

/// Writes sources, of which no two have one id. One that a person disabled stays so; one
/// that was gone is back. Where another `every` was agreed, the poll that was planned by the old one
/// is not waited for.
async fn enroll(to: &mut PgConnection, sources: &[SourceConfig], origin: &str) -> Result<(), IngestError> {
    for some in sources.chunks(AT_ONCE) {
        sqlx::query(ENROLL)
            .bind(Json(some.iter().map(Row::of).collect::<Vec<_>>()))
            .bind(origin)
            .execute(&mut *to)
            .await
            .map_err(database("write sources into the register"))?;
    }
    Ok(())
}

const ENROLL: &str = "
    INSERT INTO ingest.source AS s (source_id, url, settings, domain, kind, publisher_family, terms, licence,
        tier, owner, origin, needs_secret, state, refusal, retention_s, version)
    SELECT t.source_id, t.url, t.settings, t.domain, t.kind, t.publisher_family, t.terms, t.licence,
        t.tier, t.owner, $2, t.needs_secret, t.state, t.refusal, t.retention_s, nextval('ingest.register_version')
    FROM jsonb_to_recordset($1) AS t (source_id text, url text, settings jsonb, domain text, kind text,
        publisher_family text, terms text, licence text, tier smallint, owner text, needs_secret boolean,
        state text, refusal text, retention_s double precision)
    ON CONFLICT (source_id) DO UPDATE SET settings = excluded.settings, domain = excluded.domain,
        kind = excluded.kind, publisher_family = excluded.publisher_family, terms = excluded.terms,
        licence = excluded.licence, tier = excluded.tier, owner = excluded.owner, origin = excluded.origin,
        needs_secret = excluded.needs_secret, retention_s = excluded.retention_s,
        next_poll_at = CASE WHEN s.settings ->> 'every' IS DISTINCT FROM excluded.settings ->> 'every'
                            THEN NULL ELSE s.next_poll_at END,
        state = CASE WHEN s.state = 'disabled' THEN s.state ELSE excluded.state END,
        refusal = CASE WHEN s.state = 'disabled' THEN s.refusal ELSE excluded.refusal END,
        version = excluded.version
    WHERE (s.settings, s.domain, s.origin, s.needs_secret) IS DISTINCT FROM
              (excluded.settings, excluded.domain, excluded.origin, excluded.needs_secret)
       OR s.state = 'gone'";

#[cfg(test)]
mod tests;
