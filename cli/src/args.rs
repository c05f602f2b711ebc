//! The command line: what each subcommand takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod model;

pub(crate) use model::{AverageArgs, ClassifyArgs, EvalArgs, QuantizeArgs, TrainArgs};

/// An alarm bell for markets: crawls, classifies, stores, and rings.
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole pipeline at work on a sample newsroom on this machine.
    Demo(DemoArgs),
    /// Run every service in one process.
    Up(ServiceArgs),
    /// Run the crawler and the push API.
    Ingest(ServiceArgs),
    /// Run the classifier on documents.raw.
    Enrich(ServiceArgs),
    /// Run the writer of documents and rollups.
    Store(ServiceArgs),
    /// Run surge detection and alert delivery.
    Alerting(ServiceArgs),
    /// Run the database migrations that are missing, then end.
    Migrate(ServiceArgs),
    /// Push time-stamped documents from a file through the pipeline, in event time.
    Replay(ReplayArgs),
    /// Classify JSON lines: one in, one out, in the same order.
    Classify(ClassifyArgs),
    /// Train the classifier on labelled texts.
    Train(TrainArgs),
    /// Measure a model on labelled files.
    Eval(EvalArgs),
    /// Average two encoders that were fine-tuned from the same one.
    Average(AverageArgs),
    /// Make a smaller model out of another: fewer layers, a smaller vocabulary, int8.
    Quantize(QuantizeArgs),
    /// Build or measure the dictionary of entities.
    Entities(EntitiesArgs),
    /// Print the entries of feeds, a line of JSON each.
    Feed(FeedArgs),
    /// Print whether a robots.txt (standard input) lets a crawler fetch a URL, and by which line.
    Robots(RobotsArgs),
    /// Print what a page (standard input) says, as JSON.
    Extract(ExtractArgs),
    /// Say for each URL on standard input whether it may be fetched; connects to nothing.
    Guard(GuardArgs),
    /// Keep the register of sources: add, list, export, check, disable.
    Sources(SourcesArgs),
    /// Ask a process whether it is ready; exits 1 when it is not.
    Health(HealthArgs),
}

