use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use crate::{
    data::{Auth, Cipher},
    tls::TlsProvider,
    wire::{PeerInfo, options},
};

/// What all connections of a client share.
pub struct ClientConfig {
    /// Makes the TLS sessions.
    pub tls: Arc<dyn TlsProvider>,
    /// User name to log in with.
    pub username: String,
    /// Password to log in with.
    pub password: Zeroizing<String>,
    /// Which client we look like.
    pub habits: Habits,
    /// Cipher when the server pushes none.
    pub cipher: Cipher,
    /// Digest for CBC ciphers.
    pub auth: Auth,
    /// Renegotiate a key at this age; `None` leaves it to the server.
    pub renegotiate_after: Option<Duration>,
}

impl ClientConfig {
    pub(super) fn options(&self) -> String {
        match &self.habits.peer_info {
            Some(peer) if peer.ncp >= 2 => options::negotiating_client(self.auth),
            Some(_) | None => options::fixed_client(self.cipher, self.auth),
        }
    }
}

/// How a kind of client announces itself and behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// `IV_*` lines; RouterOS sends none.
    pub peer_info: Option<PeerInfo>,
    /// Sends two resets in a row, the second with packet id 1 (seen from RouterOS 6.43 on).
    pub double_reset: bool,
    /// Sends its TLS hello before it has seen the server's reset (seen from RouterOS 7.1).
    pub early_hello: bool,
}

/// Bits of IV_PROTO that the real clients set and this one must not: dynamic tls-crypt and epoch data keys. A
/// stock server takes a client at its word and pushes them.
const NOT_OURS: u32 = 1 << 9 | 1 << 10;

impl Habits {
    /// OpenVPN 2.7, PUSH_UPDATE included.
    pub fn openvpn_2_7() -> Self {
        Self::announcing(
            "2.7.6",
            8094 & !NOT_OURS,
            Some("AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"),
        )
    }

    /// OpenVPN 2.6.
    pub fn openvpn_2_6() -> Self {
        Self::announcing(
            "2.6.14",
            990 & !NOT_OURS,
            Some("AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"),
        )
    }

    /// OpenVPN 2.4: asks for its push, derives keys with the PRF.
    pub fn openvpn_2_4() -> Self {
        Self::announcing("2.4.12", 2, Some("AES-256-GCM:AES-128-GCM:BF-CBC"))
    }

    /// RouterOS: says nothing about itself.
    pub fn router_os() -> Self {
        Self {
            peer_info: None,
            double_reset: true,
            early_hello: true,
        }
    }

    fn announcing(version: &str, proto: u32, ciphers: Option<&str>) -> Self {
        let ciphers = ciphers
            .map(|list| format!("IV_CIPHERS={list}\n"))
            .unwrap_or_default();
        let mtu = if proto & 4 != 0 { "IV_MTU=1600\n" } else { "" };
        let lines = format!(
            "IV_VER={version}\nIV_PLAT=linux\nIV_TCPNL=1\n{mtu}IV_NCP=2\n{ciphers}IV_PROTO={proto}\n"
        );
        Self {
            peer_info: Some(PeerInfo::parse(Some(&lines))),
            double_reset: false,
            early_hello: false,
        }
    }

    pub(super) fn waits_for_push(&self) -> bool {
        self.peer_info
            .as_ref()
            .is_some_and(|peer| peer.proto.request_push())
    }
}
