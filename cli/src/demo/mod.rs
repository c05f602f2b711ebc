//! `tocsin demo`: the real pipeline on a sample newsroom, on one machine.
//!
//! Only the news and its clock are made up: it is crawled over HTTP, classified,
//! stored and alerted on like any other, and the webhook is signed and delivered.

mod clock;
mod narrator;
mod stage;
mod tale;

use std::time::Duration;

use anyhow::bail;
use secrecy::ExposeSecret;
use tocsin_contract::{Alert, AlertState};
use tocsin_runtime::{Shutdown, http, telemetry};

use crate::args::DemoArgs;
use narrator::say;
use stage::Stage;

/// How long `--once` waits for the webhook.
const PATIENCE: Duration = Duration::from_secs(300);
/// The company whose news turns bad.
const SUBJECT: &str = "harrowgate_bank";

pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<()> {
    telemetry::init(&stage::quiet_log())?;
    // Before any service counts or describes anything.
    http::record_metrics()?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    say(tale::OPENING);
    let shutdown = Shutdown::on_signals()?;
    let mut stage = Stage::set(args, &shutdown).await?;
    let rung = tokio::select! {
        rung = wait_for_the_bell(&mut stage, args.once.then_some(deadline)) => rung,
        () = shutdown.requested() => false,
    };
    let shortfall = if rung { String::new() } else { stage.progress().await };
    if rung {
        say(&tale::next_steps(stage.database_url.expose_secret(), stage.listen));
        if !args.once {
            say("Running until Ctrl-C.");
            keep_printing(&mut stage, &shutdown).await;
        }
    }
    let drained = stage::end(&shutdown, &stage.outside).await;
    stage.clear().await?;
    drained?;
    if args.once && !rung {
        bail!("no webhook about Harrowgate Bank within {}s: {shortfall}", PATIENCE.as_secs());
    }
    say("Drained and stopped.");
    Ok(())
}

/// Prints alerts until the one that the demo is about has been delivered.
async fn wait_for_the_bell(stage: &mut Stage, deadline: Option<tokio::time::Instant>) -> bool {
    loop {
        let received = match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, stage.alerts.recv()).await,
            None => Ok(stage.alerts.recv().await),
        };
        let Ok(Some(alert)) = received else { return false };
        say(&tale::alert(&alert));
        if is_the_bell(&alert) {
            return true;
        }
    }
}

fn is_the_bell(alert: &Alert) -> bool {
    alert.subject.id == SUBJECT && alert.state == AlertState::Open
}

async fn keep_printing(stage: &mut Stage, shutdown: &Shutdown) {
    loop {
        tokio::select! {
            received = stage.alerts.recv() => match received {
                Some(alert) => say(&tale::alert(&alert)),
                None => return,
            },
            () = shutdown.requested() => return,
        }
    }
}
