//! Default routes that are not ours. They stay, beneath the ladder and in the site's order: the way out when every
//! controller is gone.

use holdfast_routeros_proto::Row;

use crate::{
    Attribute, Attributes, Change, Desired, FieldKey, Memory, Menu, Observed, Recorded, Selection,
    Slot, Step, Undo,
    draft::{Draft, Phase},
    observed::interface_of,
    scripts,
};

/// Default routes of the site's WANs have distances from here, in the site's order.
const MANAGED: u8 = 201;

/// Static default routes that the site's administrator has made for WANs of ours come beneath those.
const STATIC: u8 = 221;

/// Default routes through other interfaces come last, in the order that they had.
const OTHERS: u8 = 231;

/// No default route comes below it, where blackholes begin.
const LAST: u8 = 249;

/// The distance of the default route of the WAN that is `position`th in the site's order.
pub(crate) fn distance(position: usize) -> u8 {
    at(MANAGED, position)
}

fn at(first: u8, position: usize) -> u8 {
    first
        .saturating_add(u8::try_from(position).unwrap_or(u8::MAX))
        .min(LAST)
}

/// What kind of thing makes a default route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Dhcp,
    Pppoe,
    Apn,
    Static,
}

impl Maker {
    const fn menu(self) -> Menu {
        match self {
            Self::Dhcp => Menu::DhcpClient,
            Self::Pppoe => Menu::PppoeClient,
            Self::Apn => Menu::LteApn,
            Self::Static => Menu::Route,
        }
    }

    /// The field with the distance of the route.
    const fn field(self) -> &'static str {
        match self {
            Self::Dhcp | Self::Pppoe | Self::Apn => "default-route-distance",
            Self::Static => "distance",
        }
    }

    /// The distance of one that is not told any.
    const fn unset(self) -> u8 {
        match self {
            Self::Dhcp | Self::Pppoe | Self::Static => 1,
            Self::Apn => 2,
        }
    }
}

/// Something that makes a default route, and is not ours.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    maker: Maker,
    row: &'a Row,
    /// What it is called, whatever its id.
    object: String,
    /// Where it leads, if it says so.
    interfaces: Vec<&'a str>,
}

impl<'a> Source<'a> {
    fn new(maker: Maker, row: &'a Row, object: &str, interfaces: Vec<&'a str>) -> Self {
        Self {
            maker,
            row,
            object: object.into(),
            interfaces,
        }
    }

    /// Whether it makes its route, once its link is up.
    fn is_on(&self) -> bool {
        let adds = match self.maker {
            Maker::Dhcp => self.row.text("add-default-route") != "no",
            Maker::Pppoe => self.row.flag("add-default-route"),
            Maker::Apn => self.row.flag("add-default-route") && !self.interfaces.is_empty(),
            Maker::Static => true,
        };
        adds && !self.row.flag("disabled")
    }

    fn key(&self) -> FieldKey {
        FieldKey {
            menu: self.maker.menu(),
            object: self.object.clone(),
            field: self.maker.field().into(),
        }
    }

    /// A DHCP client tells its distance only as long as it has a lease.
    fn is_told(&self) -> bool {
        self.maker != Maker::Dhcp
            || !self.row.text(self.maker.field()).is_empty()
            || self.row.text("status") == "bound"
    }

    fn distance(&self) -> u8 {
        self.row
            .text(self.maker.field())
            .parse()
            .unwrap_or(self.maker.unset())
    }

    /// The distance that it had before us.
    fn original(&self, memory: &Memory) -> u8 {
        let old = memory.old(&self.key()).and_then(|old| old.parse().ok());
        match old {
            Some(old) if is_ours(self.distance()) => old,
            Some(_) | None => self.distance(),
        }
    }

    pub(crate) fn leads_through(&self, interface: &str) -> bool {
        self.interfaces.contains(&interface)
    }

    fn is_static(&self) -> bool {
        self.maker == Maker::Static
    }

    /// The interface, the client or the route, as people say it.
    fn title(&self) -> String {
        match self.maker {
            Maker::Dhcp => format!("default route of the DHCP client on {}", self.object),
            Maker::Pppoe => format!("default route of the PPPoE client {}", self.object),
            Maker::Apn => format!("default route of the APN {}", self.object),
            Maker::Static => format!("default route through {}", self.row.text("gateway")),
        }
    }

