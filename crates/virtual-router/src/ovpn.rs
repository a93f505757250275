//! `/interface/ovpn-client`: a real `openvpn` for each client that is enabled.
//!
//! OpenVPN carries the packets; the router decides what becomes of what the server pushes, as its settings say that
//! RouterOS does. It is told `route-noexec` and `ifconfig-noexec`, so that addresses and routes go through the menus.

mod client;
mod process;
mod push;

use std::collections::BTreeMap;

use holdfast_routeros_proto::Row;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use crate::{
    model::{Database, Id, Item},
    router::{Event, Router},
};

const MENU: &str = "/interface/ovpn-client";

/// All clients.
pub(crate) struct Clients {
    router: Router,
    /// Those that are enabled: how they are configured, and their task, which ends when it is dropped.
    running: BTreeMap<Id, (Config, JoinSet<()>)>,
}

/// How a client is configured; with another configuration it dials anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Config {
    row: Row,
    /// Certificates of its store that it trusts, as PEM.
    authorities: String,
    /// The interface list that its profile adds it to.
    list: Option<String>,
}

impl Clients {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            running: BTreeMap::new(),
        }
    }

    /// Follows the configuration until dropped. Without a kernel there is nothing to connect: clients stay as they are.
    pub(crate) async fn run(mut self) {
        if self.router.kernel().is_none() {
            return std::future::pending().await;
        }
        let mut events = self.router.events();
        loop {
            self.settle();
            loop {
                match events.recv().await {
                    Ok(Event::Changed(change)) if concerns(change.menu) && change.configured => {
                        break;
                    }
                    Ok(Event::Redial { interface }) => self.redial(&interface),
                    Ok(Event::Restart) => {
                        self.running.clear();
                        break;
                    }
                    Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    fn settle(&mut self) {
        let wanted: BTreeMap<_, _> = self.router.read(|database| {
            let clients = database.items(MENU).filter(|item| !item.is_disabled());
            clients
                .map(|item| (item.id, Config::read(database, item)))
                .collect()
        });
        let gone: Vec<_> = self
            .running
            .iter()
            .filter(|(id, (config, _))| wanted.get(*id) != Some(config))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.stop(id);
        }
        for (id, config) in wanted {
            self.running.entry(id).or_insert_with(|| {
                let mut task = JoinSet::new();
                task.spawn(client::run(self.router.clone(), id, config.clone()));
                (config, task)
            });
        }
    }

    fn stop(&mut self, id: Id) {
        if let Some((config, _)) = self.running.remove(&id) {
            client::withdraw(&self.router, id, config.row.text("name"), "disconnected");
        }
    }

    /// The client's connection ends, and is dialled anew.
    fn redial(&mut self, interface: &str) {
        let id = self
            .running
            .iter()
            .find(|(_, (config, _))| config.row.text("name") == interface);
        if let Some(id) = id.map(|(id, _)| *id) {
            self.stop(id);
        }
        self.settle();
    }
}

/// Whether a menu has a part in how clients dial.
fn concerns(menu: &str) -> bool {
    matches!(menu, MENU | "/certificate" | "/ppp/profile")
}

impl Config {
    fn read(database: &Database, item: &Item) -> Self {
        let trusted = database
            .items("/certificate")
            .filter(|item| item.is("trusted"));
        let authorities: Vec<_> = trusted.filter_map(|item| item.get("pem")).collect();
        let profile = database.named("/ppp/profile", item.text("profile"));
        let list = profile.and_then(|profile| profile.get("interface-list"));
        let mut row = Row::new();
        for field in item.fields().filter(|field| *field != "comment") {
            row.set(field, item.text(field));
        }
        Self {
            row,
            authorities: authorities.join("\n"),
            list: list.map(str::to_owned),
        }
    }
}
