//! Certificates: the operator's, or ours from a CA of our own.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use holdfast_ovpn_proto::{
    Limits, ServerConfig,
    data::Cipher,
    tls::{RustlsServer, rustls_server_config},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use rustls::{
    SupportedCipherSuite,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::CertifiedKey,
    version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Data ciphers, best first. CBC is for routers that cannot do better.
const CIPHERS: [Cipher; 7] = [
    Cipher::Aes256Gcm,
    Cipher::Aes128Gcm,
    Cipher::Aes192Gcm,
    Cipher::Chacha20Poly1305,
    Cipher::Aes256Cbc,
    Cipher::Aes192Cbc,
    Cipher::Aes128Cbc,
];

/// Routers keep the CA for as long as they live.
const CA_YEARS: i32 = 30;

/// What the controller shows to routers.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The operator's own certificate.
    Certificate(Certificate),
    /// Certificates for the slots from a CA of our own, made when they are missing.
    Own {
        /// The folder in which they are kept.
        data: PathBuf,
    },
}

/// A certificate chain and its private key.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why a pair of files is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{mend}")]
pub struct PairFault {
    /// The key is at fault, not the certificate.
    pub in_key: bool,
    /// What is wrong and what to do.
    pub mend: String,
}

impl Identity {
    /// What every OpenVPN session of the controller is made from.
    ///
    /// # Errors
    /// When our own certificates cannot be made or read.
    pub(crate) fn session_config(
        &self,
        slots: &[SocketAddr],
        renegotiate_after: (Duration, Duration),
    ) -> anyhow::Result<ServerConfig> {
        let certificates = match self {
            Self::Certificate(Certificate(pair)) => vec![pair.clone()],
            Self::Own { data } => own(slots, data)?,
        };
        let provider = Arc::new(provider());
        seed(&provider)?;
        let versions = [&version::TLS13, &version::TLS12];
        let tls = rustls_server_config(provider, &versions, certificates)?;
        Ok(ServerConfig {
            tls: Arc::new(RustlsServer::new(Arc::new(tls))),
            ciphers: CIPHERS.to_vec(),
            limits: Limits::default(),
            renegotiate_after: Some(renegotiate_after),
        })
    }
}

impl Certificate {
    /// Reads a chain, the server's own certificate first, and its key; both in PEM form.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or the two do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, PairFault> {
        read(certificate, key).map(|pair| Self(Arc::new(pair)))
    }
}

/// Draws a first random number. The library then tests its source of entropy, which takes as long as a hundred
/// log-ins: no client is to wait for that.
fn seed(provider: &CryptoProvider) -> anyhow::Result<()> {
    let drawn = provider.secure_random.fill(&mut [0; 32]);
    drawn.map_err(|_| anyhow!("the system has no random numbers to give"))
}

/// Suites with SHA-256 first: SHA-384 has no instructions of its own on most processors, and was a fifteenth of
/// what a log-in costs.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let is_slow =
        |suite: &SupportedCipherSuite| suite.suite().as_str().unwrap_or("").ends_with("SHA384");
    provider.cipher_suites.sort_by_key(is_slow);
    provider
}

/// Reads a certificate chain and its private key.
fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, PairFault> {
    let fault = |in_key, what: &str, err: &dyn std::fmt::Display| {
        let mend = format!("cannot be used: {err}; give the path of a PEM {what}");
        PairFault { in_key, mend }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|err| fault(false, "certificate chain", &pem_error(&err)))?;
    if chain.is_empty() {
        return Err(fault(
            false,
            "certificate chain",
            &"there is no certificate in it",
        ));
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|err| fault(true, "private key", &pem_error(&err)))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|err| fault(true, "private key that belongs to the certificate", &err))
}

fn pem_error(err: &rustls_pki_types::pem::Error) -> String {
    if let rustls_pki_types::pem::Error::Io(err) = err {
        err.to_string()
    } else {
        "it holds none in PEM form".into()
    }
}

