//! The kernel's neighbours, for `/ip/arp`.

use std::{collections::BTreeMap, net::IpAddr};

use holdfast_routeros_proto::Row;
use rtnetlink::{
    Error,
    packet_route::{
        AddressFamily,
        neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
    },
};

use super::{Kernel, links::mac};

impl Kernel {
    /// Neighbours as rows of `/ip/arp`. `names` has the router's name of every interface of the kernel, by index.
    pub(crate) async fn neighbors(&self, names: &BTreeMap<u32, String>) -> Result<Vec<Row>, Error> {
        let request = self
            .handle
            .neighbours()
            .get()
            .set_address_family(AddressFamily::Inet);
        let all = self.list(|| request.execute()).await?;
        Ok(all
            .iter()
            .filter_map(|message| read(message, names))
            .collect())
    }
}

/// The others are of entries that need no address.
const STATES: &[(NeighbourState, &str)] = &[
    (NeighbourState::Incomplete, "incomplete"),
    (NeighbourState::Reachable, "reachable"),
    (NeighbourState::Stale, "stale"),
    (NeighbourState::Delay, "delay"),
    (NeighbourState::Probe, "probe"),
    (NeighbourState::Failed, "failed"),
    (NeighbourState::Permanent, "permanent"),
];

fn read(message: &NeighbourMessage, names: &BTreeMap<u32, String>) -> Option<Row> {
    let interface = names.get(&message.header.ifindex)?;
    let (_, status) = STATES
        .iter()
        .find(|(state, _)| *state == message.header.state)?;
    let mut row = Row::new()
        .with("interface", interface)
        .with("status", *status)
        .with(
            "complete",
            (!matches!(*status, "incomplete" | "failed")).to_string(),
        );
    for attribute in &message.attributes {
        if let NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) = attribute {
            row.set("address", IpAddr::V4(*address).to_string());
        } else if let NeighbourAttribute::LinkLayerAddress(bytes) = attribute {
            row.set("mac-address", mac(bytes));
        }
    }
    row.get("address")?;
    Some(row)
}
