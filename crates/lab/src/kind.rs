//! Which programs play the controller and the routers' clients.

use std::{fmt, str::FromStr};

use anyhow::bail;

/// Who serves the tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// `holdfast serve`, operated through its HTTP API.
    Holdfast,
    /// Our controller alone, with a grants file.
    Standalone,
    /// The stock OpenVPN server with its usual `keepalive 10 60`.
    Openvpn,
    /// The stock OpenVPN server with the quickest keepalive that does not restart healthy tunnels.
    OpenvpnTuned,
}

/// Who dials the controller from the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// The stock `openvpn` program.
    Stock,
    /// Our own agent.
    Agent,
    /// A virtual MikroTik router with a client for every line, configured by hand.
    Routeros,
    /// A virtual MikroTik router as it comes out of its box, which the operator adopts. Needs
    /// [`ServerKind::Holdfast`].
    Adopted,
}

impl ServerKind {
    const ALL: [(&str, Self); 4] = [
        ("holdfast", Self::Holdfast),
        ("standalone", Self::Standalone),
        ("openvpn", Self::Openvpn),
        ("openvpn-tuned", Self::OpenvpnTuned),
    ];
}

impl ClientKind {
    const ALL: [(&str, Self); 4] = [
        ("stock", Self::Stock),
        ("agent", Self::Agent),
        ("routeros", Self::Routeros),
        ("adopted", Self::Adopted),
    ];
}

impl ClientKind {
    /// Whether addresses, routes and address translation of the router's WAN interfaces are its own affair.
    pub(crate) fn owns_router(self) -> bool {
        matches!(self, Self::Routeros | Self::Adopted)
    }
}

impl FromStr for ServerKind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        one_of(&Self::ALL, text)
    }
}

impl FromStr for ClientKind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        one_of(&Self::ALL, text)
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::ALL, self))
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::ALL, self))
    }
}

fn one_of<T: Copy>(all: &[(&str, T)], text: &str) -> anyhow::Result<T> {
    match all.iter().find(|(name, _)| *name == text) {
        Some((_, kind)) => Ok(*kind),
        None => {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            bail!("not one of {}", names.join(", "))
        }
    }
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], kind: &T) -> &'static str {
    all.iter()
        .find(|(_, one)| one == kind)
        .map_or("unnamed", |(name, _)| name)
}