#[derive(Debug, Clone, Args, Default)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML); every setting has a default.
    #[arg(long, short, env = "TOCSIN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Override one setting, as in `--set stream.partitions=6`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print the merged configuration, secrets hidden, and end.
    #[arg(long)]
    pub(crate) check_config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End with exit code 0 once the webhook arrived, with 1 after five minutes without.
    #[arg(long)]
    pub(crate) once: bool,
    /// Where the private Postgres keeps its data.
    #[arg(long, default_value = ".tocsin")]
    pub(crate) data: PathBuf,
    /// Address of metrics and health.
    #[arg(long, default_value = "127.0.0.1:9464")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// JSON lines: {published, source, title, description, link}.
    pub(crate) file: PathBuf,
    /// Event time runs so many times faster than the clock on the wall.
    #[arg(long, conflicts_with = "max", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// As fast as the pipeline takes it (the default).
    #[arg(long)]
    pub(crate) max: bool,
    /// Also write every alert message, a line of JSON each.
    #[arg(long)]
    pub(crate) alerts: Option<PathBuf>,
    /// Write alerts, and call none of the configured webhooks.
    #[arg(long)]
    pub(crate) no_webhooks: bool,
    /// Begin at the first line even if an earlier replay of this file was cut off.
    #[arg(long)]
    pub(crate) from_start: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EntitiesArgs {
    #[command(subcommand)]
    pub(crate) command: EntitiesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EntitiesCommand {
    /// Build the large dictionary out of lists of listings.
    Build(EntitiesBuildArgs),
    /// Measure precision and recall of entity linking on a labelled set.
    Score(EntitiesScoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EntitiesBuildArgs {
    /// Folder of the lists (us_listings.csv, cn_a_shares.csv, hk_listings.csv ...).
    #[arg(long)]
    pub(crate) lists: PathBuf,
    /// The dictionary to write, a table with an entity a line.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Hand-made dictionaries that the table will stand beside.
    #[arg(long, num_args = 1.., default_values = ["config/entities/companies.toml", "config/entities/institutions.toml"])]
    pub(crate) known: Vec<PathBuf>,
    /// Folder with words.txt, names.txt and header.txt.
    #[arg(long, default_value = "config/entities/build")]
    pub(crate) with: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct EntitiesScoreArgs {
    /// Labelled set (JSON lines of file, line, hash, mentions).
    #[arg(long, default_value = "bench/entities/set.jsonl")]
    pub(crate) set: PathBuf,
    /// Folder of the texts that the set names.
    #[arg(long)]
    pub(crate) texts: PathBuf,
    /// Dictionaries, or folders of them.
    #[arg(long, num_args = 1.., default_values = ["config/entities"])]
    pub(crate) dictionary: Vec<PathBuf>,
    /// Take every name and code wherever it stands, for comparison.
    #[arg(long)]
    pub(crate) naive: bool,
    /// Print what was found wrongly or missed in this part of the set, a line each.
    #[arg(long)]
    pub(crate) differences: Option<String>,
    /// Also compare the roles of entities with those of an annotated file.
    #[arg(long)]
    pub(crate) roles: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// What is asked.
    #[arg(long, default_value = "http://127.0.0.1:9464/readyz")]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct FeedArgs {
    /// Files; standard input when there is none, and for `-`.
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RobotsArgs {
    /// Product token of the crawler; by default that of `tocsin ingest`.
    #[arg(long, default_value_t = product_token())]
    pub(crate) agent: String,
    #[arg(long)]
    pub(crate) url: String,
}

/// From 0.001 (a second of events in a quarter of an hour) to 32 million (a year of events in a second).
fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1e-3..=3.2e7).contains(&speed) { Ok(speed) } else { Err("not between 0.001 and 32000000".to_owned()) }
}

fn product_token() -> String {
    tocsin_ingest::IngestConfig::default().product_token().unwrap_or_default().to_owned()
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Address of the page: resolves its links, and may tell its date.
    #[arg(long, default_value = "", conflicts_with = "jsonl")]
    pub(crate) url: String,
    /// Read lines {id, url, path or html} and answer each, in the same order, on all cores.
    #[arg(long)]
    pub(crate) jsonl: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// A host, address or network that may be fetched all the same; may be repeated.
    #[arg(long)]
    pub(crate) allow: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SourcesArgs {
    #[command(subcommand)]
    pub(crate) action: SourcesAction,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesAction {
    /// Add sources to the register, or change them; a running ingest takes them up within seconds.
    Add(AddSourceArgs),
    /// Print every source, a line of JSON each: what it is, how it does, why it is refused.
    List,
    /// Print the feeds of the register as OPML 2.0.
    Export,
    /// Try an address now and explain what it is; exits 1 where it cannot be a source.
    Check {
        /// Address of a feed, a page, a JSON interface or a stream (ws://, wss://), or the path of files, from the root.
        url: String,
    },
    /// Poll a source no more, whatever a file says; `add` brings it back.
    Disable {
        id: String,
        /// Why; shown beside the source.
        #[arg(long, default_value = "disabled by hand")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddSourceArgs {
    /// A file of `[[sources]]` in the form of config/sources.example.toml.
    #[arg(long, conflicts_with_all = ["id", "url", "opml", "with"])]
    pub(crate) file: Option<PathBuf>,
    /// A list of feeds as feed readers exchange it; outlines around a feed become its tags.
    #[arg(long, conflicts_with_all = ["id", "url"])]
    pub(crate) opml: Option<PathBuf>,
    /// Unique name of the source.
    #[arg(long, requires = "url")]
    pub(crate) id: Option<String>,
    /// Address of its feed.
    #[arg(long, requires = "id")]
    pub(crate) url: Option<String>,
    /// One more setting of the source, as in `--with kind=social`; may be repeated.
    #[arg(long = "with", value_name = "KEY=VALUE", requires = "url")]
    pub(crate) with: Vec<String>,
}
