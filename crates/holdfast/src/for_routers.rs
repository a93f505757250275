//! Where routers that are adopted find us: they come over HTTPS, and trust the authority of the controllers alone.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, ensure};
use holdfast_control_plane::{ForRouters, PublicUrl};
use holdfast_controller::own_https;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::{Config, ControllerTls, HttpConfig, RoutersListen},
    data::DataDir,
    http::{self, Door},
};

/// A door of their own, if there is one, and what they are told.
pub(crate) struct RoutersDoor {
    pub(crate) door: Option<Door>,
    pub(crate) whereabouts: ForRouters,
}

impl RoutersDoor {
    /// `has_slots` says that the slots are addresses of this machine.
    ///
    /// # Errors
    /// When nobody can listen there; the message names the key to change.
    pub(crate) async fn open(
        config: &Config,
        data: &DataDir,
        has_slots: bool,
    ) -> anyhow::Result<Self> {
        if let Some(tls) = &config.controller.tls {
            return Ok(Self::nowhere_unless(by_operators_certificate(
                &config.http,
                tls,
            )));
        }
        let routers = &config.http.routers;
        let listen = match routers.listen {
            Some(RoutersListen::At(listen)) => Some(listen),
            Some(RoutersListen::Off) => None,
            None if has_slots => routers.usual(&config.controller.slots),
            None => {
                ensure!(
                    routers.url.is_none(),
                    "http.routers.listen is missing: add an address of this machine for {}",
                    routers
                        .url
                        .as_ref()
                        .map_or_else(String::new, PublicUrl::origin)
                );
                None
            }
        };
        match listen {
            Some(listen) => Self::at(listen, routers.url.as_ref(), data).await,
            None => Ok(Self::nowhere_unless(Err(anyhow::anyhow!(
                "set listen under [http.routers] to an address of this machine that routers reach, as in \
                 \"203.0.113.1:8443\""
            )))),
        }
    }

    async fn at(
        listen: SocketAddr,
        url: Option<&PublicUrl>,
        data: &DataDir,
    ) -> anyhow::Result<Self> {
        let host = url.map_or_else(|| listen.ip().to_string(), |url| url.host().to_owned());
        let tls = own_https(&host, data.path())
            .with_context(|| format!("http.routers: no certificate for {host}"))?;
        let tls = TlsAcceptor::from(Arc::new(tls));
        let door = Door::open("http.routers.listen", listen, Some(tls)).await?;
        let url = match url {
            Some(url) => url.clone(),
            // With the port that the system has chosen, if it was to.
            None => format!("https://{}", door.address()?).parse()?,
        };
        tracing::info!(routers.url = url.origin(), "routers are adopted here");
        Ok(Self {
            door: Some(door),
            whereabouts: ForRouters::At(url),
        })
    }

    /// Without a door of their own.
    fn nowhere_unless(url: anyhow::Result<PublicUrl>) -> Self {
        let whereabouts = match url {
            Ok(url) => ForRouters::At(url),
            Err(mend) => ForRouters::Nowhere(format!("{mend:#}")),
        };
        Self {
            door: None,
            whereabouts,
        }
    }
}

/// The URL that browsers use, if routers can use it as well.
///
/// # Errors
/// With what the operator has to set.
fn by_operators_certificate(http: &HttpConfig, slots: &ControllerTls) -> anyhow::Result<PublicUrl> {
    let url = http.public_url.as_ref().filter(|url| url.is_https());
    let (Some(url), Some(files)) = (url, &http.tls) else {
        anyhow::bail!(
            "with a certificate of your own under [controller.tls], set [http.tls] to one from the same authority, \
             and public_url to its https:// address"
        );
    };
    let vouched = || {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(&slots.ca)? {
            roots.add(root?)?;
        }
        let chain = http::chain(files)?;
        let (own, others) = chain
            .split_first()
            .context("there is no certificate in it")?;
        let host = ServerName::try_from(url.host())?;
        let verifier = WebPkiServerVerifier::builder(Arc::new(roots)).build()?;
        verifier.verify_server_cert(own, others, &host, &[], UnixTime::now())?;
        anyhow::Ok(())
    };
    vouched().with_context(|| {
        format!(
            "set http.tls.certificate to one for {} that controller.tls.ca = {:?} has signed: {:?} is none",
            url.host(),
            slots.ca,
            files.certificate
        )
    })?;
    Ok(url.clone())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;
    use crate::config::{PemFiles, RoutersConfig};

    type Issuer = CertifiedIssuer<'static, KeyPair>;

    fn authority(folder: &Path, name: &str) -> Issuer {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(folder.join(name), issuer.pem()).unwrap();
        issuer
    }

    /// A server for browsers at this URL, whose certificate is for `host`.
    fn server(folder: &Path, issuer: &Issuer, host: &str, url: &str) -> HttpConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = folder.join("web.pem");
        let pem = params.signed_by(&key, issuer).unwrap().pem();
        std::fs::write(&certificate, pem).unwrap();
        HttpConfig {
            listen: "127.0.0.1:443".parse().unwrap(),
            public_url: Some(url.parse().unwrap()),
            trusted_proxies: Vec::new(),
            tls: Some(PemFiles {
                certificate,
                key: folder.join("web.key"),
            }),
            routers: RoutersConfig::default(),
        }
    }

    fn slots(folder: &Path) -> ControllerTls {
        ControllerTls {
            pair: PemFiles {
                certificate: folder.join("slots.pem"),
                key: folder.join("slots.key"),
            },
            ca: folder.join("ca.pem"),
        }
    }

    #[test]
    fn with_the_operators_own_authority_routers_come_where_browsers_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let ours = authority(folder, "ca.pem");
        for (host, url) in [
            ("192.0.2.1", "https://192.0.2.1:8443"),
            ("holdfast.example.org", "https://holdfast.example.org"),
        ] {
            let http = server(folder, &ours, host, url);
            let found = by_operators_certificate(&http, &slots(folder)).unwrap();
            assert_eq!(found.origin(), url);
        }
    }

    #[test]
    fn what_routers_would_not_trust_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (ours, other) = (authority(folder, "ca.pem"), authority(folder, "other.pem"));
        let refused = |http: &HttpConfig| {
            let err = by_operators_certificate(http, &slots(folder)).unwrap_err();
            format!("{err:#}")
        };
        let url = "https://holdfast.example.org";
        let strange = refused(&server(folder, &other, "holdfast.example.org", url));
        assert!(
            strange.contains("set http.tls.certificate to one for holdfast"),
            "{strange}"
        );
        let misnamed = refused(&server(folder, &ours, "example.org", url));
        assert!(
            misnamed.contains("set http.tls.certificate to one for holdfast"),
            "{misnamed}"
        );
        let mut plain = server(folder, &ours, "holdfast.example.org", url);
        plain.tls = None;
        let text = refused(&plain);
        assert!(
            text.contains("set [http.tls] to one from the same authority"),
            "{text}"
        );
    }
}
