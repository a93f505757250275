//! `[http.routers]`: where routers that are adopted find us.

use std::{net::SocketAddr, str::FromStr};

use holdfast_control_plane::PublicUrl;

use super::{
    ControllerConfig,
    reader::{Reader, Section},
};

/// Over HTTPS, with a certificate from our own authority, which is the only one that they trust.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RoutersConfig {
    /// `listen`, HOLDFAST_HTTP_ROUTERS_LISTEN. Unless set, `serve` takes the [usual](Self::usual) one.
    pub(crate) listen: Option<RoutersListen>,
    /// `url`, HOLDFAST_HTTP_ROUTERS_URL: how routers reach that, if not by its address.
    pub(crate) url: Option<PublicUrl>,
}

/// An address, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoutersListen {
    Off,
    At(SocketAddr),
}

/// Not 443, which is the slot's.
const USUAL_PORT: u16 = 8443;

const LISTEN_MEND: &str = r#"write an address of this machine that routers reach, and a port, as in "203.0.113.1:8443", or "off""#;

impl RoutersConfig {
    pub(super) fn read(reader: &mut Reader<'_>, parent: &mut Section) -> Self {
        let mut section = reader.section(parent, "routers");
        let config = Self {
            listen: reader.value(&mut section, "listen", LISTEN_MEND),
            url: reader.value(
                &mut section,
                "url",
                r#"write https:// and a host, as in "https://routers.example.org:8443""#,
            ),
        };
        reader.finish(section);
        config.check(reader);
        config
    }

    fn check(&self, reader: &mut Reader<'_>) {
        const URL: &str = "http.routers.url";
        if let Some(url) = &self.url {
            let shown = format!("{:?}", url.origin());
            if !url.is_https() {
                reader.wrong(URL, &shown, "routers come over HTTPS alone: write https://");
            }
            if self.listen == Some(RoutersListen::Off) {
                let mend = "nobody would answer there: remove it, or http.routers.listen = \"off\"";
                reader.wrong(URL, &shown, mend);
            }
        }
        if let (Some(RoutersListen::At(listen)), None) = (self.listen, &self.url)
            && listen.ip().is_unspecified()
        {
            let mend = format!(
                r#"add how routers reach {listen}, as in "https://203.0.113.1:{}""#,
                listen.port()
            );
            reader.missing(URL, &mend);
        }
    }

    /// We can only sign for ourselves with an authority of our own.
    pub(super) fn check_with(&self, controller: &ControllerConfig, reader: &mut Reader<'_>) {
        let is_set = matches!(self.listen, Some(RoutersListen::At(_))) || self.url.is_some();
        if is_set && controller.tls.is_some() {
            let mend = "with [controller.tls] routers come to [http.tls] and public_url, whose certificate is to be \
                        from the same authority: remove [http.routers]";
            reader.wrong("http.routers", "{ .. }", mend);
        }
    }

    /// Where `serve` listens for routers unless told: beside the first slot that they can dial. Not on an address of
    /// loopback, where nobody but this machine could come.
    pub(crate) fn usual(&self, slots: &[SocketAddr]) -> Option<SocketAddr> {
        let first = slots.iter().find(|slot| slot.is_ipv4())?;
        let reached = !first.ip().is_loopback() || self.url.is_some();
        reached.then(|| SocketAddr::new(first.ip(), USUAL_PORT))
    }
}

impl FromStr for RoutersListen {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::At),
        }
    }
}
