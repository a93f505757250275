//! The exporters of TLS, written once more from their specifications: the library's own run inside it
//! and cannot be given recorded secrets.

use hmac::{Hmac, KeyInit, Mac};
use holdfast_ovpn_proto::keys::EXPORT_LABEL;
use sha2::{Digest, Sha384};

/// The exporter of TLS 1.3 (RFC 8446 §7.5) with SHA-384, for OpenVPN's label, without a context.
pub(super) fn tls13_exporter(exporter_master_secret: &[u8]) -> [u8; 256] {
    let nothing = Sha384::digest(b"");
    let secret: [u8; 48] = expand_label(exporter_master_secret, EXPORT_LABEL, &nothing);
    expand_label(&secret, b"exporter", &nothing)
}

/// `HKDF-Expand-Label` of RFC 8446 §7.1.
fn expand_label<const N: usize>(secret: &[u8], label: &[u8], context: &[u8]) -> [u8; N] {
    let label = [b"tls13 ", label].concat();
    let info = [
        &(N as u16).to_be_bytes()[..],
        &[label.len() as u8],
        &label,
        &[context.len() as u8],
        context,
    ]
    .concat();
    let mut out = Vec::new();
    let mut block = Vec::new();
    for index in 1_u8.. {
        block = hmac_sha384(secret, &[&block, &info, &[index]]);
        out.extend_from_slice(&block);
        if out.len() >= N {
            break;
        }
    }
    *out.first_chunk().unwrap()
}

/// The pseudo-random function of TLS 1.2 (RFC 5246 §5) with SHA-384; `seed` starts with the label.
pub(super) fn tls12_prf(secret: &[u8], seed: &[u8]) -> [u8; 256] {
    let mut out = Vec::new();
    let mut link = seed.to_vec();
    while out.len() < 256 {
        link = hmac_sha384(secret, &[&link]);
        out.extend(hmac_sha384(secret, &[&link, seed]));
    }
    *out.first_chunk().unwrap()
}

fn hmac_sha384(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mac = <Hmac<Sha384> as KeyInit>::new_from_slice(key).unwrap();
    parts
        .iter()
        .fold(mac, |mac, part| mac.chain_update(part))
        .finalize()
        .into_bytes()
        .to_vec()
}
