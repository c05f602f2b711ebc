//! Which operating system account the private Postgres runs as.
//!
//! Postgres refuses to run as root. An ordinary user runs it as itself; root
//! runs it as `postgres`, or else `nobody`, without becoming that user itself.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Refusal;

/// The account of the server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The user that runs Tocsin, who is not root.
    Own,
    /// Tocsin runs as root and steps down to this user and group.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for a server of this process whose cluster is, or will be, `cluster`:
    /// the owner of one that exists.
    pub(super) fn choose(cluster: &Path) -> Result<Self, Refusal> {
        let owner = std::fs::metadata(cluster).ok();
        let own =
            id(&["-u"]).ok_or_else(|| Refusal("the command `id` does not say who runs Tocsin".into()))?;
        if own != 0 {
            return match owner.map(|owner| owner.uid()) {
                Some(uid) if uid != own => Err(Refusal(format!(
                    "{} belongs to user {uid}, and Tocsin runs as user {own}",
                    cluster.display()
                ))),
                Some(_) | None => Ok(Self::Own),
            };
        }
        owner
            .filter(|owner| owner.uid() != 0)
            .map(|owner| Self::Other { uid: owner.uid(), gid: owner.gid() })
            .map_or_else(Self::unprivileged, Ok)
    }

    /// The account that stands in for root.
    fn unprivileged() -> Result<Self, Refusal> {
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Self::Other { uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
            .ok_or_else(|| {
                Refusal(
                    "Postgres does not run as root and there is neither an account `postgres` nor `nobody`; \
                     run Tocsin as another user, or set [database] url"
                        .into(),
                )
            })
    }

    /// A command that runs as this account, in `folder`, outside the group that
    /// the terminal's Ctrl-C reaches.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).process_group(0).stdin(Stdio::null());
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Whether this account can enter `folder` (it must be able to enter every parent too).
    pub(super) fn reaches(self, folder: &Path) -> bool {
        let mut probe = self.command("/bin/sh", Path::new("/"));
        probe.args(["-c", r#"cd "$1""#, "sh"]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }

    /// Gives `path` (not what is in it) to this account.
    pub(super) fn own(self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(uid), Some(gid)),
        }
    }
}

/// What the command `id` answers, when it is a number.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_never_runs_as_root() {
        let account = Account::choose(Path::new("/no/such/cluster")).unwrap();
        let output = account.command("id", Path::new("/")).arg("-u").output().unwrap();
        assert_ne!(String::from_utf8(output.stdout).unwrap().trim(), "0");
    }

    #[test]
    fn a_folder_that_is_missing_is_not_reached() {
        let account = Account::choose(Path::new("/no/such/cluster")).unwrap();
        assert!(account.reaches(Path::new("/")));
        assert!(!account.reaches(Path::new("/no/such/folder")));
    }
}
