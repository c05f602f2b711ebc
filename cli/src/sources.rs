//! `tocsin sources`: the register at the hands of a person.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sqlx::PgPool;
use tocsin_ingest::{IngestError, Register, SourceConfig, check, opml};
use tocsin_runtime::database::{self, DatabaseConfig};
use tocsin_runtime::{Refusal, SystemClock};

use crate::args::{AddSourceArgs, SourcesAction, SourcesArgs};
use crate::platform;
use crate::settings::Settings;

pub(crate) async fn run(args: &SourcesArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.config)?;
    match &args.action {
        SourcesAction::Check { url } => {
            let findings = check(&settings.ingest, url, &SystemClock).await?;
            write!(io::stdout(), "{findings}").context("print the findings")?;
            Ok(code(findings.is_usable))
        }
        SourcesAction::Add(AddSourceArgs { opml: Some(list), with, .. }) => {
            import(&settings, list, with).await
        }
        SourcesAction::Add(args) => add(&settings, args).await,
        SourcesAction::List => list(&settings).await,
        SourcesAction::Export => export(&settings).await,
        SourcesAction::Disable { id, reason } => {
            let known =
                with_register(&settings, async |register| Ok(register.disable(id, reason).await?)).await?;
            anyhow::ensure!(known, "there is no source {id:?}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Adds or changes sources; exits 1 where one is refused.
async fn add(settings: &Settings, args: &AddSourceArgs) -> anyhow::Result<ExitCode> {
    let sources = sources_of(args)?;
    let failed = |error| {
        if let IngestError::Configuration(cause) = error {
            return anyhow::Error::from(Refusal(cause));
        }
        error.into()
    };
    let refused = with_register(settings, async |register| {
        register.refuse_those_of_files(&sources).await.map_err(failed)?;
        register.add(&sources, &settings.ingest).await.map_err(failed)
    })
    .await?;
    tell_refused(&refused)?;
    Ok(code(refused.is_empty()))
}

async fn list(settings: &Settings) -> anyhow::Result<ExitCode> {
    let all = with_register(settings, async |register| Ok(register.list().await?)).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for entry in all {
        writeln!(out, "{}", serde_json::to_string(&entry)?).context("print a source")?;
    }
    out.flush().context("print the sources")?;
    Ok(ExitCode::SUCCESS)
}

async fn export(settings: &Settings) -> anyhow::Result<ExitCode> {
    let sources = with_register(settings, async |register| Ok(register.sources().await?)).await?;
    let (list, others) = opml::write(&sources).map_err(anyhow::Error::msg)?;
    io::stdout().write_all(list.as_bytes()).context("print the list")?;
    if others > 0 {
        writeln!(io::stderr(), "{others} sources are no feeds and not in the list")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Adds what can be added of an OPML list, and says what not and what is refused; exits 1
/// where there was such.
async fn import(settings: &Settings, path: &Path, with: &[String]) -> anyhow::Result<ExitCode> {
    let unreadable = |cause: String| Refusal(format!("{}: {cause}", path.display()));
    let with = table_of(with)?;
    let list = std::fs::read(path).map_err(|cause| unreadable(cause.to_string()))?;
    let settle = |source: SourceConfig| {
        if with.is_empty() {
            return Ok(source);
        }
        let mut settled = from_flags(&source.id, &source.url, &with).map_err(|cause| cause.to_string())?;
        settled.title = settled.title.or(source.title);
        if settled.tags.is_empty() {
            settled.tags = source.tags;
        }
        Ok(settled)
    };
    let (imported, refused) = with_register(settings, async |register| {
        let known = register.list().await?.into_iter().map(|entry| (entry.source_id, entry.url));
        let imported = opml::read(&list, &known.collect::<Vec<_>>(), &settle).map_err(unreadable)?;
        let refused = register.add(&imported.sources, &settings.ingest).await?;
        Ok((imported, refused))
    })
    .await?;
    tell_refused(&refused)?;
    let mut out = io::stderr().lock();
    for bad in &imported.bad {
        writeln!(out, "not added: {bad}").context("say what was not added")?;
    }
    let (added, known, bad) = (imported.sources.len(), imported.known.len(), imported.bad.len());
    writeln!(out, "{added} added, {} of them refused, {known} were there, {bad} not added", refused.len())
        .context("say what was added")?;
    Ok(code(refused.is_empty() && bad == 0))
}

/// Says which sources the register has and nobody will poll.
fn tell_refused(refused: &[(String, String)]) -> anyhow::Result<()> {
    let mut out = io::stderr().lock();
    for (id, reason) in refused {
        writeln!(out, "refused: {id}: {reason}").context("say what is refused")?;
    }
    Ok(())
}

/// Runs on the configured database, or on the private one under `data`, which then
/// must not be in use.
async fn with_register<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Register) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (url, server) = platform::database_url(settings, &settings.data, platform::DATABASE).await?;
    let config = DatabaseConfig { url: Some(url), ..settings.database.clone() };
    let pool: PgPool = database::connect(&config).await?;
    if server.is_some() {
        database::migrate(&pool).await?;
    }
    let outcome = work(&Register::new(pool.clone())).await;
    pool.close().await;
    if let Some(server) = server {
        server.stop().await?;
    }
    outcome
}

fn sources_of(args: &AddSourceArgs) -> anyhow::Result<Vec<SourceConfig>> {
    let sources = match (&args.file, &args.id, &args.url) {
        (Some(file), ..) => from_file(file)?,
        (None, Some(id), Some(url)) => vec![from_flags(id, url, &table_of(&args.with)?)?],
        (None, ..) => {
            return Err(Refusal("either --file, --opml, or --id and --url are needed".to_owned()).into());
        }
    };
    match sources.iter().find_map(|source| Some((source, source.is_own()?))) {
        Some((source, what)) => Err(Refusal(format!(
            "source {} has {what}: put the source into the configuration file",
            source.id
        ))
        .into()),
        None => Ok(sources),
    }
}

fn from_file(path: &Path) -> anyhow::Result<Vec<SourceConfig>> {
    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Section {
        sources: Vec<SourceConfig>,
    }
    /// The sources alone, or in their place in the configuration.
    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct File {
        sources: Vec<SourceConfig>,
        ingest: Section,
    }
    let text = std::fs::read_to_string(path)
        .map_err(|cause| Refusal(format!("read {}: {cause}", path.display())))?;
    let file: File = tocsin_runtime::config::parse(&text)
        .map_err(|cause| Refusal(format!("{}: {cause}", path.display())))?;
    Ok(file.sources.into_iter().chain(file.ingest.sources).collect())
}

/// What `--with` says of a source; not what it is called nor where it is, which have flags of
/// their own.
fn table_of(with: &[String]) -> Result<toml::Table, Refusal> {
    let mut table = toml::Table::new();
    for text in with {
        let (key, value) = crate::settings::parse_override("--with", text)?;
        if matches!(key.as_str(), "id" | "url" | "path") {
            return Err(Refusal(format!(
                "--with {text:?}: id and address of a source are not set by --with"
            )));
        }
        table.insert(key, value);
    }
    Ok(table)
}

fn from_flags(id: &str, url: &str, with: &toml::Table) -> anyhow::Result<SourceConfig> {
    let mut table = with.clone();
    table.insert("id".to_owned(), id.into());
    table.insert("url".to_owned(), url.into());
    Ok(table
        .try_into()
        .map_err(|cause: toml::de::Error| Refusal(format!("source {id}: {}", cause.message())))?)
}