    /// Selects it on the router. A route is told from one of ours that leads the same way by its distance.
    fn selection(&self, distance: u8) -> Selection {
        let holds = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
            pairs.iter().map(owned).collect()
        };
        let holds = match self.maker {
            Maker::Dhcp => holds(&[("interface", &self.object)]),
            Maker::Pppoe | Maker::Apn => holds(&[("name", &self.object)]),
            Maker::Static => holds(&[
                ("dst-address", "0.0.0.0/0"),
                ("gateway", self.row.text("gateway")),
                ("distance", &distance.to_string()),
            ]),
        };
        Selection {
            menu: self.maker.menu(),
            holds,
        }
    }

    fn set_to(&self, summary: String, distance: u8, remembers: Recorded) -> Step {
        let attributes = |value: u8| {
            Attributes(vec![Attribute::plain(
                self.maker.field(),
                &value.to_string(),
            )])
        };
        Step {
            summary,
            object: self.title(),
            change: Change::Set {
                menu: self.maker.menu(),
                id: self.row.text(Row::ID).into(),
                attributes: attributes(distance),
            },
            remembers: Some(remembers),
            undo: Some(Undo::Set(
                self.selection(distance),
                attributes(self.distance()),
            )),
        }
    }
}

/// Whether we may have set this distance.
fn is_ours(distance: u8) -> bool {
    (MANAGED..=LAST).contains(&distance)
}

/// Everything that makes a default route in the main table and is not ours.
pub(crate) fn sources(observed: &Observed) -> Vec<Source<'_>> {
    let mut sources = possible_sources(observed);
    sources.retain(Source::is_on);
    sources
}

/// The same with those that are switched off.
fn possible_sources(observed: &Observed) -> Vec<Source<'_>> {
    let rows = |menu| {
        observed
            .rows(menu)
            .iter()
            .filter(|row| !row.flag("dynamic"))
    };
    let dhcp = rows(Menu::DhcpClient).map(|row| {
        let interface = row.text("interface");
        Source::new(Maker::Dhcp, row, interface, vec![interface])
    });
    let pppoe = rows(Menu::PppoeClient).map(|row| {
        let name = row.text("name");
        Source::new(Maker::Pppoe, row, name, vec![name])
    });
    let apns = rows(Menu::LteApn).map(|row| {
        let modems = observed.rows(Menu::Lte).iter().map(|lte| lte.text("name"));
        let dials = |lte: &&str| observed.apns_of(lte).any(|apn| apn.id() == row.id());
        Source::new(
            Maker::Apn,
            row,
            row.text("name"),
            modems.filter(dials).collect(),
        )
    });
    let routes = rows(Menu::Route).filter(|row| is_theirs(row)).map(|row| {
        let object = format!("0.0.0.0/0 via {}", row.text("gateway"));
        Source::new(Maker::Static, row, &object, vec![interface_of(row)])
    });
    let mut sources: Vec<Source<'_>> = Vec::new();
    for mut source in dhcp.chain(pppoe).chain(apns).chain(routes) {
        // Routes through one gateway are told apart by their order.
        let same = |other: &&Source<'_>| other.row.text("gateway") == source.row.text("gateway");
        let earlier = sources
            .iter()
            .filter(|other| other.is_static())
            .filter(same)
            .count();
        if source.is_static() && earlier > 0 {
            source.object.push_str(&format!(" #{}", earlier + 1));
        }
        sources.push(source);
    }
    sources
}

/// A static default route that is not ours, and leads somewhere.
fn is_theirs(route: &Row) -> bool {
    route.text("dst-address") == "0.0.0.0/0"
        && matches!(route.text("routing-table"), "" | "main")
        && route.text("comment").parse::<crate::Tag>().is_err()
        && !route.text("gateway").is_empty()
}

/// Whether something that is not ours keeps a default route for the slot's WAN, following its gateway.
pub(crate) fn has_own_default(observed: &Observed, slot: &Slot) -> bool {
    sources(observed)
        .iter()
        .any(|source| !source.is_static() && source.leads_through(&slot.interface))
}

