//! What a router has, as far as we want to know it.

use std::collections::BTreeMap;

use holdfast_routeros_proto::{Row, Version};

use crate::{Menu, Tag, names};

mod reads;

pub use reads::ReadRequest;

/// What a router has: the rows of its menus.
#[derive(Debug, Clone)]
pub struct Observed {
    version: Version,
    rows: BTreeMap<Menu, Vec<Row>>,
}

impl Observed {
    /// What must be read of a router of this version to make a plan for it.
    pub fn queries(version: &Version) -> Vec<ReadRequest> {
        reads::for_plan(version)
    }

    /// Nothing yet, to be filled [`with`](Self::with) the rows of single menus.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            rows: BTreeMap::new(),
        }
    }

    /// What must be read to list the [interfaces](crate::interfaces()) and, together with [`Self::gateway_queries`], the
    /// [gateways](crate::gateways()) of one: less than for a plan.
    pub fn interface_queries() -> Vec<ReadRequest> {
        reads::for_interfaces()
    }

    /// What must be read besides to find the gateways of an interface, see [`Self::with`].
    pub fn gateway_queries(interface: &str) -> Vec<ReadRequest> {
        reads::for_gateways(interface)
    }

    /// From the rows that came in answer to [`Self::queries`], in the same order. An answer that is not there, because
    /// the router does not know the menu, is an empty one.
    pub fn read(version: Version, answers: Vec<Vec<Row>>) -> Self {
        let requests = Self::queries(&version);
        let menus = requests.into_iter().map(|request| request.menu);
        let rows = menus.zip(answers).collect();
        Self { version, rows }
    }

    /// The same with the rows of one more menu.
    #[must_use]
    pub fn with(mut self, menu: Menu, rows: Vec<Row>) -> Self {
        self.rows.insert(menu, rows);
        self
    }

    /// The router's version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The rows of a menu, in the router's order.
    pub fn rows(&self, menu: Menu) -> &[Row] {
        self.rows.get(&menu).map_or(&[], Vec::as_slice)
    }

    /// Whether a dead man waits to put an old configuration back. As long as it does, what is observed may be a state
    /// between two: run the script [`names::DEAD_MAN`] and read again, or finish the plan that it guards.
    pub fn dead_man_is_armed(&self) -> bool {
        let ours = |row: &Row| row.text("name") == names::DEAD_MAN;
        self.rows(Menu::Scheduler).iter().any(ours)
    }

    /// The port of the API. Rows of live connections have the same name, and are dynamic.
    pub(crate) fn api_port(&self) -> &str {
        let mut services = self.rows(Menu::Service).iter();
        let api = services.find(|row| row.text("name") == "api" && !row.flag("dynamic"));
        api.and_then(|row| row.get("port")).unwrap_or("8728")
    }

    /// Rows of ours in a menu, with their tags.
    pub(crate) fn owned(&self, menu: Menu) -> impl Iterator<Item = (Tag, &Row)> {
        self.rows(menu)
            .iter()
            .filter(|row| !row.flag("dynamic"))
            .filter_map(|row| Some((row.text("comment").parse().ok()?, row)))
    }

    /// The row of ours with this tag.
    pub(crate) fn owned_as(&self, menu: Menu, tag: Tag) -> Option<&Row> {
        self.owned(menu)
            .find_map(|(own, row)| (own == tag).then_some(row))
    }

    /// The row of a menu whose `field` is `value`.
    pub(crate) fn named(&self, menu: Menu, field: &str, value: &str) -> Option<&Row> {
        self.rows(menu).iter().find(|row| row.text(field) == value)
    }

    pub(crate) fn interface(&self, name: &str) -> Option<&Row> {
        self.named(Menu::Interface, "name", name)
    }

    /// The DHCP client that gives an interface its address, if it is switched on.
    pub(crate) fn dhcp_client(&self, interface: &str) -> Option<&Row> {
        let client = self.named(Menu::DhcpClient, "interface", interface)?;
        (!client.flag("disabled")).then_some(client)
    }

    /// The addresses of an interface that are in use.
    pub(crate) fn addresses<'a>(&'a self, interface: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows(Menu::Address).iter().filter(move |row| {
            let on = row
                .get("actual-interface")
                .unwrap_or_else(|| row.text("interface"));
            on == interface && !row.flag("disabled") && !row.flag("invalid")
        })
    }

    /// Whether an interface is in a list.
    pub(crate) fn in_list(&self, interface: &str, list: &str) -> bool {
        self.rows(Menu::InterfaceListMember).iter().any(|row| {
            row.text("interface") == interface && row.text("list") == list && !row.flag("disabled")
        })
    }

    /// Routes to everywhere in the main table that are switched on.
    pub(crate) fn default_routes(&self) -> impl Iterator<Item = &Row> {
        self.rows(Menu::Route).iter().filter(|row| {
            row.text("dst-address") == "0.0.0.0/0"
                && matches!(row.text("routing-table"), "" | "main")
                && !row.flag("disabled")
        })
    }
}

/// The interface that a route leaves through, as far as its gateway names one.
pub(crate) fn interface_of(route: &Row) -> &str {
    let gateway = match route.text("immediate-gw") {
        "" => route.text("gateway"),
        resolved => resolved,
    };
    gateway
        .rsplit_once('%')
        .map_or(gateway, |(_, interface)| interface)
}
