use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{InterfaceName, InvalidValue};

/// An ISP's gateway: where the routes of a tunnel lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Gateway {
    /// A router of the ISP.
    Address(Ipv4Addr),
    /// Whoever is at the other end of this interface of the router, as with PPPoE and LTE.
    Interface(InterfaceName),
}

impl Gateway {
    /// The address, where it is one.
    pub const fn address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Interface(_) => None,
        }
    }
}

impl TryFrom<Ipv4Addr> for Gateway {
    type Error = InvalidValue;

    fn try_from(address: Ipv4Addr) -> Result<Self, InvalidValue> {
        let kind = match address.octets() {
            [0, ..] => "in 0.0.0.0/8",
            [127, ..] => "a loopback address",
            [224..=239, ..] => "a multicast address",
            [240..=255, ..] => "a broadcast or reserved address",
            // failover::addresses hands these out.
            [198, 18 | 19, ..] => "in 198.18.0.0/15, which the tunnels use themselves",
            [100, 127, 255, _] => "in 100.127.255.0/24, which routers get from us",
            _ => return Ok(Self::Address(address)),
        };
        Err(InvalidValue::NoGateway(kind))
    }
}

impl FromStr for Gateway {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return address.try_into();
        }
        // A name without any letter is an address with a mistake in it, and so is whatever has a colon.
        let is_name = text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':');
        match InterfaceName::try_from(text.to_owned()) {
            Ok(name) if is_name => Ok(Self::Interface(name)),
            Ok(_) | Err(_) => Err(InvalidValue::NotIpv4),
        }
    }
}

impl TryFrom<String> for Gateway {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<Gateway> for String {
    fn from(gateway: Gateway) -> Self {
        gateway.to_string()
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => f.write_str(name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_a_unicast_address_outside_what_we_use_ourselves() {
        for text in [
            "192.0.2.1",
            " 10.0.0.1",
            "100.64.0.1",
            "198.20.0.1",
            "169.254.0.1",
        ] {
            let gateway: Gateway = text.parse().unwrap();
            assert_eq!(gateway.to_string(), text.trim());
            assert!(gateway.address().is_some(), "{text}");
        }
        for (text, about) in [
            ("10.0.0.300", "neither an IPv4 address"),
            ("fe80::1", "neither an IPv4 address"),
            ("", "neither an IPv4 address"),
            ("0.0.0.0", "0.0.0.0/8"),
            ("127.0.0.1", "loopback"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("198.18.0.1", "198.18.0.0/15"),
            ("198.19.255.255", "198.18.0.0/15"),
            ("100.127.255.3", "100.127.255.0/24"),
        ] {
            let err = text.parse::<Gateway>().unwrap_err().to_string();
            assert!(
                err.contains(about) && err.contains("as 192.0.2.1"),
                "{text}: {err}"
            );
        }
    }

    #[test]
    fn an_interface_is_a_gateway_by_its_name() {
        for text in ["pppoe-out1", "lte1", "wan0.100"] {
            let gateway: Gateway = text.parse().unwrap();
            assert_eq!(gateway.to_string(), text);
            assert_eq!(gateway.address(), None);
        }
        for text in ["lte 1", "192.0.2.1/24", "a;b"] {
            assert!(text.parse::<Gateway>().is_err(), "{text}");
        }
    }
}
