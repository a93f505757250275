//! A shell inside a running lab.

use std::{env, fs, fs::File, os::unix::process::CommandExt, path::Path, process::Command};

use anyhow::{Context, bail};
use nix::sched::{CloneFlags, setns};

use crate::control::{Reply, Request, ask};

/// Becomes a shell (or `command`) in a namespace of the running lab. Returns only if that fails.
///
/// Must be called before the process has a second thread, like [`become_root`](crate::become_root).
///
/// # Errors
/// When no lab is running, it has no such namespace, or there is no shell.
pub fn enter_shell(namespace: &str, command: &[String]) -> anyhow::Error {
    match enter(namespace) {
        Ok(()) => become_shell(namespace, command),
        Err(error) => error,
    }
}

fn enter(namespace: &str) -> anyhow::Result<()> {
    let request = Request::Namespace {
        name: namespace.into(),
    };
    let Reply::Namespace { user, network } = ask(&request)? else {
        bail!("the lab did not say where {namespace} is");
    };
    // Opened first: from within the lab's user namespace the path would be somebody else's.
    let network_file = open(&network)?;
    if fs::read_link(&user)? != fs::read_link("/proc/self/ns/user")? {
        setns(open(&user)?, CloneFlags::CLONE_NEWUSER)
            .context("cannot enter the lab's user namespace")?;
    }
    setns(network_file, CloneFlags::CLONE_NEWNET)
        .with_context(|| format!("cannot enter {namespace}"))
}

fn become_shell(namespace: &str, command: &[String]) -> anyhow::Error {
    let shell = env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
    let (program, arguments) = match command {
        [] => (shell.as_str(), command),
        [program, arguments @ ..] => (program.as_str(), arguments),
    };
    let error = Command::new(program)
        .args(arguments)
        .env("HOLDFAST_LAB", namespace)
        .exec();
    anyhow::Error::new(error).context(format!("cannot start {program}"))
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}
