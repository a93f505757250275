//! What thousands of tunnels cost the server: `holdfast load bench` measures and prints the table.

use xshell::{Shell, cmd};

use super::Setup;

pub(super) fn run(shell: &Shell, bench: &Setup) -> anyhow::Result<()> {
    let (holdfast, results) = (&bench.holdfast, &bench.results);
    let quick = bench.quick.then_some("--quick");
    cmd!(shell, "{holdfast} load bench {quick...} --out {results}")
        .quiet()
        .run()?;
    eprintln!("written to {}", results.join("load.md").display());
    Ok(())
}
