//! From what the kernel holds to what it should hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    process::Stdio,
};

use anyhow::{Context, ensure};
use rtnetlink::{
    Error, IpVersion, LinkUnspec, RouteMessageBuilder, RouteNextHopBuilder,
    packet_route::{
        address::{AddressAttribute, AddressMessage},
        route::{RouteAddress, RouteAttribute, RouteMessage, RouteType},
        rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange},
    },
};
use tokio::{io::AsyncWriteExt, process::Command};

use super::{
    Kernel, PROTOCOL,
    links::LinkState,
    plan::{Address, Plan, Way},
    rules::{Action, Rule},
};
use crate::rib::Network;

/// Of all routes that the kernel knows, the router's come after those of its addresses.
const METRIC: u32 = 20;

type Links = BTreeMap<String, LinkState>;

impl Kernel {
    /// Makes the kernel hold what the plan says. What cannot be done is tried again the next time.
    pub(crate) async fn apply(&self, plan: &Plan, before: Option<&Plan>) {
        let links = match self.links().await {
            Ok(links) => links,
            Err(error) => return tracing::warn!(%error, "cannot read links"),
        };
        for (device, up) in &plan.links {
            if links.get(device).is_some_and(|link| link.up != *up) {
                self.tried("switch an interface", self.switch(device, *up).await);
            }
        }
        for (device, wanted) in &plan.addresses {
            if let Some(link) = links.get(device) {
                self.tried(
                    "set addresses",
                    self.set_addresses(link.index, wanted).await,
                );
            }
        }
        self.tried("set rules", self.set_rules(&plan.rules).await);
        self.tried("set routes", self.set_routes(plan, &links).await);
        if before.is_none_or(|before| before.firewall != plan.firewall)
            && let Err(error) = nft(&plan.firewall).await
        {
            tracing::warn!("cannot set the firewall: {error:#}");
        }
    }

    fn tried(&self, what: &str, result: Result<(), Error>) {
        if let Err(error) = result {
            tracing::warn!(error = %reason(&error), "cannot {what}");
        }
    }

    async fn switch(&self, device: &str, up: bool) -> Result<(), Error> {
        let link = LinkUnspec::new_with_name(device);
        let link = if up { link.up() } else { link.down() };
        self.handle.link().set(link.build()).execute().await
    }

    async fn set_addresses(&self, index: u32, wanted: &BTreeSet<Address>) -> Result<(), Error> {
        let get = self.handle.address().get().set_link_index_filter(index);
        let all = self.list(|| get.execute()).await?;
        let held: Vec<_> = all
            .into_iter()
            .filter_map(|message| Some((read_address(&message)?, message)))
            .collect();
        for address in wanted {
            if !held.iter().any(|(held, _)| held == address) {
                self.add_address(index, *address).await?;
            }
        }
        for (address, message) in held {
            if !wanted.contains(&address) {
                self.handle.address().del(message).execute().await?;
            }
        }
        Ok(())
    }

    async fn add_address(&self, index: u32, address: Address) -> Result<(), Error> {
        let local = IpAddr::V4(address.local);
        let mut add = self.handle.address().add(index, local, address.length);
        if address.peer != address.local {
            for attribute in &mut add.message_mut().attributes {
                if let AddressAttribute::Address(peer) = attribute {
                    *peer = IpAddr::V4(address.peer);
                }
            }
        }
        add.execute().await
    }

