//! `cargo xtask demo`: from a clean checkout to the three-ISP story in one command.

use std::{env, os::unix::process::CommandExt, path::PathBuf, process::Command};

use anyhow::Context;
use clap::Args;
use xshell::{Shell, cmd};

use crate::{packages, web};

#[derive(Args)]
pub(crate) struct Demo {
    /// Keep everything running after the story even where nobody can press Enter, until interrupted
    #[arg(long)]
    hold: bool,
}

impl Demo {
    pub(crate) fn run(self, shell: &Shell) -> anyhow::Result<()> {
        packages::install(shell, packages::LAB)?;
        let holdfast = build_holdfast(shell)?;

        let mut demo = Command::from(cmd!(shell, "{holdfast} lab demo"));
        if self.hold {
            demo.arg("--hold");
        }
        // The lab takes the place of this process: Ctrl-C and the exit status are its own.
        Err(demo.exec()).with_context(|| format!("start {}", holdfast.display()))
    }
}

/// Builds the dashboard and the optimised binary that has it inside, and says where that is.
pub(crate) fn build_holdfast(shell: &Shell) -> anyhow::Result<PathBuf> {
    web::build(shell)?;
    eprintln!("building holdfast (the first build takes some minutes)");
    cmd!(shell, "cargo build --release --package holdfast")
        .quiet()
        .run()?;
    Ok(target_directory()?.join("release/holdfast"))
}

/// Cargo's target directory, wherever it was configured to be: this program is in `<target>/debug/`.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2);
    Ok(target
        .context("xtask runs outside a target directory")?
        .into())
}
