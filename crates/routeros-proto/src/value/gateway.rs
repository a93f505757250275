//! Next hops: `192.0.2.1`, `192.0.2.1%ether1`, `lte1`, `192.0.2.1@table`.

use std::{convert::Infallible, fmt, net::IpAddr, str::FromStr};

/// Where packets go, as routes spell it in `gateway` and `immediate-gw`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// The router there; none for an interface with one other end.
    pub address: Option<IpAddr>,
    /// The interface, where the route names it.
    pub interface: Option<String>,
    /// The table in which the address is looked up, where the route names it.
    pub table: Option<String>,
}

impl FromStr for Gateway {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (hop, table) = text.split_once('@').unwrap_or((text, ""));
        let (address, interface) = hop.split_once('%').unwrap_or((hop, ""));
        let gateway = match address.parse() {
            Ok(address) => Self {
                address: Some(address),
                interface: some(interface),
                table: some(table),
            },
            // Names of interfaces may hold any character.
            Err(_) => Self {
                address: None,
                interface: some(text),
                table: None,
            },
        };
        Ok(gateway)
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, &self.interface) {
            (Some(address), Some(interface)) => write!(f, "{address}%{interface}")?,
            (Some(address), None) => write!(f, "{address}")?,
            (None, Some(interface)) => f.write_str(interface)?,
            (None, None) => {}
        }
        match &self.table {
            Some(table) => write!(f, "@{table}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let forms = [
            ("192.0.2.1", address, None, None),
            ("192.0.2.1%ether1", address, Some("ether1"), None),
            ("192.0.2.1@wf-1", address, None, Some("wf-1")),
            ("lte1", None, Some("lte1"), None),
            ("sfp@home", None, Some("sfp@home"), None),
            ("", None, None, None),
        ];
        for (text, address, interface, table) in forms {
            let gateway = Gateway {
                address,
                interface: interface.map(str::to_owned),
                table: table.map(str::to_owned),
            };
            assert_eq!(text.parse(), Ok(gateway.clone()));
            assert_eq!(gateway.to_string(), text);
        }
    }
}