    /// New routes are in before old ones go, so that there is no moment without.
    async fn set_routes(&self, plan: &Plan, links: &Links) -> Result<(), Error> {
        let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let get = self.handle.route().get(all);
        let all = self.list(|| get.execute()).await?;
        let held: Vec<_> = all
            .into_iter()
            .filter(|message| message.header.protocol == PROTOCOL)
            .filter_map(|message| Some((key(&message)?, message)))
            .collect();
        let mut outcome = Ok(());
        for ((table, network), way) in &plan.routes {
            let Some(message) = route(*table, *network, way, links) else {
                continue;
            };
            let same = |(held, route): &((u32, Network), RouteMessage)| {
                *held == (*table, *network) && leads(route) == leads(&message)
            };
            if !held.iter().any(same) {
                let add = self.handle.route().add(message).replace();
                outcome = outcome.and(add.execute().await);
            }
        }
        for (key, message) in held {
            if !plan.routes.contains_key(&key) {
                outcome = outcome.and(gone(self.handle.route().del(message).execute().await));
            }
        }
        outcome
    }

    async fn set_rules(&self, wanted: &[Rule]) -> Result<(), Error> {
        let get = self.handle.rule().get(IpVersion::V4);
        let all = self.list(|| get.execute()).await?;
        let ours = RuleAttribute::Protocol(PROTOCOL);
        let held: Vec<_> = all
            .into_iter()
            .filter(|rule| rule.attributes.contains(&ours))
            .collect();
        let wanted: Vec<_> = wanted.iter().map(rule_message).collect();
        for rule in &wanted {
            if !held.iter().any(|held| same_rule(held, rule)) {
                let mut add = self.handle.rule().add();
                *add.message_mut() = rule.clone();
                add.execute().await?;
            }
        }
        for rule in held {
            if !wanted.iter().any(|wanted| same_rule(&rule, wanted)) {
                self.handle.rule().del(rule).execute().await?;
            }
        }
        Ok(())
    }
}

fn read_address(message: &AddressMessage) -> Option<Address> {
    let (mut local, mut peer) = (None, None);
    for attribute in &message.attributes {
        if let AddressAttribute::Local(IpAddr::V4(address)) = attribute {
            local = Some(*address);
        } else if let AddressAttribute::Address(IpAddr::V4(address)) = attribute {
            peer = Some(*address);
        }
    }
    let local = local.or(peer)?;
    Some(Address {
        local,
        peer: peer.unwrap_or(local),
        length: message.header.prefix_len,
    })
}

fn key(message: &RouteMessage) -> Option<(u32, Network)> {
    let mut network = Ipv4Addr::UNSPECIFIED;
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        if let RouteAttribute::Destination(RouteAddress::Inet(address)) = attribute {
            network = *address;
        } else if let RouteAttribute::Table(number) = attribute {
            table = *number;
        }
    }
    let length = message.header.destination_prefix_length;
    (message.header.kind == RouteType::Unicast || message.header.kind == RouteType::BlackHole)
        .then(|| (table, Network::new(network, length)))
}

fn route(table: u32, network: Network, way: &Way, links: &Links) -> Option<RouteMessage> {
    let message = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(network.address(), network.length())
        .table_id(table)
        .priority(METRIC)
        .protocol(PROTOCOL);
    let hops = match way {
        Way::Blackhole => return Some(message.kind(RouteType::BlackHole).build()),
        Way::Hops(hops) => hops,
    };
    let hops: Vec<_> = hops
        .iter()
        .filter_map(|(device, via)| Some((links.get(device)?.index, *via)))
        .collect();
    match hops.as_slice() {
        [] => None,
        [(index, Some(via))] => Some(
            message
                .output_interface(*index)
                .gateway(*via)
                .onlink()
                .build(),
        ),
        [(index, None)] => Some(message.output_interface(*index).build()),
        several => {
            let hops = several.iter().filter_map(|(index, via)| {
                let hop = RouteNextHopBuilder::new_ipv4().interface(*index);
                Some(match via {
                    Some(via) => hop.via(IpAddr::V4(*via)).ok()?.onlink().build(),
                    None => hop.build(),
                })
            });
            Some(message.multipath(hops.collect()).build())
        }
    }
}

