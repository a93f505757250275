//! What the control plane takes for log-ins, for a restart and in memory, with a whole fleet in its database.

use xshell::{Cmd, Shell, cmd};

use super::Setup;

pub(super) fn run(shell: &Shell, bench: &Setup) -> anyhow::Result<()> {
    // Three tunnels each.
    let (sites, logins) = match bench.quick {
        true => ("200", "300"),
        false => ("33334", "20000"),
    };
    let (holdfast, results) = (&bench.holdfast, &bench.results);
    let dir = results.join("control-plane");
    shell.remove_path(&dir)?;
    shell.create_dir(&dir)?;
    let (data, users) = (dir.join("data"), dir.join("users.txt"));

    eprintln!("making a database of {sites} sites");
    example(shell, "seed")
        .args([dir.as_os_str(), sites.as_ref()])
        .run()?;

    eprintln!("log-ins at the engine");
    // Of a copy: afterwards the tunnels in it will have been connected.
    let copy = dir.join("authorize.db");
    shell.copy_file(data.join("holdfast.db"), &copy)?;
    let logins = example(shell, "authorize")
        .args([copy.as_os_str(), users.as_os_str(), logins.as_ref()])
        .read()?;

    let quick = bench.quick.then_some("--quick");
    let serve = cmd!(
        shell,
        "{holdfast} load bench-serve {quick...} --data {data} --users {users} --out {dir}"
    )
    .quiet()
    .read()?;

    let page = format!("| | |\n|---|---:|\n{logins}\n{serve}\n");
    let path = results.join("control-plane.md");
    shell.write_file(&path, &page)?;
    eprintln!("\n{page}\nwritten to {}", path.display());
    Ok(())
}

/// Measuring code that is no part of the product is in examples of the crate that it measures.
fn example<'a>(shell: &'a Shell, name: &str) -> Cmd<'a> {
    let cargo = cmd!(
        shell,
        "cargo run --release --quiet --package holdfast-control-plane --example {name} --"
    );
    cargo.quiet()
}
