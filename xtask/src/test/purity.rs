//! The wall that keeps sockets, clocks and databases out of the pure crates: their dependency trees.

use anyhow::ensure;
use xshell::{Shell, cmd};

/// Crates that must build without any I/O library.
const PURE: &[&str] = &[
    "holdfast-api-types",
    "holdfast-failover",
    "holdfast-ovpn-proto",
    "holdfast-routeros-plan",
    "holdfast-routeros-proto",
    "holdfast-sealed-grant",
];

/// What none of them may depend on, directly or through something else.
const FORBIDDEN: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "mio",
    "nix",
    "reqwest",
    "rtnetlink",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
];

/// Fails, naming crate and culprit, when a pure crate depends on something forbidden.
pub(super) fn check(shell: &Shell) -> anyhow::Result<()> {
    for krate in PURE {
        let tree = cmd!(
            shell,
            "cargo tree --quiet --edges normal --prefix none --package {krate}"
        )
        .read()?;
        let found = forbidden_in(&tree);
        ensure!(
            found.is_empty(),
            "{krate} may do no I/O, but depends on {}; see: cargo tree -e normal -p {krate} -i {}",
            found.join(", "),
            found[0],
        );
    }
    Ok(())
}

/// Reads `cargo tree --prefix none`: one `name version ...` per line.
fn forbidden_in(tree: &str) -> Vec<&str> {
    let mut found: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| FORBIDDEN.contains(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_forbidden_crate_once_however_deep_it_sits() {
        let tree =
            "holdfast-failover v0.1.0 (/src)\nthiserror v2.0.1\ntokio v1.54.0\ntokio v1.54.0 (*)\n";
        assert_eq!(forbidden_in(tree), ["tokio"]);
    }

    #[test]
    fn a_crate_whose_name_only_begins_like_a_forbidden_one_passes() {
        assert_eq!(forbidden_in("tokio-free v1.0.0\n"), [""; 0]);
    }
}
