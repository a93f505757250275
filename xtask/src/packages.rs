//! Installs the programs a chore needs, saying which and why.

use std::{env, path::PathBuf};

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

use crate::demo::target_directory;

/// A program we start, and where Debian and its relatives keep it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    package: &'static str,
    why: &'static str,
}

/// What the lab starts, and what building the binary needs.
pub(crate) const LAB: &[Program] = &[
    Program {
        name: "cc",
        package: "build-essential",
        why: "builds the assembler parts of the TLS library",
    },
    Program {
        name: "make",
        package: "make",
        why: "builds the assembler parts of the TLS library",
    },
    Program {
        name: "openvpn",
        package: "openvpn",
        why: "the lab connects real OpenVPN clients",
    },
    Program {
        name: "ip",
        package: "iproute2",
        why: "shows routes and interfaces inside the lab",
    },
    Program {
        name: "nft",
        package: "nftables",
        why: "the lab's router does NAT",
    },
    Program {
        name: "conntrack",
        package: "conntrack",
        why: "the virtual router shows and forgets connections",
    },
    Program {
        name: "curl",
        package: "curl",
        why: "the virtual router fetches with it",
    },
    Program {
        name: "ping",
        package: "iputils-ping",
        why: "tries paths inside the lab",
    },
    Program {
        name: "update-ca-certificates",
        package: "ca-certificates",
        why: "downloads are verified against it",
    },
];

/// What checking the store's queries needs.
pub(crate) const DATABASE: &[Program] = &[Program {
    name: "sqlite3",
    package: "sqlite3",
    why: "the store's queries are checked against a scratch database",
}];

/// What the pages of the documentation start, whose commands are tested.
pub(crate) const PAGES: &[Program] = &[
    Program {
        name: "curl",
        package: "curl",
        why: "docs/api.md speaks to the API with it",
    },
    Program {
        name: "jq",
        package: "jq",
        why: "docs/api.md reads answers with it",
    },
    Program {
        name: "socat",
        package: "socat",
        why: "docs/api.md pastes into the virtual router's terminal with it",
    },
];

/// What the dashboard is tested in.
pub(crate) const BROWSER: &[Program] = &[Program {
    name: "chromium",
    package: "chromium",
    why: "the dashboard is tested in a real browser",
}];

/// What setting an installation up from outside needs.
pub(crate) const CURL: &[Program] = &[Program {
    name: "curl",
    package: "curl",
    why: "sets up the installation that is tested",
}];

/// What boots the image of a router.
pub(crate) const QEMU: &[Program] = &[Program {
    name: "qemu-system-x86_64",
    package: "qemu-system-x86",
    why: "boots the image of a real RouterOS",
}];

/// What packages of PyPI need.
const PYTHON: &[Program] = &[Program {
    name: "python3",
    package: "python3-venv",
    why: "runs tests that others wrote in Python",
}];

/// Installs a package of PyPI, once, into a folder of its own below the target directory; the folder.
pub(crate) fn install_from_pypi(
    shell: &Shell,
    package: &str,
    why: &str,
) -> anyhow::Result<PathBuf> {
    let folder = target_directory()?.join("tools").join(package);
    // Written last, so that an installation that was cut short begins anew.
    let installed = folder.join("installed");
    if !installed.is_file() {
        eprintln!(
            "missing: {package} (from PyPI, into {}): {why}",
            folder.display()
        );
        install_python(shell)?;
        let pip = folder.join("bin/pip");
        cmd!(shell, "python3 -m venv --clear {folder}").run()?;
        cmd!(shell, "{pip} install --quiet {package}").run()?;
        shell.write_file(&installed, "")?;
    }
    Ok(folder)
}

/// Debian packs Python without what makes a folder for packages, so its being there is not enough.
fn install_python(shell: &Shell) -> anyhow::Result<()> {
    install(shell, PYTHON)?;
    let has_venv = cmd!(shell, "python3 -c 'import ensurepip, venv'")
        .quiet()
        .ignore_stderr();
    if has_venv.run().is_err() {
        eprintln!("missing: python3 -m venv (package python3-venv): keeps packages in a folder");
        apt_install(shell, PYTHON)?;
    }
    Ok(())
}

/// Installs those of `wanted` that no directory in PATH holds.
///
/// Touches nothing, and does not ask for root, when all of them are there.
pub(crate) fn install(shell: &Shell, wanted: &[Program]) -> anyhow::Result<()> {
    let missing = missing(shell, wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    for program in &missing {
        eprintln!(
            "missing: {} (package {}): {}",
            program.name, program.package, program.why
        );
    }
    apt_install(shell, &missing)?;

    let still = self::missing(shell, wanted)?;
    ensure!(
        still.is_empty(),
        "apt-get succeeded, but these programs are still not in PATH: {}",
        join(still.iter().map(|program| program.name)),
    );
    Ok(())
}

fn missing(shell: &Shell, wanted: &[Program]) -> anyhow::Result<Vec<Program>> {
    let path = shell.var_os("PATH").context("PATH is not set")?;
    let directories: Vec<_> = env::split_paths(&path).collect();
    let is_installed = |program: &&Program| {
        directories
            .iter()
            .any(|directory| directory.join(program.name).is_file())
    };
    Ok(wanted
        .iter()
        .filter(|program| !is_installed(program))
        .copied()
        .collect())
}

fn apt_install(shell: &Shell, programs: &[Program]) -> anyhow::Result<()> {
    let packages: Vec<_> = programs.iter().map(|program| program.package).collect();
    let names = packages.join(" ");
    if cmd!(shell, "apt-get --version").quiet().output().is_err() {
        bail!(
            "this system has no apt-get: install {names} with its own package manager, then run this again"
        );
    }
    let Some((env, before)) = env_as_root(shell)? else {
        bail!("root is needed once; run: sudo apt-get update && sudo apt-get install -y {names}");
    };
    // An image without package lists cannot install anything, and an old list names files that are gone.
    cmd!(shell, "{env} {before...} apt-get update --quiet").run()?;
    cmd!(
        shell,
        "{env} {before...} DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends {packages...}"
    )
    .run()?;
    Ok(())
}

/// How to start `env` so that what follows it runs as root: the program and the arguments before.
///
/// `None` when there is no way without asking somebody for a password.
fn env_as_root(shell: &Shell) -> anyhow::Result<Option<(&'static str, &'static [&'static str])>> {
    if cmd!(shell, "id -u").quiet().read()? == "0" {
        return Ok(Some(("env", &[])));
    }
    let sudo = cmd!(shell, "sudo -n true")
        .quiet()
        .ignore_stdout()
        .ignore_stderr();
    Ok(sudo.run().is_ok().then_some(("sudo", &["-n", "env"])))
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_missing_only_when_no_directory_in_path_holds_it() {
        let shell = Shell::new().unwrap();
        shell.set_var("PATH", "/usr/bin:/bin");
        let of = |name| Program {
            name,
            package: "",
            why: "",
        };

        let missing = missing(&shell, &[of("env"), of("no-such-program")]).unwrap();

        let names: Vec<_> = missing.iter().map(|program| program.name).collect();
        assert_eq!(names, ["no-such-program"]);
    }
}
