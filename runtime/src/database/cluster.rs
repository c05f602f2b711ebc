//! The data folder of a private Postgres: one process at a time holds it, and
//! `initdb` fills it once.
//!
//! Layout: `lock`, `password` (mode 600), `postgres.log`, and the cluster itself.
//! Everything here blocks; it never starts the server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::account::Account;
use super::folder::cannot;
use crate::Refusal;

/// The cluster's folder in the data folder; a later major version gets another.
pub(super) const CLUSTER: &str = "postgres-18";
/// The superuser of the private server.
pub(super) const USER: &str = "tocsin";
/// How long the server of a process that was killed may take to end.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a lock may outlive its holder: a child process that is just being started has it
/// too, until its own program runs.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

/// A data folder that this process holds, with a cluster in it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) folder: PathBuf,
    pub(super) log: PathBuf,
    pub(super) password: SecretString,
    pub(super) account: Account,
    /// Held, and so locked, as long as the server may run.
    _lock: File,
}

impl Cluster {
    /// Takes `data`, makes the cluster when it is missing, and waits for a server
    /// that a killed process left behind.
    pub(super) fn open(data: &Path, binaries: &Path, account: Account, keep: bool) -> Result<Self, Refusal> {
        let lock = lock(data)?;
        let folder = data.join(CLUSTER);
        let secret = data.join("password");
        if !folder.is_dir() {
            write_password(&secret, account).map_err(|error| cannot("write", &secret, &error))?;
            initialise(data, binaries, account, keep)?;
        }
        clear_stale_pid(&folder)?;
        let password = std::fs::read_to_string(&secret).map_err(|error| cannot("read", &secret, &error))?;
        let log = data.join("postgres.log");
        Ok(Self { folder, log, password: password.trim().into(), account, _lock: lock })
    }

    /// For an error message: the last FATAL or PANIC line of the server's log, or else its last line.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rfind(|line| line.contains("FATAL") || line.contains("PANIC"));
        last.or_else(|| log.lines().last()).unwrap_or("it said nothing").to_owned()
    }

    pub(super) fn url(&self, port: u16, database: &str) -> SecretString {
        let password = self.password.expose_secret();
        format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}").into()
    }
}

fn lock(data: &Path) -> Result<File, Refusal> {
    let path = data.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| cannot("open", &path, &error))?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited < LOCK_PATIENCE => waited += pause(),
            Err(TryLockError::WouldBlock) => {
                return Err(Refusal(format!(
                    "the data folder {} is in use by another Tocsin; stop that one or name another folder",
                    data.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, &error)),
        }
    }
}

/// Waits a moment and says how long.
fn pause() -> Duration {
    std::thread::sleep(TICK);
    TICK
}

fn write_password(path: &Path, account: Account) -> std::io::Result<()> {
    let mut random = [0_u8; 20];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let password = hex::encode(random);
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    writeln!(file, "{password}")?;
    account.own(path)
}

/// Runs `initdb` under a passing name, so that a cluster under its own name is whole.
fn initialise(data: &Path, binaries: &Path, account: Account, keep: bool) -> Result<(), Refusal> {
    let fresh = data.join(format!("{CLUSTER}.new"));
    prepare(&fresh, account).map_err(|error| cannot("create", &fresh, &error))?;
    // Text sorts by code point everywhere; what a letter is comes from the system,
    // because the trigram index asks it.
    let ctype = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let mut initdb = account.command(binaries.join("bin/initdb"), &fresh);
    initdb.arg("-D").arg(&fresh).arg("--pwfile").arg(data.join("password"));
    initdb.args(["--username", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]);
    initdb.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]);
    initdb.args(["--lc-ctype", ctype, "--text-search-config=english"]);
    if !keep {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().map_err(|error| cannot("run initdb in", &fresh, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().find(|line| line.contains("rror")).unwrap_or("it did not say why");
        return Err(Refusal(format!("cannot create a Postgres cluster in {}: {reason}", data.display())));
    }
    let folder = data.join(CLUSTER);
    std::fs::rename(&fresh, &folder).map_err(|error| cannot("create", &folder, &error))
}

/// An empty folder that only `account` can open.
fn prepare(folder: &Path, account: Account) -> std::io::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    account.own(folder)
}

/// Waits for the end of a server that lost its parent. A pid file whose number now
/// belongs to another program would stop Postgres from starting: it is removed
/// (the lock is ours). One whose process is gone is left to Postgres, which
/// checks for left-over backends with it.
fn clear_stale_pid(cluster: &Path) -> Result<(), Refusal> {
    let file = cluster.join("postmaster.pid");
    let mut waited = Duration::ZERO;
    while let Some(pid) = recorded_pid(&file) {
        let Some(command) = command_of(pid) else { return Ok(()) };
        if !command.contains(&*cluster.to_string_lossy()) {
            tracing::info!("removing the stale pid file {} ({pid} is another program)", file.display());
            return std::fs::remove_file(&file).map_err(|error| cannot("remove", &file, &error));
        }
        if waited >= ORPHAN_PATIENCE {
            return Err(Refusal(format!(
                "a Postgres server (process {pid}) still runs on {}; stop it first",
                cluster.display()
            )));
        }
        waited += pause();
    }
    Ok(())
}

fn recorded_pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// The command line of a running process; none when there is no such process.
fn command_of(pid: u32) -> Option<String> {
    if let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&line).into_owned());
    }
    let output = Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_of_another_program_is_removed() {
        let cluster = tempfile::tempdir().unwrap();
        let file = cluster.path().join("postmaster.pid");
        std::fs::write(&file, format!("{}\n/elsewhere\n", std::process::id())).unwrap();
        clear_stale_pid(cluster.path()).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_pid_file_whose_process_is_gone_is_left_to_postgres() {
        let cluster = tempfile::tempdir().unwrap();
        let file = cluster.path().join("postmaster.pid");
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        std::fs::write(&file, child.id().to_string()).unwrap();
        clear_stale_pid(cluster.path()).unwrap();
        assert!(file.exists());
    }

    #[test]
    fn a_second_holder_of_a_data_folder_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let held = lock(data.path()).unwrap();
        let refusal = lock(data.path()).unwrap_err();
        assert!(refusal.0.contains("is in use by another Tocsin"), "{refusal}");
        drop(held);
        lock(data.path()).unwrap();
    }

    #[test]
    fn a_lock_that_outlives_its_holder_for_a_moment_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let held = lock(data.path()).unwrap();
        let last = std::thread::spawn(move || {
            std::thread::sleep(2 * TICK);
            drop(held);
        });
        lock(data.path()).unwrap();
        last.join().unwrap();
    }

    #[test]
    fn the_password_is_new_each_time_and_hidden_from_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let account = Account::choose(Path::new("/no/such/cluster")).unwrap();
        write_password(&path, account).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        write_password(&path, account).unwrap();
        assert_ne!(first, std::fs::read_to_string(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