/// Serves HTTPS as `host`, an address or a name, to those who trust our own authority and nobody else. Made as the
/// certificates for the slots are, when they are missing or speak of another host.
///
/// # Errors
/// When `host` is neither, or the certificates cannot be made or read.
pub fn own_https(host: &str, data: &Path) -> anyhow::Result<rustls::ServerConfig> {
    let certificates = HTTPS.own(&[host.to_owned()], data)?;
    let versions = [&version::TLS13, &version::TLS12];
    let mut config = rustls_server_config(Arc::new(provider()), &versions, certificates)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Our own certificates for the slots.
fn own(slots: &[SocketAddr], data: &Path) -> anyhow::Result<Vec<Arc<CertifiedKey>>> {
    let addresses = slots.iter().map(SocketAddr::ip);
    let names: Vec<String> = addresses
        .filter(|address| !address.is_unspecified())
        .map(|address| address.to_string())
        .collect();
    SLOTS.own(&names, data)
}

/// Whom certificates of our own are for, and in which files they are.
struct Purpose {
    files: &'static str,
    subject: &'static str,
}

const SLOTS: Purpose = Purpose {
    files: "server",
    subject: "Holdfast route controller",
};

const HTTPS: Purpose = Purpose {
    files: "routers",
    subject: "Holdfast",
};

impl Purpose {
    /// Certificates for these addresses and names, ECDSA first: it costs a fifth of RSA's time. Made when they are not
    /// there or speak of others.
    fn own(&self, names: &[String], data: &Path) -> anyhow::Result<Vec<Arc<CertifiedKey>>> {
        fs::create_dir_all(data)
            .with_context(|| format!("--data: {} cannot be made", data.display()))?;
        let named = names.iter().map(|name| format!("{name}\n"));
        let named = named.collect::<String>();
        let list = data.join(format!("{}.addresses", self.files));
        let up_to_date = fs::read_to_string(&list).is_ok_and(|list| list == named);
        let pairs = [self.pair("ecdsa", data), self.pair("rsa", data)];
        let is_there =
            |(certificate, key): &(PathBuf, PathBuf)| certificate.exists() && key.exists();
        if !up_to_date || !pairs.iter().all(is_there) {
            self.make(names, data)?;
            fs::write(&list, named)
                .with_context(|| format!("{} cannot be written", list.display()))?;
        }
        let read = |(certificate, key): (PathBuf, PathBuf)| {
            let pair = read(&certificate, &key);
            pair.map(Arc::new).map_err(|fault| {
                let file = if fault.in_key { key } else { certificate };
                anyhow!("{}: {}", file.display(), fault.mend)
            })
        };
        pairs.into_iter().map(read).collect()
    }

    fn make(&self, names: &[String], data: &Path) -> anyhow::Result<()> {
        let ca = authority(data)?;
        let ecdsa = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let encipherment = [KeyUsagePurpose::KeyEncipherment];
        for (kind, key, more) in [("ecdsa", ecdsa, &[][..]), ("rsa", rsa, &encipherment)] {
            let mut params = params(self.subject, CA_YEARS);
            // OpenVPN's `remote-cert-tls server` wants both a key usage and the extended one.
            params.key_usages = [&[KeyUsagePurpose::DigitalSignature], more].concat();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.subject_alt_names = names
                .iter()
                .map(|name| alternative_name(name))
                .collect::<anyhow::Result<_>>()?;
            let certificate = params.signed_by(&key, &ca)?;
            let (certificate_file, key_file) = self.pair(kind, data);
            write(&key_file, &key.serialize_pem(), 0o600)?;
            write(&certificate_file, &certificate.pem(), 0o644)?;
        }
        tracing::info!(folder = %data.display(), "made certificates for {}", names.join(", "));
        Ok(())
    }

    /// The files of a certificate and its key.
    fn pair(&self, kind: &str, data: &Path) -> (PathBuf, PathBuf) {
        let file = |ending| data.join(format!("{}-{kind}.{ending}", self.files));
        (file("pem"), file("key"))
    }
}

fn alternative_name(name: &str) -> anyhow::Result<SanType> {
    match name.parse() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => {
            let name = name.try_into();
            Ok(SanType::DnsName(
                name.context("a certificate cannot be for that name")?,
            ))
        }
    }
}

/// The authority that signs our own certificates, in PEM form, for whoever is to trust them. Made on the first call.
///
/// # Errors
/// When it cannot be made or read.
pub fn own_authority(data: &Path) -> anyhow::Result<String> {
    authority(data)?;
    let pem = data.join("ca.pem");
    fs::read_to_string(&pem).with_context(|| format!("{} cannot be read", pem.display()))
}

