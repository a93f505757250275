//! `cargo xtask test`: what CI runs, step by step, each with its name and how long it took.
//!
//! A failing step does not stop the ones after it, so one run shows everything that is wrong.

mod purity;
mod runner;

use std::time::{Duration, Instant};

use anyhow::bail;
use xshell::{Cmd, Shell, cmd};

use crate::packages;

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let started = Instant::now();
    packages::install(shell, packages::LAB)?;

    let mut steps = Steps::default();
    steps.command("fmt", cmd!(shell, "cargo fmt --all --check"));
    steps.command(
        "clippy",
        cmd!(
            shell,
            "cargo clippy --workspace --all-targets -- -D warnings"
        ),
    );
    steps.command(
        "doc",
        cmd!(
            shell,
            "cargo doc --workspace --no-deps --document-private-items"
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
    );
    steps.run("pure crates", || purity::check(shell));
    steps.command("doctests", cmd!(shell, "cargo test --workspace --doc"));
    let mut closing = Vec::new();
    steps.run("tests", || {
        let outcome = runner::run(shell)?;
        closing = outcome.closing;
        outcome.result
    });

    steps.report(started.elapsed());
    // Last, so that they are what a reader of a long log sees first.
    for line in closing {
        eprintln!("{line}");
    }
    steps.verdict()
}

#[derive(Default)]
struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    passed: bool,
    took: Duration,
}

impl Steps {
    fn command(&mut self, name: &'static str, command: Cmd<'_>) {
        self.run(name, || Ok(command.run()?));
    }

    fn run(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        eprintln!("\n==> {name}");
        let started = Instant::now();
        let result = work();
        let step = Step {
            name,
            passed: result.is_ok(),
            took: started.elapsed(),
        };
        if let Err(err) = result {
            eprintln!("{err:#}");
        }
        eprintln!("{step}");
        self.done.push(step);
    }

    fn report(&self, total: Duration) {
        eprintln!();
        for step in &self.done {
            eprintln!("{step}");
        }
        eprintln!("total {:.1} s\n", total.as_secs_f64());
    }

    fn verdict(&self) -> anyhow::Result<()> {
        let failed: Vec<_> = self
            .done
            .iter()
            .filter(|step| !step.passed)
            .map(|step| step.name)
            .collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "ok" } else { "FAILED" };
        let seconds = self.took.as_secs_f64();
        write!(f, "{:<12} {verdict:<7} {seconds:7.1} s", self.name)
    }
}
