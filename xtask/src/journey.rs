//! `cargo xtask journey`: the first day of a site, in a real browser against the real binary and the lab.
//!
//! What happens is in `web/scripts/journey/story.mjs`.

use xshell::{Shell, cmd};

use crate::{demo::target_directory, packages, web};

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    packages::install(shell, &[packages::LAB, packages::BROWSER].concat())?;
    cmd!(shell, "cargo build --package holdfast")
        .quiet()
        .run()?;
    // A debug build of the binary reads the dashboard from the disk.
    web::build(shell)?;
    let holdfast = target_directory()?.join("debug/holdfast");
    let _folder = web::prepare(shell)?;
    cmd!(shell, "npm run --silent journey")
        .env("HOLDFAST_BINARY", holdfast)
        .quiet()
        .run()?;
    Ok(())
}