/// Puts every default route that is not ours beneath the ladder, the worst first: so the best stays the best meanwhile.
pub(crate) fn lower(draft: &mut Draft<'_>, desired: &Desired) {
    let (observed, memory) = (draft.observed, draft.memory);
    let mut wanted: Vec<_> = with_distances(desired, sources(observed), memory);
    wanted.sort_by_key(|(distance, source)| (std::cmp::Reverse(*distance), source.object.clone()));
    for (distance, source) in wanted {
        let is_remembered = memory.old(&source.key()).is_some();
        if source.distance() == distance || !source.is_told() && is_remembered {
            continue;
        }
        let summary = format!(
            "put the {} beneath the ladder, at distance {distance}",
            source.title()
        );
        let record = Recorded::Field {
            field: source.key(),
            old: source.original(memory).to_string(),
        };
        draft.push(Phase::Distances, source.set_to(summary, distance, record));
    }
}

/// The distance that each of them should have.
fn with_distances<'a>(
    desired: &Desired,
    sources: Vec<Source<'a>>,
    memory: &Memory,
) -> Vec<(u8, Source<'a>)> {
    let ranked = desired.by_rank();
    let position = |source: &Source<'_>| {
        let leads = |slot: &&Slot| source.leads_through(&slot.interface);
        ranked.iter().position(leads)
    };
    let mut others: Vec<_> = sources
        .iter()
        .filter(|source| position(source).is_none())
        .map(|source| source.original(memory))
        .collect();
    others.sort_unstable();
    others.dedup();
    sources
        .into_iter()
        .map(|source| {
            let distance = match position(&source) {
                Some(position) if source.is_static() => at(STATIC, position),
                Some(position) => at(MANAGED, position),
                None => {
                    let original = source.original(memory);
                    at(
                        OTHERS,
                        others
                            .iter()
                            .position(|old| *old == original)
                            .unwrap_or_default(),
                    )
                }
            };
            (distance, source)
        })
        .collect()
}

/// Gives every field its old value back, the best default route first. A distance that somebody has changed since is
/// theirs to keep.
pub(crate) fn restore(draft: &mut Draft<'_>) {
    let (observed, memory) = (draft.observed, draft.memory);
    let mut found: Vec<_> = possible_sources(observed)
        .into_iter()
        .filter(|source| is_ours(source.distance()) || !source.is_told())
        .filter_map(|source| Some((memory.old(&source.key())?.parse::<u8>().ok()?, source)))
        .collect();
    found.sort_by_key(|(old, source)| (*old, source.object.clone()));
    for (old, source) in found {
        let summary = format!("restore the distance of the {} to {old}", source.title());
        let record = Recorded::Restored {
            field: source.key(),
        };
        draft.push(Phase::Restore, source.set_to(summary, old, record));
    }
    follow(draft, |_| None);
}

/// Puts the script that `wanted` names on each DHCP client whose script is ours or nobody's.
pub(crate) fn follow(draft: &mut Draft<'_>, wanted: impl Fn(&str) -> Option<String>) {
    for client in draft.observed.rows(Menu::DhcpClient) {
        let interface = client.text("interface");
        let script = wanted(interface);
        let (is_ours, is_free) = (
            scripts::is_follow(client.text("script")),
            client.text("script").is_empty(),
        );
        let same = script
            .as_deref()
            .is_some_and(|text| crate::object::says(client, "script", text));
        let step = match script {
            Some(text) if !same && (is_ours || is_free) => {
                let summary = format!("follow the gateway that DHCP gives {interface}");
                set_script(client, summary, &text, |field| Recorded::Field {
                    field,
                    old: String::new(),
                })
            }
            None if is_ours => {
                let summary = format!("follow the gateway of {interface} no more");
                set_script(client, summary, "", |field| Recorded::Restored { field })
            }
            Some(_) | None => continue,
        };
        draft.push(Phase::Follow, step);
    }
}

fn set_script(
    client: &Row,
    summary: String,
    text: &str,
    record: impl Fn(FieldKey) -> Recorded,
) -> Step {
    let interface = client.text("interface");
    let script = |text: &str| Attributes(vec![Attribute::plain("script", text)]);
    Step {
        summary,
        object: format!("DHCP client on {interface}"),
        change: Change::Set {
            menu: Menu::DhcpClient,
            id: client.text(Row::ID).into(),
            attributes: script(text),
        },
        remembers: Some(record(FieldKey {
            menu: Menu::DhcpClient,
            object: interface.into(),
            field: "script".into(),
        })),
        undo: Some(Undo::Set(
            Selection {
                menu: Menu::DhcpClient,
                holds: vec![("interface".into(), interface.into())],
            },
            script(&client.text("script").replace("\r\n", "\n")),
        )),
    }
}
