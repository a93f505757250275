//! The chores of this repository, each one command: `cargo xtask help` lists them.
//!
//! This program is the first thing compiled on a machine that has never seen the project, so it stays small:
//! it starts other programs and reads their output, and knows nothing of Holdfast itself. One file per chore;
//! `packages` installs what a chore finds missing.

mod api;
mod bench;
mod chr;
mod clients;
mod demo;
mod fuzz;
mod journey;
mod openapi;
mod packages;
mod sqlx;
mod test;
mod web;

use std::{env, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use xshell::Shell;

/// Chores of the Holdfast repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what is missing, then run every check and every test
    Test,
    /// Install what is missing, build, and play the three-ISP story in this terminal
    Demo(demo::Demo),
    /// Send the HTTP API requests that nobody thought of, and look at its answers
    Api(api::Api),
    /// Let clients of the RouterOS API that others wrote use the lab's virtual router
    Clients,
    /// Lay a real RouterOS beside the virtual router, and show what it answers otherwise
    Chr(chr::Chr),
    /// Let a browser live the first day of a site in the dashboard, with the mouse and with the keyboard alone
    Journey,
    /// Measure, where there is one beside stock OpenVPN, as tables
    Bench(bench::Bench),
    /// Feed a parser with arbitrary bytes and look for crashes (needs a nightly toolchain)
    Fuzz(fuzz::Fuzz),
    /// Check the store's queries against its migrations, and keep what the compiler needs to know
    Sqlx(sqlx::Sqlx),
    /// Write openapi.json from the handlers of the HTTP API, and the dashboard's client from it; run it after changing one
    Openapi,
    /// Build the dashboard into web/dist, from where the binary takes it
    Web(web::Web),
}

const EXAMPLES: &str = "\
Where to start:
  cargo xtask demo           see a site with three ISPs keep its traffic when one fails
  cargo xtask demo --hold    the same, and stay up even where nobody can press Enter
  cargo xtask bench lab      outages beside stock OpenVPN, medians of five runs each
  cargo xtask test           what CI runs, in the same order

Missing Debian packages are installed with apt-get, as root or through `sudo -n`.";

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        // Not by returning it: with RUST_BACKTRACE set that would bury the message under our own frames.
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    let shell = repository_shell()?;
    match chore {
        Chore::Test => test::run(&shell),
        Chore::Demo(demo) => demo.run(&shell),
        Chore::Api(api) => api.run(&shell),
        Chore::Clients => clients::run(&shell),
        Chore::Chr(chr) => chr.run(&shell),
        Chore::Journey => journey::run(&shell),
        Chore::Bench(bench) => bench.run(&shell),
        Chore::Fuzz(fuzz) => fuzz.run(&shell),
        Chore::Sqlx(sqlx) => sqlx.run(&shell),
        Chore::Openapi => openapi::run(&shell),
        Chore::Web(web) => web.run(&shell),
    }
}

/// A shell in the root of the repository, whose PATH also has the directories that hold `openvpn`, `ip` and
/// `nft`: an ordinary user's PATH on Debian lacks them.
fn repository_shell() -> anyhow::Result<Shell> {
    let shell = Shell::new()?;
    let manifest = env::var("CARGO_MANIFEST_DIR").context("start this as `cargo xtask`")?;
    shell.change_dir(format!("{manifest}/.."));

    let inherited = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into);
    shell.set_var(
        "PATH",
        env::join_paths(env::split_paths(&inherited).chain(system))?,
    );
    Ok(shell)
}
