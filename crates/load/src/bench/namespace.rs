//! A network namespace for the whole process: the openvpn server needs a TUN device and addresses of its own.

use std::fs;

use anyhow::Context;
use nix::{
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};
use rtnetlink::LinkUnspec;

/// Moves the process into an empty network namespace with the loopback interface up. Without root it becomes
/// root of a user namespace first.
///
/// # Errors
/// When the machine allows neither. The process must not have a second thread yet.
pub(super) fn enter() -> anyhow::Result<()> {
    let (user, group) = (geteuid(), getegid());
    if user.is_root() {
        unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace")?;
    } else {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
            .context("cannot make a user namespace: run this as root")?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    set_loopback_up().context("cannot set the loopback interface up")
}

fn set_loopback_up() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        let up = LinkUnspec::new_with_name("lo").up().build();
        Ok(handle.link().set(up).execute().await?)
    })
}
