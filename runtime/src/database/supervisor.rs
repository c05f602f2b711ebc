//! The shell that stands between Tocsin and its Postgres, so that the server ends
//! with this process even when that is killed and can do nothing any more.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::cluster::Cluster;

const SCRIPT: &str = include_str!("supervise.sh");
/// How long a fast shutdown may take before `drop` gives up waiting.
const FAST_STOP: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(20);

/// A running server; dropping this stops it fast.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    /// Closing it is the order to stop.
    orders: Option<ChildStdin>,
}

impl Supervisor {
    /// Starts the server of `cluster` on `port`. With `throw_away`, that folder is
    /// removed when the server has ended.
    pub(super) fn start(
        cluster: &Cluster,
        binaries: &Path,
        port: u16,
        throw_away: Option<&Path>,
    ) -> std::io::Result<Self> {
        let log = open_log(cluster)?;
        let mut command = cluster.account.command("/bin/sh", &cluster.folder);
        command.args(["-c", SCRIPT, "tocsin-postgres"]).arg(binaries.join("bin/postgres"));
        command.arg("-D").arg(&cluster.folder).args(["-p", &port.to_string()]);
        for setting in COMMON.iter().chain(if throw_away.is_some() { FAST } else { SAFE }) {
            command.args(["-c", setting]);
        }
        command.env_remove("TOCSIN_THROW_AWAY");
        if let Some(folder) = throw_away {
            command.env("TOCSIN_THROW_AWAY", folder);
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn()?;
        let orders = child.stdin.take();
        Ok(Self { child, orders })
    }

    /// How the server ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Lets clients finish for `patience`, then stops fast. Says whether it ended.
    pub(super) fn stop(&mut self, patience: Duration) -> bool {
        if let Some(orders) = &mut self.orders
            && orders.write_all(b"TERM\n").is_ok()
            && self.ends_within(patience)
        {
            return true;
        }
        self.orders = None;
        self.ends_within(FAST_STOP)
    }

    fn ends_within(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.ended().is_some() {
                return true;
            }
            std::thread::sleep(TICK);
        }
        self.ended().is_some()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.orders = None;
        if !self.ends_within(FAST_STOP) {
            tracing::warn!("the private Postgres (process {}) is still stopping", self.child.id());
        }
    }
}

/// A new log; the one of the last run keeps a second name.
fn open_log(cluster: &Cluster) -> std::io::Result<File> {
    if cluster.log.exists() {
        std::fs::rename(&cluster.log, cluster.log.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(&cluster.log)
}

const COMMON: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "timezone=UTC",
    "log_timezone=UTC",
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",
];
const SAFE: &[&str] = &["max_connections=100", "fsync=on"];
const FAST: &[&str] = &[
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=4GB",
];
