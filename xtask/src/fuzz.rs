//! `cargo xtask fuzz`: runs the fuzz targets for a while, with the committed corpora as seeds.
//!
//! What they find new goes below `target/`, so that a run leaves the checkout clean; an input worth keeping
//! is copied to `fuzz/corpus/` by hand, where the ordinary tests replay it from then on.

use anyhow::Context;
use clap::Args;
use xshell::{Shell, cmd};

use crate::demo::target_directory;

#[derive(Args)]
pub(crate) struct Fuzz {
    /// Which target; all of them, one after the other, when left out
    target: Option<String>,
    /// How long to run each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

impl Fuzz {
    pub(crate) fn run(self, shell: &Shell) -> anyhow::Result<()> {
        install_toolchain(shell)?;
        let targets = match self.target {
            Some(target) => vec![target],
            None => all_targets(shell)?,
        };
        for target in targets {
            fuzz(shell, &target, self.seconds)
                .with_context(|| format!("fuzz target {target} found something"))?;
        }
        Ok(())
    }
}

fn install_toolchain(shell: &Shell) -> anyhow::Result<()> {
    if cmd!(shell, "cargo +nightly --version")
        .quiet()
        .output()
        .is_err()
    {
        eprintln!("missing: a nightly toolchain: the fuzzer instruments code with its flags");
        cmd!(shell, "rustup toolchain install nightly --profile minimal").run()?;
    }
    if cmd!(shell, "cargo fuzz --version")
        .quiet()
        .output()
        .is_err()
    {
        eprintln!("missing: cargo-fuzz: builds and starts the fuzz targets");
        cmd!(shell, "cargo install cargo-fuzz --locked").run()?;
    }
    Ok(())
}

fn all_targets(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let list = cmd!(shell, "cargo +nightly fuzz list").quiet().read()?;
    Ok(list.lines().map(str::to_owned).collect())
}

fn fuzz(shell: &Shell, target: &str, seconds: u64) -> anyhow::Result<()> {
    let found = target_directory()?.join("fuzz-corpus").join(target);
    shell.create_dir(&found)?;
    let limit = format!("-max_total_time={seconds}");
    let seeds = format!("fuzz/corpus/{target}");
    cmd!(
        shell,
        "cargo +nightly fuzz run {target} {found} {seeds} -- {limit}"
    )
    .run()?;
    Ok(())
}
