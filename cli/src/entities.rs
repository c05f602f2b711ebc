//! The commands about the dictionary of entities: build, score.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use tocsin_classifier::entities::build::{self, BuildOptions};
use tocsin_classifier::entities::{Linker, score};
use tocsin_runtime::Refusal;

use crate::args::{EntitiesBuildArgs, EntitiesCommand, EntitiesScoreArgs};

pub(crate) fn run(command: &EntitiesCommand) -> anyhow::Result<()> {
    match command {
        EntitiesCommand::Build(args) => build(args),
        EntitiesCommand::Score(args) => score(args),
    }
}

fn build(args: &EntitiesBuildArgs) -> anyhow::Result<()> {
    let header = args.with.join("header.txt");
    let refused = |what: &str, path: &Path, error: io::Error| {
        Refusal(format!("cannot {what} {}: {error}", path.display()))
    };
    let built = build::run(&BuildOptions {
        lists: args.lists.clone(),
        known: args.known.clone(),
        words: args.with.join("words.txt"),
        names: args.with.join("names.txt"),
        header: std::fs::read_to_string(&header).map_err(|error| refused("read", &header, error))?,
    })?;
    if built.listings == 0 {
        return Err(Refusal(format!("there are no listings in {}", args.lists.display())).into());
    }
    std::fs::write(&args.out, &built.table).map_err(|error| refused("write", &args.out, error))?;
    writeln!(
        io::stdout(),
        "{} entities with {} listings and {} names, {} bytes",
        built.entities,
        built.listings,
        built.names,
        built.table.len()
    )
    .context("print the counts")
}

fn score(args: &EntitiesScoreArgs) -> anyhow::Result<()> {
    let linker = Linker::read(&args.dictionary)?;
    let method = if args.naive { score::Method::Naive } else { score::Method::Linker };
    let report = score::score(&linker, &args.set, &args.texts, method)?;
    let mut out = io::stdout();
    write!(out, "{}", report.text()).context("print the scores")?;
    if let Some(half) = &args.differences {
        for line in report.differences.iter().filter(|line| line.split('\t').nth(1) == Some(half)) {
            writeln!(out, "{line}").context("print a difference")?;
        }
    }
    if let Some(file) = &args.roles {
        write!(out, "{}", score::roles(&linker, file)?.text()).context("print the roles")?;
    }
    Ok(())
}
