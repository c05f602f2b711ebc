//! Folders that the account of the private Postgres can use.
//!
//! Root's home (mode 700) hides what is in it from the account that the server
//! runs as; then a folder under `/var` stands in, and a log line says so.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::account::Account;
use crate::Refusal;

/// Only root may create names here, so nobody can put a folder in the way.
const DATA: &str = "/var/lib/tocsin";
const CACHE: &str = "/var/cache/tocsin";

/// The folder of unpacked binaries: `$TOCSIN_CACHE`, else `~/.cache/tocsin`.
pub(super) fn cache(account: Account) -> Result<PathBuf, Refusal> {
    let wanted = std::env::var_os("TOCSIN_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tocsin")))
        .ok_or_else(|| Refusal("neither TOCSIN_CACHE nor HOME is set: nowhere to keep Postgres".into()))?;
    usable(account, &wanted, Path::new(CACHE))
}

/// The folder that keeps the data asked for in `wanted`.
pub(super) fn data(account: Account, wanted: &Path) -> Result<PathBuf, Refusal> {
    let absolute = std::path::absolute(wanted).map_err(|error| cannot("resolve", wanted, &error))?;
    let name = format!("data-{:016x}", fnv1a(absolute.to_string_lossy().as_bytes()));
    usable(account, &absolute, &Path::new(DATA).join(name))
}

fn usable(account: Account, wanted: &Path, instead: &Path) -> Result<PathBuf, Refusal> {
    make(wanted).map_err(|error| cannot("create", wanted, &error))?;
    if account.reaches(wanted) {
        return wanted.canonicalize().map_err(|error| cannot("open", wanted, &error));
    }
    tracing::warn!(
        "the account that runs Postgres cannot enter {}; using {} instead",
        wanted.display(),
        instead.display()
    );
    make(instead).map_err(|error| cannot("create", instead, &error))?;
    if account.reaches(instead) {
        return instead.canonicalize().map_err(|error| cannot("open", instead, &error));
    }
    Err(Refusal(format!(
        "the account that runs Postgres can enter neither {} nor {}",
        wanted.display(),
        instead.display()
    )))
}

/// Makes `folder` and its missing parents so that others may enter them,
/// whatever the umask says.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make(parent)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn cannot(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    Refusal(format!("cannot {what} {}: {error}", path.display()))
}

/// 64-bit FNV-1a: the same path gives the same name in every version of Tocsin.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_can_be_entered_by_the_server_account() {
        let account = Account::choose(Path::new("/no/such/cluster")).unwrap();
        let parent = tempfile::tempdir().unwrap();
        std::fs::set_permissions(parent.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let wanted = parent.path().join("a/b");
        assert_eq!(usable(account, &wanted, Path::new("/nowhere")).unwrap(), wanted.canonicalize().unwrap());
    }

    #[test]
    fn a_hidden_folder_is_replaced_when_the_server_runs_as_another_account() {
        let account = Account::choose(Path::new("/no/such/cluster")).unwrap();
        let (hidden, open) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::set_permissions(hidden.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let wanted = hidden.path().join("data");
        let chosen = usable(account, &wanted, &open.path().join("instead")).unwrap();
        let expected = if account != Account::Own { open.path().join("instead") } else { wanted };
        assert_eq!(chosen, expected.canonicalize().unwrap());
    }

    #[test]
    fn the_hash_is_the_published_fnv1a() {
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
