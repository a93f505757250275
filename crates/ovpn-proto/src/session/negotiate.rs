//! The server's choice of cipher, key derivation and framing for one client (openvpn `multi.c`,
//! `ssl_ncp.c`).

use super::core::Agreement;
use crate::{
    data::{Auth, Cipher, Framing},
    wire::{KeyExport, OccOptions, PeerInfo},
};

/// What a client can do, kept for the life of the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Waits for PUSH_REPLY without asking (IV_PROTO bit 2).
    pub(super) push_unasked: bool,
    /// Takes PUSH_UPDATE (bit 12).
    pub(super) push_update: bool,
    /// Understands AUTH_FAILED,TEMP (bit 8).
    pub(super) temporary_failure: bool,
    /// Says who it is, as every OpenVPN client does. RouterOS-like ones do not, and there we start nothing.
    pub(super) renegotiates: bool,
}

/// What we agree with a client, and how to tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) agreement: Agreement,
    /// Whether the client accepts a pushed `cipher`.
    pub(super) push_cipher: bool,
    /// Whether it accepts a pushed `tun-mtu`.
    pub(super) push_mtu: bool,
    pub(super) abilities: Abilities,
}

/// Chooses for a client that sent these options and this peer info.
///
/// # Errors
/// A reason for AUTH_FAILED, readable in the client's log.
pub(super) fn choose(
    ours: &[Cipher],
    options: &OccOptions,
    peer: &PeerInfo,
) -> Result<Choice, String> {
    if options.dev_type.as_deref().is_some_and(|dev| dev != "tun") {
        return Err("use dev tun: tap is not supported".into());
    }
    let cipher = choose_cipher(ours, options, peer)?;
    let auth = choose_auth(cipher, options)?;
    let proto = peer.proto;
    Ok(Choice {
        agreement: Agreement {
            cipher,
            auth,
            // On TCP the id carries no information; pushing one only turns on DATA_V2.
            peer_id: proto.data_v2().then_some(0),
            key_export: match (proto.key_export(), proto.exit_and_protocol_flags()) {
                (true, true) => KeyExport::ProtocolFlags,
                (true, false) => KeyExport::KeyDerivation,
                (false, _) => KeyExport::None,
            },
            framing: match (options.comp_lzo, peer.comp_stub_v2) {
                (true, true) => Framing::StubV2,
                (true, false) => Framing::CompLzoNo,
                (false, _) => Framing::None,
            },
        },
        push_cipher: peer.ncp >= 2 || peer.ciphers.is_some(),
        push_mtu: peer.mtu.is_some(),
        abilities: Abilities {
            push_unasked: proto.request_push(),
            push_update: proto.push_update(),
            temporary_failure: proto.auth_failed_temp(),
            renegotiates: peer.version.is_some(),
        },
    })
}

fn choose_cipher(ours: &[Cipher], options: &OccOptions, peer: &PeerInfo) -> Result<Cipher, String> {
    let fallback = options.cipher.as_deref().and_then(Cipher::from_name);
    let offered: Vec<Cipher> = match &peer.ciphers {
        Some(names) => names
            .iter()
            .filter_map(|name| Cipher::from_name(name))
            .collect(),
        None if peer.ncp >= 2 => [Cipher::Aes256Gcm, Cipher::Aes128Gcm]
            .into_iter()
            .chain(fallback)
            .collect(),
        None => fallback.into_iter().collect(),
    };
    ours.iter()
        .copied()
        .find(|cipher| offered.contains(cipher))
        .ok_or_else(|| "Data channel cipher negotiation failed (no shared cipher)".to_owned())
}

fn choose_auth(cipher: Cipher, options: &OccOptions) -> Result<Auth, String> {
    if cipher.is_aead() {
        return Ok(Auth::Sha1);
    }
    let name = options.auth.as_deref().unwrap_or("SHA1");
    Auth::from_name(name).ok_or_else(|| {
        // The peer chose the name, and the reason goes to logs.
        let name: String = name.escape_default().take(32).collect();
        format!("auth {name} is not supported: use SHA1, SHA256 or SHA512")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [Cipher; 3] = [
        Cipher::Aes256Gcm,
        Cipher::Chacha20Poly1305,
        Cipher::Aes256Cbc,
    ];

    fn chosen(options: &str, peer: Option<&str>) -> Result<Choice, String> {
        choose(&OURS, &OccOptions::parse(options), &PeerInfo::parse(peer))
    }

    #[test]
    fn a_modern_client_gets_our_first_shared_cipher_and_the_exporter() {
        let peer = "IV_VER=2.6.14\nIV_MTU=1600\nIV_NCP=2\nIV_CIPHERS=AES-128-GCM:CHACHA20-POLY1305\nIV_PROTO=990\n";
        let choice = chosen("V4,dev-type tun,auth SHA1", Some(peer)).unwrap();
        assert_eq!(choice.agreement.cipher, Cipher::Chacha20Poly1305);
        assert_eq!(choice.agreement.key_export, KeyExport::ProtocolFlags);
        assert_eq!(choice.agreement.peer_id, Some(0));
        assert!(choice.push_cipher && choice.push_mtu && choice.abilities.push_unasked);
        assert!(!choice.abilities.push_update);
    }

    #[test]
    fn a_router_without_peer_info_keeps_its_own_cipher_and_nothing_is_negotiated() {
        let choice = chosen("V4,dev-type tun,cipher AES-256-CBC,auth SHA256", None).unwrap();
        assert_eq!(choice.agreement.cipher, Cipher::Aes256Cbc);
        assert_eq!(choice.agreement.auth, Auth::Sha256);
        assert_eq!(choice.agreement.peer_id, None);
        assert_eq!(choice.agreement.key_export, KeyExport::None);
        assert!(!choice.push_cipher && !choice.abilities.renegotiates);
    }

    #[test]
    fn a_client_without_a_cipher_list_still_takes_gcm_when_it_negotiates() {
        let choice = chosen("V4,cipher BF-CBC", Some("IV_VER=2.4.0\nIV_NCP=2\n")).unwrap();
        assert_eq!(choice.agreement.cipher, Cipher::Aes256Gcm);
    }

    #[test]
    fn nothing_in_common_is_a_readable_refusal() {
        assert!(
            chosen("V4,cipher BF-CBC", None)
                .unwrap_err()
                .contains("no shared cipher")
        );
        assert!(chosen("V4,dev-type tap", None).unwrap_err().contains("tap"));
        let no_digest = "V4,cipher AES-256-CBC,auth [null-digest]";
        assert!(chosen(no_digest, None).unwrap_err().contains("null-digest"));
    }
}
