//! `cargo xtask bench`: measures Holdfast, where there is one beside stock OpenVPN, in one run on one machine.
//!
//! Absolute numbers depend on the machine and on what else it does; what is comparable is the ratio between
//! the columns of one table. The control plane stands alone: stock OpenVPN has none. Tables and raw results are written below `target/bench/`.

mod control_plane;
mod lab;
mod load;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use xshell::Shell;

use crate::{demo, packages};

#[derive(Args)]
pub(crate) struct Bench {
    /// Which part to measure
    #[arg(value_enum, default_value_t = Part::All)]
    part: Part,
    /// One run of everything instead of several: shows that it works, measures nothing
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// How long users are without internet in each scenario of the lab
    Lab,
    /// What thousands of tunnels cost the controller, beside the stock openvpn server
    Load,
    /// What a fleet of 100,000 tunnels costs the control plane
    ControlPlane,
    /// Every part
    All,
}

impl Bench {
    pub(crate) fn run(self, shell: &Shell) -> anyhow::Result<()> {
        packages::install(shell, packages::LAB)?;
        let bench = Setup {
            holdfast: demo::build_holdfast(shell)?,
            results: demo::target_directory()?.join("bench"),
            quick: self.quick,
        };
        shell.create_dir(&bench.results)?;
        match self.part {
            Part::Lab => lab::run(shell, &bench),
            Part::Load => load::run(shell, &bench),
            Part::ControlPlane => control_plane::run(shell, &bench),
            Part::All => {
                let load = load::run(shell, &bench);
                let control_plane = control_plane::run(shell, &bench);
                lab::run(shell, &bench).and(load).and(control_plane)
            }
        }
    }
}

/// What every part needs.
struct Setup {
    /// The optimised binary.
    holdfast: PathBuf,
    /// Where tables and raw results go.
    results: PathBuf,
    quick: bool,
}
