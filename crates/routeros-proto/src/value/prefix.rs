//! Addresses with a prefix length, of both families.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address and how many of its bits are the network's. Without a length, as people set it, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The address, host bits included.
    pub address: IpAddr,
    /// Bits of the network.
    pub length: u8,
}

/// A text that is no address and no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address or prefix such as 203.0.113.0/24")]
pub struct PrefixError {
    text: String,
}

impl Prefix {
    /// A single address.
    pub fn host(address: IpAddr) -> Self {
        let length = Self::bits(address);
        Self { address, length }
    }

    /// The same without host bits.
    #[must_use]
    pub fn network(self) -> Self {
        let shift = u32::from(Self::bits(self.address) - self.length);
        let address = match self.address {
            IpAddr::V4(v4) => {
                let bits = v4.to_bits().checked_shr(shift).unwrap_or(0);
                IpAddr::V4(bits.checked_shl(shift).unwrap_or(0).into())
            }
            IpAddr::V6(v6) => {
                let bits = v6.to_bits().checked_shr(shift).unwrap_or(0);
                IpAddr::V6(bits.checked_shl(shift).unwrap_or(0).into())
            }
        };
        Self { address, ..self }
    }

    /// Whether an address is in this network.
    pub fn contains(self, address: IpAddr) -> bool {
        let other = Self {
            address,
            length: self.length,
        };
        self.address.is_ipv4() == address.is_ipv4() && other.network() == self.network()
    }

    /// Whether it is one address.
    pub fn is_host(self) -> bool {
        self.length == Self::bits(self.address)
    }

    fn bits(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let read = || {
            let Some((address, length)) = text.split_once('/') else {
                return Some(Self::host(text.parse().ok()?));
            };
            let address: IpAddr = address.parse().ok()?;
            let length: u8 = length.parse().ok()?;
            (length <= Self::bits(address)).then_some(Self { address, length })
        };
        read().ok_or_else(|| PrefixError {
            text: text.to_owned(),
        })
    }
}

/// Always with the length, as RouterOS reads it back.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_alone_is_a_prefix_of_all_its_bits() {
        assert_eq!(prefix("203.0.113.11").to_string(), "203.0.113.11/32");
        assert_eq!(prefix("2001:db8::1").to_string(), "2001:db8::1/128");
        assert!(prefix("203.0.113.11").is_host());
    }

    #[test]
    fn host_bits_are_kept_until_the_network_is_asked_for() {
        let address = prefix("198.51.100.7/24");
        assert_eq!(address.to_string(), "198.51.100.7/24");
        assert_eq!(address.network().to_string(), "198.51.100.0/24");
        assert_eq!(prefix("1.2.3.4/0").network().to_string(), "0.0.0.0/0");
        assert_eq!(prefix("2001:db8::1/0").network().to_string(), "::/0");
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let lan = prefix("198.51.100.7/24");
        assert!(lan.contains([198, 51, 100, 255].into()));
        assert!(!lan.contains([198, 51, 101, 0].into()));
        assert!(prefix("0.0.0.0/0").contains([8, 8, 8, 8].into()));
        assert!(!prefix("0.0.0.0/0").contains("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in ["", "ether1", "1.2.3.4/33", "1.2.3", "1.2.3.4/", "::/129"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
