//! `PUSH_REPLY`: what the server configures in the client once it is logged in.

use std::{fmt::Write as _, net::Ipv4Addr};

use holdfast_api_types::Route;

use super::route::{mask_of, parse_route, prefix_of, write_routes};
use crate::data::Cipher;

/// The configuration of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushReply {
    /// The client's address inside the tunnel.
    pub address: Ipv4Addr,
    /// Prefix length of the network that `address` and `route_gateway` share; /32 breaks routes through
    /// the tunnel on Linux.
    pub prefix: u8,
    /// The server's address inside the tunnel.
    pub route_gateway: Ipv4Addr,
    /// IPv4 routes; the gateway of each may be outside the tunnel.
    pub routes: Vec<Route>,
    /// Seconds of silence after which the client sends a ping; 0 when not pushed.
    pub ping: u32,
    /// Seconds without any packet after which the client reconnects; 0 when not pushed.
    pub ping_restart: u32,
    /// Makes both sides use `DATA_V2`. At most 0xfffffe.
    pub peer_id: Option<u32>,
    /// Pushed only to clients that negotiate ciphers.
    pub cipher: Option<Cipher>,
    /// Where the data keys come from.
    pub key_export: KeyExport,
    /// Pushed only to clients that announce `IV_MTU`, in bytes.
    pub tun_mtu: Option<u16>,
    /// Switches the client's compression framing to one that leaves packets as they are.
    pub compress_stub_v2: bool,
    /// Switches compression off but keeps its framing, for clients without `compress stub-v2`.
    pub comp_lzo_no: bool,
}

/// Where both sides take their data keys from, and how the client is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyExport {
    /// OpenVPN's own derivation from key method 2; nothing is pushed.
    #[default]
    None,
    /// The TLS exporter, pushed as `protocol-flags tls-ekm`.
    ProtocolFlags,
    /// The TLS exporter, pushed as `key-derivation tls-ekm` to clients without `protocol-flags`.
    KeyDerivation,
}

