//! DHCP leases, PPPoE sessions and LTE: what the settings say is at the other end becomes addresses and routes.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use holdfast_routeros_proto::{Row, value::parse_list};

use crate::{
    model::{Database, Id, Item},
    router::{Event, Router},
    settings::{InterfaceSettings, Lease, Peer, Settings},
};

/// Whoever dials: which PPPoE sessions are up, and when the others try again.
#[derive(Debug, Default)]
pub(crate) struct Wan {
    dials: BTreeMap<Id, Dial>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Dial {
    /// Tries at this moment.
    At(Instant),
    /// It is connected to this one.
    Up(Peer),
}

/// How long a lease is, in the words of RouterOS. It is renewed before it ends, and so never shows less.
const LEASE: &str = "10m";

impl Wan {
    /// Follows links, settings and configuration. Returns when it wants to be called again without any of them having
    /// changed.
    pub(crate) fn settle(&mut self, router: &Router, now: Instant) -> Option<Instant> {
        let settings = router.settings();
        let events = router.update(|database| {
            let mut events = settle_dhcp(database, &settings);
            events.extend(self.settle_ppp(database, &settings, now, router.uptime_ms()));
            events
        });
        for event in events {
            router.announce(event);
        }
        let next = self.dials.values().filter_map(|dial| match dial {
            Dial::At(at) => Some(*at),
            Dial::Up(_) => None,
        });
        next.min()
    }

    /// The session of an interface ends, and is dialled anew.
    pub(crate) fn drop_session(&mut self, router: &Router, interface: &str, now: Instant) {
        let delay = redial_delay(&router.settings());
        let id = router.read(|database| Some(database.named("/interface", interface)?.id));
        if let Some(dial) = id.and_then(|id| self.dials.get_mut(&id)) {
            *dial = Dial::At(now + delay);
        }
    }

    fn settle_ppp(
        &mut self,
        database: &mut Database,
        settings: &Settings,
        now: Instant,
        now_ms: u64,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let clients = ["/interface/pppoe-client", "/interface/lte"];
        let clients: Vec<_> = clients
            .into_iter()
            .flat_map(|menu| database.items(menu).map(move |item| (menu, item)))
            .map(|(menu, item)| Client::read(database, settings, menu, item))
            .collect();
        self.dials
            .retain(|id, _| clients.iter().any(|client| client.id == *id));
        for client in &clients {
            let before = self.dials.get(&client.id).cloned();
            let after = client.dial(before.as_ref(), redial_delay(settings), now);
            match &after {
                Some(dial) => self.dials.insert(client.id, dial.clone()),
                None => self.dials.remove(&client.id),
            };
            client.write(
                database,
                after.as_ref(),
                before.as_ref() != after.as_ref(),
                now_ms,
            );
            let is_up = |dial: &Option<Dial>| matches!(dial, Some(Dial::Up(_)));
            let interface = client.name.clone();
            match (is_up(&before), is_up(&after)) {
                (false, true) => events.push(Event::Up { interface }),
                (true, false) => events.push(Event::Down { interface }),
                (true, true) | (false, false) => {}
            }
        }
        let owners: Vec<_> = clients.iter().map(Client::owner).collect();
        forget_strangers(database, "ppp:", &owners);
        events
    }
}

fn redial_delay(settings: &Settings) -> Duration {
    Duration::from_millis(settings.behaviour.redial_delay_ms)
}

/// A PPPoE client or an LTE interface.
struct Client {
    menu: &'static str,
    id: Id,
    name: String,
    disabled: bool,
    /// The other end, where the line to it carries packets.
    peer: Option<Peer>,
    /// Interface of the kernel that it goes over.
    device: Option<String>,
    /// Distance of its default route, where it adds one.
    distance: Option<String>,
}

impl Client {
    fn read(database: &Database, settings: &Settings, menu: &'static str, item: &Item) -> Self {
        let is_lte = menu == "/interface/lte";
        let line = if is_lte {
            Some(item)
        } else {
            database.named("/interface", item.text("interface"))
        };
        let hardware = line.and_then(|line| hardware(settings, line));
        let carries = line.is_some_and(|line| has_link(line, hardware));
        let apn = database.named("/interface/lte/apn", item.text("apn-profiles"));
        let route = if is_lte { apn } else { Some(item) };
        let adds = |route: &&Item| matches!(route.text("add-default-route"), "yes" | "true");
        let distance = route
            .filter(adds)
            .map(|route| route.text("default-route-distance"));
        Self {
            menu,
            id: item.id,
            name: item.text("name").to_owned(),
            disabled: item.is_disabled(),
            peer: hardware
                .and_then(|line| line.peer.clone())
                .filter(|_| carries),
            device: line.and_then(|line| line.get("device")).map(str::to_owned),
            distance: distance.map(str::to_owned),
        }
    }

