//! The right to make namespaces, for those who are not root.

use std::{fs, sync::OnceLock};

use anyhow::Context;
use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Uid, getegid, geteuid, getuid},
};

/// Who really runs this program, whatever a user namespace makes of it.
static REAL_USER: OnceLock<Uid> = OnceLock::new();

/// Makes an ordinary user root of a user namespace of their own; does nothing for root.
///
/// Must be called before the process has a second thread: the kernel lets only single-threaded processes do this.
///
/// # Errors
/// When the system does not let ordinary users make user namespaces.
pub fn become_root() -> anyhow::Result<()> {
    let (user, group) = (geteuid(), getegid());
    real_user();
    if user.is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER).context(
        "this system lets only root make namespaces: run the lab as root, or allow user namespaces \
         (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
         kernel.apparmor_restrict_unprivileged_userns)",
    )?;
    // The kernel wants this before an ordinary user may map a group.
    write_own("setgroups", "deny")?;
    write_own("uid_map", &format!("0 {user} 1"))?;
    write_own("gid_map", &format!("0 {group} 1"))
}

pub(crate) fn real_user() -> Uid {
    *REAL_USER.get_or_init(getuid)
}

fn write_own(file: &str, text: &str) -> anyhow::Result<()> {
    let path = format!("/proc/self/{file}");
    fs::write(&path, text).with_context(|| format!("cannot write {path}"))
}
