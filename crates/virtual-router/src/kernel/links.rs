//! Links as the kernel has them.

use std::collections::BTreeMap;

use rtnetlink::{
    Error,
    packet_route::link::{LinkAttribute, LinkFlags, LinkMessage},
};

use super::Kernel;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkState {
    /// The kernel's number.
    pub(crate) index: u32,
    /// Somebody has switched it on.
    pub(crate) up: bool,
    /// It is on, and the cable is in.
    pub(crate) carries: bool,
    /// `00:11:22:33:44:55`; none for an interface without.
    pub(crate) mac: Option<String>,
    /// Bytes.
    pub(crate) mtu: u32,
    /// What has passed.
    pub(crate) counters: Counters,
}

/// What has passed through a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) rx_bytes: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) rx_packets: u64,
    pub(crate) tx_packets: u64,
    pub(crate) rx_errors: u64,
    pub(crate) tx_errors: u64,
}

impl Kernel {
    /// All links by name.
    pub(crate) async fn links(&self) -> Result<BTreeMap<String, LinkState>, Error> {
        let get = self.handle.link().get();
        let links = self.list(|| get.execute()).await?;
        Ok(links.iter().filter_map(read).collect())
    }
}

fn read(message: &LinkMessage) -> Option<(String, LinkState)> {
    let flags = message.header.flags;
    let up = flags.contains(LinkFlags::Up);
    let mut name = None;
    let mut link = LinkState {
        index: message.header.index,
        up,
        carries: up && flags.contains(LinkFlags::LowerUp),
        mac: None,
        mtu: 0,
        counters: Counters::default(),
    };
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(found) = attribute {
            name = Some(found.clone());
        } else if let LinkAttribute::Mtu(mtu) = attribute {
            link.mtu = *mtu;
        } else if let LinkAttribute::Address(bytes) = attribute {
            link.mac = (bytes.len() == 6).then(|| mac(bytes));
        } else if let LinkAttribute::Stats64(stats) = attribute {
            link.counters = Counters {
                rx_bytes: stats.rx_bytes,
                tx_bytes: stats.tx_bytes,
                rx_packets: stats.rx_packets,
                tx_packets: stats.tx_packets,
                rx_errors: stats.rx_errors,
                tx_errors: stats.tx_errors,
            };
        }
    }
    Some((name?, link))
}

pub(super) fn mac(bytes: &[u8]) -> String {
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}
