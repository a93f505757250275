//! `cargo xtask openapi`: writes `openapi.json` as the handlers make it, and the dashboard's client from that. Tests
//! compare each with what it is made from.

use xshell::{Shell, cmd};

use crate::web;

/// The committed document.
const DOCUMENT: &str = "openapi.json";

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let printed = cmd!(
        shell,
        "cargo run --quiet --package holdfast-control-plane --example openapi"
    )
    .read()?;
    shell.write_file(DOCUMENT, printed + "\n")?;
    web::write_client(shell)?;
    eprintln!(
        "{DOCUMENT} and the dashboard's client are written: commit them with the change that they describe"
    );
    Ok(())
}