/// Where a route leads, as far as it was said by us.
fn leads(message: &RouteMessage) -> (RouteType, BTreeSet<(u32, Option<Ipv4Addr>)>) {
    let mut hops = BTreeSet::new();
    let (mut index, mut via) = (None, None);
    for attribute in &message.attributes {
        if let RouteAttribute::Oif(found) = attribute {
            index = Some(*found);
        } else if let RouteAttribute::Gateway(RouteAddress::Inet(found)) = attribute {
            via = Some(*found);
        } else if let RouteAttribute::MultiPath(found) = attribute {
            hops.extend(
                found
                    .iter()
                    .map(|hop| (hop.interface_index, gateway(&hop.attributes))),
            );
        }
    }
    hops.extend(index.map(|index| (index, via)));
    (message.header.kind, hops)
}

fn gateway(attributes: &[RouteAttribute]) -> Option<Ipv4Addr> {
    attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Gateway(RouteAddress::Inet(found)) = attribute {
            Some(*found)
        } else {
            None
        }
    })
}

fn rule_message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = rtnetlink::packet_route::AddressFamily::Inet;
    let mut attributes = vec![
        RuleAttribute::Priority(rule.priority),
        RuleAttribute::Protocol(PROTOCOL),
    ];
    if let Some(prefix) = rule.source {
        message.header.src_len = prefix.length;
        attributes.push(RuleAttribute::Source(prefix.address));
    }
    if let Some(prefix) = rule.destination {
        message.header.dst_len = prefix.length;
        attributes.push(RuleAttribute::Destination(prefix.address));
    }
    if let Some(device) = &rule.from_device {
        attributes.push(RuleAttribute::Iifname(device.clone()));
    }
    if let Some(protocol) = rule.protocol {
        attributes.push(RuleAttribute::IpProtocol(i32::from(protocol).into()));
    }
    if let Some((start, end)) = rule.ports {
        attributes.push(RuleAttribute::DestinationPortRange(RulePortRange {
            start,
            end,
        }));
    }
    if let Some(length) = rule.suppress {
        attributes.push(RuleAttribute::SuppressPrefixLen(length));
    }
    message.header.action = match rule.action {
        Action::Lookup(table) => {
            attributes.push(RuleAttribute::Table(table));
            RuleAction::ToTable
        }
        Action::Unreachable => RuleAction::Unreachable,
        Action::Blackhole => RuleAction::Blackhole,
    };
    message.attributes = attributes;
    message
}

/// The kernel adds attributes of its own to what it was told.
fn same_rule(held: &RuleMessage, wanted: &RuleMessage) -> bool {
    let lengths = |rule: &RuleMessage| (rule.header.src_len, rule.header.dst_len);
    let selects = |attribute: &&RuleAttribute| {
        matches!(
            attribute,
            RuleAttribute::Priority(_)
                | RuleAttribute::Source(_)
                | RuleAttribute::Destination(_)
                | RuleAttribute::Iifname(_)
                | RuleAttribute::IpProtocol(_)
                | RuleAttribute::DestinationPortRange(_)
        )
    };
    let selectors = |rule: &RuleMessage| rule.attributes.iter().filter(selects).count();
    held.header.action == wanted.header.action
        && lengths(held) == lengths(wanted)
        && selectors(held) == selectors(wanted)
        && wanted
            .attributes
            .iter()
            .all(|wanted| held.attributes.contains(wanted))
        && !held.header.flags.contains(RuleFlags::Invert)
}

/// The kernel may have dropped a route by itself.
fn gone(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::NetlinkError(error)) if -error.raw_code() == libc::ESRCH => Ok(()),
        other => other,
    }
}

/// The kernel's reason, without the netlink envelope.
fn reason(error: &Error) -> String {
    if let Error::NetlinkError(message) = error {
        message.to_io().to_string()
    } else {
        error.to_string()
    }
}

async fn nft(script: &str) -> anyhow::Result<()> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start nft (package nftables)")?;
    let mut input = nft.stdin.take().context("nft has no input")?;
    input.write_all(script.as_bytes()).await?;
    drop(input);
    let output = nft.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "nft refused the rules: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