    fn owner(&self) -> String {
        format!("ppp:{}", self.id)
    }

    /// What becomes of its connection; none while it is switched off.
    fn dial(&self, before: Option<&Dial>, delay: Duration, now: Instant) -> Option<Dial> {
        if self.disabled {
            return None;
        }
        Some(match (before, &self.peer) {
            // The first attempt is at once.
            (None, Some(peer)) => Dial::Up(peer.clone()),
            (None, None) => Dial::At(now + delay),
            (Some(Dial::Up(peer)), Some(now_there)) if peer == now_there => Dial::Up(peer.clone()),
            (Some(Dial::Up(_)), _) => Dial::At(now + delay),
            (Some(Dial::At(at)), Some(peer)) if *at <= now => Dial::Up(peer.clone()),
            (Some(Dial::At(at)), None) if *at <= now => Dial::At(now + delay),
            (Some(Dial::At(at)), _) => Dial::At(*at),
        })
    }

    fn write(&self, database: &mut Database, dial: Option<&Dial>, changed: bool, now_ms: u64) {
        let peer = match dial {
            Some(Dial::Up(peer)) => Some(peer),
            Some(Dial::At(_)) | None => None,
        };
        let status = match dial {
            Some(Dial::Up(_)) => "connected",
            Some(Dial::At(_)) => "dialing",
            None => "disconnected",
        };
        let mut say = |field, value: Option<String>| {
            database.set_state(self.menu, self.id, field, value);
        };
        say("status", Some(status.into()));
        say("running", Some(peer.is_some().to_string()));
        say("local-address", peer.map(|peer| peer.local.to_string()));
        say("remote-address", peer.map(|peer| peer.remote.to_string()));
        say("peer", peer.map(|peer| peer.remote.to_string()));
        say("mtu", peer.map(|_| "1480".into()));
        say("device", self.device.clone());
        if changed {
            say("up-since-ms", peer.map(|_| now_ms.to_string()));
        }
        self.write_rows(database, peer);
    }

