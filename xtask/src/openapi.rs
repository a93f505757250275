//! `cargo xtask openapi`: writes `openapi.json` as the handlers make it. A test compares the two.

use xshell::{Shell, cmd};

/// The committed document.
const DOCUMENT: &str = "openapi.json";

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let printed = cmd!(
        shell,
        "cargo run --quiet --package holdfast-control-plane --example openapi"
    )
    .read()?;
    shell.write_file(DOCUMENT, printed + "\n")?;
    eprintln!("{DOCUMENT} is written: commit it with the change that it describes");
    Ok(())
}
