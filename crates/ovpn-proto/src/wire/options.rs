//! The options string both sides exchange in key method 2 ("OCC": option consistency check).
//!
//! It binds nobody to anything; stock clients print a warning where the server's differs from their own.
//! For clients that do not announce ciphers elsewhere it is the only place that names theirs.

use crate::data::{Auth, Cipher};

/// What the other side's options string says, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OccOptions {
    /// Data cipher, in the sender's spelling; OpenVPN 2.5 and later leave it out.
    pub cipher: Option<String>,
    /// Digest, in the sender's spelling; `[null-digest]` for an AEAD cipher or for none at all.
    pub auth: Option<String>,
    /// Some compression framing is configured.
    pub comp_lzo: bool,
    /// Largest packet inside the tunnel, in bytes.
    pub tun_mtu: Option<u16>,
    /// `tun` or `tap`.
    pub dev_type: Option<String>,
}

impl OccOptions {
    /// Reads any text; what is not understood is skipped.
    pub fn parse(text: &str) -> Self {
        let mut options = Self::default();
        for option in text.split(',') {
            match option.split_once(' ').unwrap_or((option, "")) {
                ("cipher", name) => options.cipher = Some(name.to_owned()),
                ("auth", name) => options.auth = Some(name.to_owned()),
                ("comp-lzo", _) => options.comp_lzo = true,
                ("tun-mtu", mtu) => options.tun_mtu = mtu.parse().ok(),
                ("dev-type", kind) => options.dev_type = Some(kind.to_owned()),
                _ => {}
            }
        }
        options
    }
}

/// The server's answer to a client's options string: the same, seen from the other side. A client then
/// has nothing to warn about.
pub fn mirror(client: &str) -> String {
    let mirrored: Vec<&str> = client
        .split(',')
        .map(|option| match option {
            "proto TCPv4_CLIENT" => "proto TCPv4_SERVER",
            "proto TCPv6_CLIENT" => "proto TCPv6_SERVER",
            "tls-client" => "tls-server",
            other => other,
        })
        .collect();
    mirrored.join(",")
}

/// The options string of a client that leaves the choice of cipher to the server, as OpenVPN 2.5 and
/// later send it. `auth` is not negotiated: it is what the client will use if a CBC cipher is chosen.
pub fn negotiating_client(auth: Auth) -> String {
    client_string(1543, "", auth.name(), 128)
}

/// The options string of a client that can only use `cipher`, as RouterOS sends it. `auth` shows for CBC
/// ciphers only.
pub fn fixed_client(cipher: Cipher, auth: Auth) -> String {
    const CBC_OVERHEAD: usize = 2 + 1 + 16 + 16 + 4;
    const AEAD_OVERHEAD: usize = 2 + 1 + 12 + 16 + 16 + 4;
    let (overhead, auth) = match cipher.is_aead() {
        true => (AEAD_OVERHEAD, "[null-digest]"),
        false => (CBC_OVERHEAD + auth.len(), auth.name()),
    };
    client_string(
        1500 + overhead,
        &format!("cipher {},", cipher.name()),
        auth,
        cipher.key_len() * 8,
    )
}

fn client_string(link_mtu: usize, cipher: &str, auth: &str, key_bits: usize) -> String {
    format!(
        "V4,dev-type tun,link-mtu {link_mtu},tun-mtu 1500,proto TCPv4_CLIENT,{cipher}auth {auth},\
         keysize {key_bits},key-method 2,tls-client"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_finds_what_matters_and_skips_the_rest() {
        let options = OccOptions::parse(
            "V4,dev-type tap,link-mtu 1543,tun-mtu 1400,proto TCPv4_CLIENT,comp-lzo,cipher AES-128-CBC,auth SHA256,whatever",
        );
        let expected = OccOptions {
            cipher: Some("AES-128-CBC".into()),
            auth: Some("SHA256".into()),
            comp_lzo: true,
            tun_mtu: Some(1400),
            dev_type: Some("tap".into()),
        };
        assert_eq!(options, expected);
        assert_eq!(OccOptions::parse(""), OccOptions::default());
        assert_eq!(OccOptions::parse("tun-mtu many").tun_mtu, None);
    }

    #[test]
    fn mirror_swaps_the_two_words_that_differ() {
        let mirrored = mirror(&negotiating_client(Auth::Sha1));
        assert_eq!(
            mirrored,
            "V4,dev-type tun,link-mtu 1543,tun-mtu 1500,proto TCPv4_SERVER,auth SHA1,keysize 128,key-method 2,tls-server"
        );
    }

    #[test]
    fn client_strings_equal_those_of_stock_clients() {
        assert_eq!(
            fixed_client(Cipher::Aes256Cbc, Auth::Sha1),
            "V4,dev-type tun,link-mtu 1559,tun-mtu 1500,proto TCPv4_CLIENT,cipher AES-256-CBC,auth SHA1,keysize 256,key-method 2,tls-client"
        );
        assert!(fixed_client(Cipher::Aes128Cbc, Auth::Sha256).contains("link-mtu 1571,"));
        assert!(
            fixed_client(Cipher::Aes256Gcm, Auth::Sha1)
                .contains("cipher AES-256-GCM,auth [null-digest],")
        );
    }
}
