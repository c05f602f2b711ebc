//! One binary with every role of Tocsin as a subcommand. No logic of its own.

mod args;
mod crawl;
mod demo;
mod entities;
mod exit;
mod filters;
mod health;
mod newsroom;
mod platform;
mod replay;
mod roles;
mod services;
mod settings;
mod sources;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // First of all, before a library could install another TLS provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli.command)));
    match outcome {
        Ok(code) => code,
        Err(cause) => {
            // Not by the log, which may not have been started.
            drop(writeln!(std::io::stderr(), "tocsin: {cause:#}"));
            ExitCode::from(exit::code_of(&cause))
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(&args).await?,
        Command::Up(args) => roles::up(&args).await?,
        Command::Ingest(args) => roles::alone(&args, roles::Role::Ingest).await?,
        Command::Enrich(args) => roles::alone(&args, roles::Role::Enrich).await?,
        Command::Store(args) => roles::alone(&args, roles::Role::Store).await?,
        Command::Alerting(args) => roles::alone(&args, roles::Role::Alerting).await?,
        Command::Migrate(args) => roles::migrate(&args).await?,
        Command::Replay(args) => replay::run(&args).await?,
        Command::Classify(args) => return exit::unless_unread(filters::classify(&args)),
        Command::Train(args) => filters::train(&args)?,
        Command::Eval(args) => filters::eval(&args)?,
        Command::Average(args) => filters::average(&args)?,
        Command::Quantize(args) => filters::quantize(&args)?,
        Command::Entities(args) => entities::run(&args.command)?,
        Command::Feed(args) => return exit::unless_unread(crawl::feed(&args)),
        Command::Robots(args) => crawl::robots(&args)?,
        Command::Extract(args) => return exit::unless_unread(crawl::extract(&args)),
        Command::Guard(args) => return exit::unless_unread(crawl::guard(&args).map(|()| ExitCode::SUCCESS)),
        Command::Sources(args) => return sources::run(&args).await,
        Command::Health(args) => return health::ask(&args).await,
    }
    Ok(ExitCode::SUCCESS)
}