    fn write_rows(&self, database: &mut Database, peer: Option<&Peer>) {
        let addresses = peer.map(|peer| {
            Row::new()
                .with("address", format!("{}/32", peer.local))
                .with("network", peer.remote.to_string())
                .with("interface", &self.name)
        });
        let kind = if self.menu == "/interface/lte" {
            "modem"
        } else {
            "vpn"
        };
        let routes = peer
            .and(self.distance.as_ref())
            .map(|distance| default_route(&self.name, "main", distance).with(kind, "true"));
        let owner = self.owner();
        database.replace_dynamic("/ip/address", &owner, addresses.into_iter().collect());
        database.replace_dynamic("/ip/route", &owner, routes.into_iter().collect());
    }
}

fn settle_dhcp(database: &mut Database, settings: &Settings) -> Vec<Event> {
    let mut events = Vec::new();
    let clients: Vec<_> = database
        .items("/ip/dhcp-client")
        .map(|client| {
            let line = database.named("/interface", client.text("interface"));
            let hardware = line.and_then(|line| hardware(settings, line));
            let carries = line.is_some_and(|line| has_link(line, hardware));
            let lease = hardware.and_then(|line| line.lease.clone());
            (
                client.clone(),
                lease.filter(|_| carries && !client.is_disabled()),
            )
        })
        .collect();
    for (client, lease) in &clients {
        let before = client
            .get("address")
            .map(|address| (address, client.get("gateway")));
        write_client(database, client, lease.as_ref());
        let after = database.item("/ip/dhcp-client", client.id);
        let after = after.and_then(|item| Some((item.get("address")?, item.get("gateway"))));
        if before != after {
            events.push(Event::Lease {
                interface: client.text("interface").to_owned(),
                bound: lease.is_some(),
            });
        }
    }
    let owners: Vec<_> = clients
        .iter()
        .map(|(client, _)| dhcp_owner(client))
        .collect();
    forget_strangers(database, "dhcp:", &owners);
    events
}

fn dhcp_owner(client: &Item) -> String {
    format!("dhcp:{}", client.id)
}

fn write_client(database: &mut Database, client: &Item, lease: Option<&Lease>) {
    let status = match lease {
        Some(_) => "bound",
        None if client.is_disabled() => "stopped",
        None => "searching...",
    };
    let server = lease.and_then(|lease| lease.server.or(lease.gateway));
    let mut dns = lease
        .into_iter()
        .flat_map(|lease| &lease.dns)
        .map(ToString::to_string);
    let address = lease.map(|lease| format!("{}/{}", lease.address, lease.prefix));
    let said = [
        ("status", Some(status.to_owned())),
        ("address", address.clone()),
        (
            "gateway",
            lease
                .and_then(|lease| lease.gateway)
                .map(|gateway| gateway.to_string()),
        ),
        ("dhcp-server", server.map(|server| server.to_string())),
        ("primary-dns", dns.next()),
        ("secondary-dns", dns.next()),
        ("expires-after", lease.map(|_| LEASE.to_owned())),
    ];
    for (field, value) in said {
        database.set_state("/ip/dhcp-client", client.id, field, value);
    }
    let addresses = address.and_then(|address| {
        let prefix: holdfast_routeros_proto::value::Prefix = address.parse().ok()?;
        Some(
            Row::new()
                .with("address", address)
                .with("network", prefix.network().address.to_string())
                .with("interface", client.text("interface")),
        )
    });
    let owner = dhcp_owner(client);
    database.replace_dynamic("/ip/address", &owner, addresses.into_iter().collect());
    let routes = dhcp_routes(client, lease);
    database.replace_dynamic("/ip/route", &owner, routes);
}

/// The default route of a lease in every table that the client names, `default` being the main one.
fn dhcp_routes(client: &Item, lease: Option<&Lease>) -> Vec<Row> {
    let gateway = lease.and_then(|lease| lease.gateway);
    let Some(gateway) = gateway.filter(|_| client.text("add-default-route") != "no") else {
        return Vec::new();
    };
    let tables = client.get("default-route-tables").unwrap_or("default");
    let route = |text: &str| {
        let (table, distance) = text
            .split_once(':')
            .unwrap_or((text, client.text("default-route-distance")));
        let table = if table == "default" { "main" } else { table };
        let gateway = format!("{gateway}%{}", client.text("interface"));
        let route = default_route(&gateway, table, distance).with("dhcp", "true");
        match client.get("check-gateway").filter(|check| *check != "none") {
            Some(check) => route.with("check-gateway", check),
            None => route,
        }
    };
    parse_list(tables).map(route).collect()
}

fn default_route(gateway: &str, table: &str, distance: &str) -> Row {
    Row::new()
        .with("dst-address", "0.0.0.0/0")
        .with("routing-table", table)
        .with("gateway", gateway)
        .with("distance", distance)
        .with("scope", "30")
        .with("target-scope", "10")
}

/// What the settings say of the hardware behind an interface, whatever it is called now.
fn hardware<'a>(settings: &'a Settings, line: &Item) -> Option<&'a InterfaceSettings> {
    let name = line.get("default-name")?;
    settings
        .interfaces
        .iter()
        .find(|interface| interface.name == name)
}

/// Whether a line carries packets. An LTE interface is running only once it is connected, and so is asked of the
/// hardware.
fn has_link(line: &Item, hardware: Option<&InterfaceSettings>) -> bool {
    let link = line.get("link").map(|link| link == "true");
    let link = link.or(hardware.map(|hardware| hardware.link));
    !line.is_disabled() && link.unwrap_or(false)
}

/// Removes what clients that are gone have left.
fn forget_strangers(database: &mut Database, kind: &str, owners: &[String]) {
    for menu in ["/ip/address", "/ip/route"] {
        let items = database.items(menu);
        let mut gone: Vec<_> = items
            .filter_map(|item| item.owner.clone())
            .filter(|owner| owner.starts_with(kind) && !owners.contains(owner))
            .collect();
        gone.dedup();
        for owner in gone {
            database.replace_dynamic(menu, &owner, Vec::new());
        }
    }
}
