//! `cargo xtask test`: what CI runs, step by step, each with its name and how long it took.
//!
//! A failing step does not stop the ones after it, so one run shows everything that is wrong.

mod purity;
mod runner;

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::{clients, journey, packages, sqlx, web};

/// The steps that are one line for a shell each. CONTRIBUTING.md lists the same.
const COMMANDS: &[(&str, &str)] = &[
    ("fmt", "cargo fmt --all --check"),
    (
        "clippy",
        "cargo clippy --workspace --all-targets -- -D warnings",
    ),
    (
        "doc",
        "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items",
    ),
    ("doctests", "cargo test --workspace --doc"),
];

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let started = Instant::now();
    packages::install(shell, &[packages::LAB, packages::PAGES].concat())?;

    let mut steps = Steps::default();
    // First, because the binary has what it builds inside.
    steps.run("web", || web::check(shell));
    for (name, command) in COMMANDS {
        steps.run(name, || {
            eprintln!("$ {command}");
            cmd!(shell, "sh -c {command}").quiet().run()?;
            Ok(())
        });
    }
    steps.run("pure crates", || purity::check(shell));
    steps.run("sql", || sqlx::check(shell));
    let mut closing = Vec::new();
    steps.run("tests", || {
        let outcome = runner::run(shell)?;
        closing = outcome.closing;
        outcome.result
    });
    steps.run("clients", || clients::run(shell));
    steps.run("journey", || journey::run(shell));

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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "ok" } else { "FAILED" };
        let seconds = self.took.as_secs_f64();
        write!(f, "{:<12} {verdict:<7} {seconds:7.1} s", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contributing_page_lists_the_same_commands() {
        let page = include_str!("../../CONTRIBUTING.md");
        for (name, command) in COMMANDS {
            assert!(page.contains(&format!("| {name} |")), "{name}");
            assert!(page.contains(command), "{command}");
        }
    }
}