/// Our CA: made once, because every router has imported it.
fn authority(data: &Path) -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let (pem, key_pem) = (data.join("ca.pem"), data.join("ca.key"));
    let mut params = params("Holdfast CA", CA_YEARS);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = match fs::read_to_string(&key_pem) {
        Ok(text) => KeyPair::from_pem(&text)
            .with_context(|| format!("{} is not a private key", key_pem.display()))?,
        Err(err) if err.kind() == io::ErrorKind::NotFound && !pem.exists() => {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            write(&key_pem, &key.serialize_pem(), 0o600)?;
            key
        }
        // Never a new CA unasked: every router would have to import it.
        Err(err) => bail!(
            "{} cannot be read: {err}; put it back, or remove {} as well for a new CA that every router \
             must import",
            key_pem.display(),
            pem.display()
        ),
    };
    let ca = CertifiedIssuer::self_signed(params, key)?;
    if !pem.exists() {
        write(&pem, &ca.pem(), 0o644)?;
    }
    Ok(ca)
}

fn params(name: &str, years: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // Well in the past: a router without a battery wakes up believing that.
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026 + years, 1, 1);
    params
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn slots(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect()
    }

    fn read_all(data: &TempDir) -> Vec<String> {
        ["ca.pem", "server-ecdsa.pem", "server-rsa.pem"]
            .map(|name| fs::read_to_string(data.path().join(name)).unwrap())
            .into()
    }

    #[test]
    fn certificates_are_made_once_and_keys_are_for_us_alone() {
        let data = tempfile::tempdir().unwrap();
        let slots = slots(&["192.0.2.1:443", "[2001:db8::1]:443"]);
        assert_eq!(own(&slots, data.path()).unwrap().len(), 2);
        let made = read_all(&data);
        own(&slots, data.path()).unwrap();
        assert_eq!(read_all(&data), made);
        for key in ["ca.key", "server-ecdsa.key", "server-rsa.key"] {
            let mode = fs::metadata(data.path().join(key)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn other_addresses_and_lost_files_get_new_certificates_from_the_same_ca() {
        let data = tempfile::tempdir().unwrap();
        own(&slots(&["192.0.2.1:443"]), data.path()).unwrap();
        let [ca, ecdsa, _] = &read_all(&data)[..] else {
            panic!("three files")
        };
        own(&slots(&["192.0.2.2:443"]), data.path()).unwrap();
        let moved = read_all(&data);
        assert_eq!(&moved[0], ca);
        assert_ne!(&moved[1], ecdsa);
        fs::remove_file(data.path().join("server-rsa.pem")).unwrap();
        own(&slots(&["192.0.2.2:443"]), data.path()).unwrap();
        assert_eq!(&read_all(&data)[0], ca);
    }

    #[test]
    fn https_has_certificates_of_its_own_for_a_name_or_an_address() {
        let data = tempfile::tempdir().unwrap();
        own(&slots(&["192.0.2.1:443"]), data.path()).unwrap();
        let made = read_all(&data);
        own_https("192.0.2.1", data.path()).unwrap();
        let of_address = fs::read(data.path().join("routers-ecdsa.pem")).unwrap();
        own_https("routers.example.org", data.path()).unwrap();
        let of_name = fs::read(data.path().join("routers-ecdsa.pem")).unwrap();
        assert_ne!(of_address, of_name);
        own_https("routers.example.org", data.path()).unwrap();
        let kept = fs::read(data.path().join("routers-ecdsa.pem")).unwrap();
        assert_eq!(of_name, kept);
        assert_eq!(read_all(&data), made, "those for the slots are not touched");
        assert!(own_https("näher", data.path()).is_err());
    }

    #[test]
    fn a_ca_is_never_replaced_unasked() {
        let data = tempfile::tempdir().unwrap();
        own(&slots(&["192.0.2.1:443"]), data.path()).unwrap();
        fs::remove_file(data.path().join("ca.key")).unwrap();
        // What is there still serves; only a new certificate needs the CA's key.
        own(&slots(&["192.0.2.1:443"]), data.path()).unwrap();
        let err = own(&slots(&["192.0.2.2:443"]), data.path()).unwrap_err();
        assert!(err.to_string().contains("put it back"), "{err}");
    }
}