impl PushReply {
    /// The whole reply as one message, without its NUL. The order of options never changes: a client
    /// with `persist-tun` compares it with the last one.
    ///
    /// The routes of any place on the ladder fit in 1000 bytes together with every other option.
    pub fn encode(&self) -> String {
        let mut text = format!(
            "PUSH_REPLY,topology subnet,ifconfig {} {},route-gateway {},ping {},ping-restart {}",
            self.address,
            mask_of(self.prefix),
            self.route_gateway,
            self.ping,
            self.ping_restart
        );
        write_routes(&self.routes, &mut text);
        self.encode_data_channel(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    fn encode_data_channel(&self, text: &mut String) -> std::fmt::Result {
        if let Some(peer_id) = self.peer_id {
            write!(text, ",peer-id {peer_id}")?;
        }
        if let Some(cipher) = self.cipher {
            write!(text, ",cipher {}", cipher.name())?;
        }
        text.push_str(match self.key_export {
            KeyExport::None => "",
            KeyExport::ProtocolFlags => ",protocol-flags tls-ekm",
            KeyExport::KeyDerivation => ",key-derivation tls-ekm",
        });
        if let Some(mtu) = self.tun_mtu {
            write!(text, ",tun-mtu {mtu}")?;
        }
        if self.compress_stub_v2 {
            text.push_str(",compress stub-v2");
        }
        if self.comp_lzo_no {
            text.push_str(",comp-lzo no");
        }
        Ok(())
    }

    fn parse(options: &[String]) -> Result<Self, PushError> {
        let route_gateway =
            last(options, "route-gateway").ok_or(PushError::Missing("route-gateway"))?;
        let route_gateway = address("route-gateway", route_gateway)?;
        let (address, prefix) =
            parse_ifconfig(last(options, "ifconfig").ok_or(PushError::Missing("ifconfig"))?)?;
        let mut reply = Self {
            address,
            prefix,
            route_gateway,
            routes: Vec::new(),
            ping: 0,
            ping_restart: 0,
            peer_id: None,
            cipher: None,
            key_export: KeyExport::None,
            tun_mtu: None,
            compress_stub_v2: false,
            comp_lzo_no: false,
        };
        options.iter().try_for_each(|option| reply.apply(option))?;
        Ok(reply)
    }

    /// Takes one option over; unknown ones are skipped, as stock clients do.
    fn apply(&mut self, option: &str) -> Result<(), PushError> {
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        match name {
            "route" => self.routes.extend(parse_route(value, self.route_gateway)?),
            "ping" => self.ping = number(option, value)?,
            "ping-restart" => self.ping_restart = number(option, value)?,
            "peer-id" => self.peer_id = Some(number(option, value)?),
            "tun-mtu" => self.tun_mtu = Some(number(option, value)?),
            "cipher" => {
                self.cipher = Some(Cipher::from_name(value).ok_or_else(|| PushError::bad(option))?)
            }
            "protocol-flags" => self.apply_protocol_flags(value)?,
            "key-derivation" if value == "tls-ekm" => self.key_export = KeyExport::KeyDerivation,
            "compress" => self.compress_stub_v2 = value == "stub-v2",
            "comp-lzo" => self.comp_lzo_no = value == "no",
            _ => {}
        }
        Ok(())
    }

    /// `cc-exit` and `dyn-tls-crypt` change nothing for a client that has no control channel wrapping;
    /// epoch keys would make every data packet unreadable.
    fn apply_protocol_flags(&mut self, flags: &str) -> Result<(), PushError> {
        for flag in flags.split_ascii_whitespace() {
            match flag {
                "tls-ekm" => self.key_export = KeyExport::ProtocolFlags,
                "aead-epoch" => return Err(PushError::bad("protocol-flags aead-epoch")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Collects a push reply that the server has cut into several messages.
#[derive(Debug, Default)]
pub struct PushReader {
    options: Vec<String>,
}

impl PushReader {
    /// Takes the options of one `PUSH_REPLY` message; returns the reply when it was the last.
    ///
    /// # Errors
    /// An option that cannot be obeyed, or a reply without an address; the session is of no use.
    pub fn push(&mut self, options: &str) -> Result<Option<PushReply>, PushError> {
        let before = self.options.len();
        self.options.extend(options.split(',').map(str::to_owned));
        if self.options.len() > MAX_OPTIONS {
            return Err(PushError::TooManyOptions);
        }
        if last(&self.options[before..], CONTINUATION) == Some(MORE) {
            return Ok(None);
        }
        PushReply::parse(&std::mem::take(&mut self.options)).map(Some)
    }
}

/// Why a push cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// An option without which there is no tunnel.
    #[error("push reply has no {0}")]
    Missing(&'static str),
    /// The option as it was sent.
    #[error("cannot obey the pushed option {0:?}")]
    BadOption(String),
    /// A server that never ends its push.
    #[error("push has more than {MAX_OPTIONS} options")]
    TooManyOptions,
}

impl PushError {
    pub(super) fn bad(option: &str) -> Self {
        Self::BadOption(option.to_owned())
    }
}

/// Far above what fits in a few messages.
pub(super) const MAX_OPTIONS: usize = 1024;
pub(super) const CONTINUATION: &str = "push-continuation";
/// The value of [`CONTINUATION`] that says another message follows.
pub(super) const MORE: &str = "2";

/// The value of the last option called `name`.
fn last<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    options
        .iter()
        .rev()
        .find_map(|option| option.strip_prefix(name)?.strip_prefix(' '))
}

fn parse_ifconfig(value: &str) -> Result<(Ipv4Addr, u8), PushError> {
    let bad = || PushError::BadOption(format!("ifconfig {value}"));
    let (ip, mask) = value.split_once(' ').ok_or_else(bad)?;
    let ip = address("ifconfig", ip)?;
    let prefix = mask.parse().ok().and_then(prefix_of).ok_or_else(bad)?;
    Ok((ip, prefix))
}

fn address(name: &str, value: &str) -> Result<Ipv4Addr, PushError> {
    value
        .parse()
        .map_err(|_| PushError::BadOption(format!("{name} {value}")))
}

fn number<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, PushError> {
    value.parse().map_err(|_| PushError::bad(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(routes: Vec<Route>) -> PushReply {
        PushReply {
            address: Ipv4Addr::new(10, 99, 0, 10),
            prefix: 24,
            route_gateway: Ipv4Addr::new(10, 99, 0, 1),
            routes,
            ping: 3,
            ping_restart: 30,
            peer_id: Some(7),
            cipher: Some(Cipher::Aes256Gcm),
            key_export: KeyExport::ProtocolFlags,
            tun_mtu: Some(1500),
            compress_stub_v2: false,
            comp_lzo_no: false,
        }
    }

    fn read(text: &str) -> PushReply {
        let options = text.strip_prefix("PUSH_REPLY,").unwrap();
        PushReader::default().push(options).unwrap().unwrap()
    }

    /// `count` routes whose texts are as long as addresses and metrics can make them.
    fn longest_routes(count: usize, prefix: u8) -> Vec<Route> {
        let network = Ipv4Addr::new(240, 0, 0, 0);
        vec![
            Route {
                network,
                prefix,
                gateway: Ipv4Addr::new(192, 168, 100, 254),
                metric: 119
            };
            count
        ]
    }

    /// Every other option as long as it can be.
    fn longest_reply(routes: Vec<Route>) -> PushReply {
        PushReply {
            address: Ipv4Addr::new(100, 127, 255, 254),
            prefix: 30,
            route_gateway: Ipv4Addr::new(100, 127, 255, 253),
            ping: 100,
            ping_restart: 1000,
            peer_id: Some(0xff_fffe),
            cipher: Some(Cipher::Chacha20Poly1305),
            compress_stub_v2: true,
            ..reply(routes)
        }
    }

    #[test]
    fn a_reply_is_one_line_in_a_fixed_order() {
        let route = Route {
            network: Ipv4Addr::UNSPECIFIED,
            prefix: 1,
            gateway: Ipv4Addr::new(192, 0, 2, 1),
            metric: 90,
        };
        assert_eq!(
            reply(vec![route]).encode(),
            "PUSH_REPLY,topology subnet,ifconfig 10.99.0.10 255.255.255.0,route-gateway 10.99.0.1,ping 3,ping-restart 30,\
             route 0.0.0.0 128.0.0.0 192.0.2.1 90,peer-id 7,cipher AES-256-GCM,protocol-flags tls-ekm,tun-mtu 1500"
        );
    }

    #[test]
    fn a_client_that_negotiates_nothing_is_pushed_nothing_to_negotiate() {
        let plain = PushReply {
            peer_id: None,
            cipher: None,
            key_export: KeyExport::None,
            tun_mtu: None,
            ..reply(vec![])
        };
        assert!(plain.encode().ends_with(",ping-restart 30"));
        assert_eq!(read(&plain.encode()), plain);
    }

    #[test]
    fn the_highest_rung_fits_in_a_thousand_bytes_with_every_option() {
        let length = longest_reply(longest_routes(16, 4)).encode().len();
        assert!(length < 1000, "{length} bytes");
    }

    #[test]
    fn thirty_routes_fit_in_one_tls_message() {
        let length = longest_reply(longest_routes(30, 4)).encode().len();
        assert!(length < 2048, "{length} bytes");
    }

    #[test]
    fn what_is_encoded_reads_back() {
        for key_export in [
            KeyExport::None,
            KeyExport::ProtocolFlags,
            KeyExport::KeyDerivation,
        ] {
            let full = PushReply {
                key_export,
                comp_lzo_no: true,
                ..longest_reply(longest_routes(16, 4))
            };
            assert_eq!(read(&full.encode()), full);
        }
    }

    #[test]
    fn a_stock_servers_reply_is_understood() {
        let reply = read(
            "PUSH_REPLY,topology subnet,route-gateway 10.99.0.1,route 203.0.113.0 255.255.255.0 vpn_gateway 150,ping 3,ping-restart 30,\
             ifconfig 10.99.0.10 255.255.255.0,peer-id 0,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm dyn-tls-crypt,tun-mtu 1500",
        );
        assert_eq!(reply.key_export, KeyExport::ProtocolFlags);
        assert_eq!(reply.peer_id, Some(0));
        assert_eq!(
            reply.routes[0].to_string(),
            "203.0.113.0/24 via 10.99.0.1 metric 150"
        );
    }

    #[test]
    fn fragments_are_collected_until_the_last() {
        let mut reader = PushReader::default();
        assert_eq!(
            reader.push("ifconfig 10.0.0.2 255.255.255.0,push-continuation 2"),
            Ok(None)
        );
        assert_eq!(reader.push("ping 3,push-continuation 2"), Ok(None));
        let reply = reader
            .push("route-gateway 10.0.0.1,push-continuation 1")
            .unwrap()
            .unwrap();
        assert_eq!((reply.ping, reply.address), (3, Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(
            reader.push("ping 3"),
            Err(PushError::Missing("route-gateway")),
            "a new push starts empty"
        );
    }

    #[test]
    fn an_endless_push_is_an_error() {
        let mut reader = PushReader::default();
        let endless = (0..MAX_OPTIONS).find_map(|_| reader.push("x,push-continuation 2").err());
        assert_eq!(endless, Some(PushError::TooManyOptions));
    }

    #[test]
    fn what_cannot_be_obeyed_is_named() {
        let base = "route-gateway 10.0.0.1,ifconfig 10.0.0.2 255.255.255.0";
        for option in [
            "ping soon",
            "peer-id -1",
            "cipher BF-CBC",
            "protocol-flags aead-epoch",
            "route nowhere",
        ] {
            let result = PushReader::default().push(&format!("{base},{option}"));
            assert_eq!(result, Err(PushError::bad(option)));
        }
        let no_mask =
            PushReader::default().push("route-gateway 10.0.0.1,ifconfig 10.0.0.2 10.0.0.1");
        assert_eq!(no_mask, Err(PushError::bad("ifconfig 10.0.0.2 10.0.0.1")));
    }
}
