use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use holdfast_ovpn_proto::{
    Habits,
    data::{Auth, Cipher},
};

use crate::users::Users;

/// What to dial, and how often.
#[derive(Debug, Clone)]
pub struct Dial {
    /// The server.
    pub target: SocketAddr,
    /// How many connections.
    pub connections: usize,
    /// How many are started per second.
    pub rate: f64,
    /// Dial from this many addresses 127.0.x.y in turn; 0 leaves it to the kernel.
    pub sources: usize,
}

/// What each connection does.
#[derive(Debug, Clone)]
pub enum Task {
    /// Logs in, and answers probes and pings.
    Tunnel(TunnelOptions),
    /// Sends nothing at all.
    HalfOpen,
    /// Sends a sound hello, a byte per second.
    Trickle,
}

/// How tunnels log in.
#[derive(Debug, Clone)]
pub struct TunnelOptions {
    /// Whom to log in as.
    pub users: Users,
    /// Which client to look like.
    pub client: Client,
    /// The TLS version to offer.
    pub tls: TlsVersion,
    /// CA to check the server with; without one it is not checked.
    pub ca: Option<PathBuf>,
    /// Dial again, half a second to one and a half later, when a connection ends.
    pub reconnect: bool,
}

/// A client whose habits are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// OpenVPN 2.7: PUSH_UPDATE.
    OpenVpn27,
    /// OpenVPN 2.6.
    OpenVpn26,
    /// OpenVPN 2.4: asks for its push, derives keys with the PRF.
    OpenVpn24,
    /// RouterOS: says nothing about itself, CBC.
    RouterOs,
}

impl Client {
    pub(crate) fn habits(self) -> Habits {
        match self {
            Self::OpenVpn27 => Habits::openvpn_2_7(),
            Self::OpenVpn26 => Habits::openvpn_2_6(),
            Self::OpenVpn24 => Habits::openvpn_2_4(),
            Self::RouterOs => Habits::router_os(),
        }
    }

    /// What it uses when the server pushes no cipher.
    pub(crate) fn ciphers(self) -> (Cipher, Auth) {
        match self {
            Self::OpenVpn27 | Self::OpenVpn26 | Self::OpenVpn24 => (Cipher::Aes256Gcm, Auth::Sha1),
            Self::RouterOs => (Cipher::Aes256Cbc, Auth::Sha1),
        }
    }
}

impl FromStr for Client {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "2.7" => Ok(Self::OpenVpn27),
            "2.6" => Ok(Self::OpenVpn26),
            "2.4" => Ok(Self::OpenVpn24),
            "routeros" => Ok(Self::RouterOs),
            _ => Err("use 2.7, 2.6, 2.4 or routeros"),
        }
    }
}

/// The one version of TLS that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl FromStr for TlsVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.2" => Ok(Self::V12),
            "1.3" => Ok(Self::V13),
            _ => Err("use 1.2 or 1.3"),
        }
    }
}
