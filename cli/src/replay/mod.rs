//! `tocsin replay`: a file of time-stamped documents through the real pipeline.
//!
//! Event time drives every decision, so the speed of a replay changes nothing but
//! its duration. Ends when everything is stored and alerted, with one line of JSON.

mod feeder;
mod line;
mod position;
mod summary;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use tocsin_contract::topics;
use tocsin_runtime::{Refusal, Shutdown};
use tocsin_stream::{Record, TopicPartition};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::args::ReplayArgs;
use crate::platform::Platform;
use crate::services;
use crate::settings::Settings;
use feeder::Feeder;
use line::Line;
use position::Position;
use summary::Summary;

/// How often the position is written down.
const CHECKPOINT: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: &ReplayArgs) -> anyhow::Result<()> {
    let mut settings = Settings::load(&args.config)?;
    if args.no_webhooks {
        settings.alerting.webhooks.clear();
    }
    tocsin_runtime::telemetry::init(&settings.log)?;
    refuse_files(args)?;
    let began = Instant::now();
    let platform = Platform::open_for_replay(&settings, &args.config).await?;
    let shutdown = Shutdown::on_signals()?;
    services::start_processing(&platform, &settings, &shutdown).await?;

    let outcome = tokio::select! {
        outcome = push_and_settle(args, &platform) => outcome.map(Some),
        () = shutdown.requested() => Ok(None),
    };
    let finished = match outcome {
        Ok(Some(position)) => {
            if let Some(path) = &args.alerts {
                summary::write_alerts(&platform.pool, path).await?;
            }
            Ok(Some(Summary::take(&platform.pool, &position, began.elapsed()).await?))
        }
        other => other.map(|_| None),
    };
    shutdown.request();
    services::drain(&shutdown).await?;
    platform.close().await?;
    match finished? {
        Some(summary) => summary.print(),
        None => bail!("replay of {} was interrupted; run it again to go on", args.file.display()),
    }
}

/// Before anything is started: that the file can be read, and the alerts be written.
fn refuse_files(args: &ReplayArgs) -> Result<(), Refusal> {
    let refused =
        |what: &str, path: &Path, cause| Refusal(format!("cannot {what} {}: {cause}", path.display()));
    let file = std::fs::File::open(&args.file).and_then(|file| file.metadata());
    if file.map_err(|cause| refused("read", &args.file, cause))?.is_dir() {
        return Err(refused("read", &args.file, std::io::ErrorKind::IsADirectory.into()));
    }
    let Some(alerts) = &args.alerts else { return Ok(()) };
    let open = std::fs::OpenOptions::new().append(true).create(true).open(alerts);
    open.map(drop).map_err(|cause| refused("write", alerts, cause))
}

async fn push_and_settle(args: &ReplayArgs, platform: &Platform) -> anyhow::Result<Position> {
    let file = std::path::absolute(&args.file)?;
    let length = tokio::fs::metadata(&file)
        .await
        .with_context(|| format!("open replay file {}", file.display()))?
        .len();
    let mut position = Position::open(&platform.pool, &file.display().to_string(), args.from_start).await?;
    let bar = progress_bar(length);
    push(args, platform, &file, &mut position, &bar).await?;
    settle(platform, &position, &bar).await?;
    position.finished = true;
    position.save(&platform.pool).await?;
    bar.finish_and_clear();
    Ok(position)
}

async fn push(
    args: &ReplayArgs,
    platform: &Platform,
    file: &Path,
    position: &mut Position,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let name = file.file_name().map_or_else(|| "replay".into(), |name| name.to_string_lossy());
    let mut feeder = Feeder::open(&platform.bus, format!("replay:{name}"), position.step).await?;
    let mut lines = BufReader::new(tokio::fs::File::open(file).await?).split(b'\n');
    let (mut read, mut saved) = (0_i64, Instant::now());
    let mut pace = Pace::new(args.speed);
    bar.set_message("reading");
    while let Some(bytes) = lines.next_segment().await? {
        read += 1;
        bar.inc(bytes.len() as u64 + 1);
        if read <= position.lines || bytes.trim_ascii().is_empty() {
            continue;
        }
        let now = platform.clock.now();
        let text = std::str::from_utf8(&bytes).map_err(|cause| cause.to_string());
        match text.and_then(|text| Line::parse(text, now)) {
            Ok(line) => {
                pace.wait_for(line.published).await;
                if feeder.reach(line.published).await? && saved.elapsed() >= CHECKPOINT {
                    position.reached(read - 1, feeder.step(), &platform.pool).await?;
                    saved = Instant::now();
                }
                feeder.document(line.into_document()).await?;
                position.published += 1;
            }
            Err(cause) => {
                park(&feeder, file, read, bytes, &cause).await?;
                position.parked += 1;
            }
        }
    }
    feeder.finish().await?;
    position.reached(read, feeder.step(), &platform.pool).await?;
    Ok(())
}

/// A line that is no document goes where unreadable records go, with its coordinates.
async fn park(feeder: &Feeder, file: &Path, line: i64, bytes: Vec<u8>, cause: &str) -> anyhow::Result<()> {
    let cause = format!("{} line {line}: {cause}", file.display());
    tracing::warn!(line, "parked a line: {cause}");
    let record = Record {
        at: TopicPartition { topic: topics::DOCUMENTS_RAW.to_owned(), partition: 0 },
        offset: line,
        key: None,
        headers: Vec::new(),
        value: bytes.into(),
        timestamp: DateTime::UNIX_EPOCH,
    };
    feeder.producer().park(&record, "replay", &cause).await?;
    Ok(())
}

/// Waits until nothing of the pipeline lags and every alert is out of the outbox.
async fn settle(platform: &Platform, position: &Position, bar: &ProgressBar) -> anyhow::Result<()> {
    bar.set_style(style("{elapsed_precise} {wide_bar} {pos}/{len} {msg} ({eta} to go)"));
    bar.set_length(position.published.unsigned_abs());
    bar.set_position(0);
    bar.reset_eta();
    bar.set_message("classified");
    loop {
        let waiting = services::lag(&platform.bus).await?;
        bar.set_position(bar.length().unwrap_or(0).saturating_sub(waiting.raw));
        if waiting.is_zero() && tocsin_alerting::settled(&platform.pool).await? {
            // A batch between two topics shows in neither: ask once more.
            tokio::time::sleep(Duration::from_millis(300)).await;
            if services::lag(&platform.bus).await?.is_zero() {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn progress_bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    bar.set_style(style("{elapsed_precise} {wide_bar} {bytes}/{total_bytes} {msg}"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Holds event time to `speed` times the clock on the wall; without a speed, never waits.
struct Pace {
    speed: Option<f64>,
    start: Option<(Instant, DateTime<Utc>)>,
}

impl Pace {
    fn new(speed: Option<f64>) -> Self {
        Self { speed, start: None }
    }

    async fn wait_for(&mut self, event: DateTime<Utc>) {
        let Some(speed) = self.speed else { return };
        let (began, first) = *self.start.get_or_insert((Instant::now(), event));
        let since = (event - first).max(TimeDelta::zero()).as_seconds_f64() / speed;
        let due = began + Duration::from_secs_f64(since);
        tokio::time::sleep_until(due.into()).await;
    }
}
