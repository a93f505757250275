//! A client from the moment it is enabled: dialling, connected, terminating, and again.

use std::time::Duration;

use holdfast_routeros_proto::Row;

use super::{
    Config, MENU,
    process::{Process, Said},
    push::Pushed,
};
use crate::{
    model::Id,
    router::{Event, Router},
};

/// Dials again and again until dropped.
pub(super) async fn run(router: Router, id: Id, config: Config) {
    let name = config.row.text("name").to_owned();
    loop {
        let reason = attempt(&router, id, &config).await;
        tracing::info!(client = %name, reason, "terminating");
        withdraw(&router, id, &name, &format!("terminating... - {reason}"));
        let delay = router.settings().behaviour.redial_delay_ms;
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
}

/// One connection; returns why it ended.
async fn attempt(router: &Router, id: Id, config: &Config) -> &'static str {
    say(router, id, "status", Some("connecting..."));
    let device = format!("ovpn{:x}", id.0);
    let obeys = router.settings().behaviour.honours_ping_restart;
    let mut process = match Process::start(config, &device, obeys) {
        Ok(process) => process,
        Err(error) => {
            tracing::warn!("{error:#}");
            return "internal error";
        }
    };
    let mut pushed = Pushed::default();
    loop {
        match process.next().await {
            Said::Pushed(reply) => {
                pushed = Pushed::parse(&reply);
                say(router, id, "status", Some("using encoding"));
            }
            Said::Connected if hangs(router, &pushed) => {
                tracing::info!(
                    routes = pushed.routes.len(),
                    "hangs: too many routes were pushed"
                );
            }
            Said::Connected => up(router, id, config, &device, &pushed),
            Said::Failed(reason) => return reason,
        }
    }
}

/// Whether more routes came than this version can take. Then it neither goes on nor ends.
fn hangs(router: &Router, pushed: &Pushed) -> bool {
    let settings = router.settings();
    let most = settings.behaviour.most_pushed_routes(&settings.version);
    most.is_some_and(|most| pushed.routes.len() > most)
}

fn up(router: &Router, id: Id, config: &Config, device: &str, pushed: &Pushed) {
    let settings = router.settings();
    let name = config.row.text("name");
    let behaviour = &settings.behaviour;
    let owner = owner(id);
    let now = router.uptime_ms().to_string();
    router.update(|database| {
        let encoding = format!(
            "{}/{}",
            config.row.text("cipher").to_uppercase(),
            config.row.text("auth").to_uppercase()
        );
        let said = [
            ("status", "connected".to_owned()),
            ("running", "true".to_owned()),
            ("encoding", encoding),
            ("mtu", config.row.text("max-mtu").to_owned()),
            ("device", device.to_owned()),
            ("up-since-ms", now),
        ];
        for (field, value) in said {
            database.set_state(MENU, id, field, Some(value));
        }
        let local = pushed.local.map(|address| address.to_string());
        database.set_state(MENU, id, "local-address", local);
        let remote = pushed.gateway.map(|address| address.to_string());
        database.set_state(MENU, id, "remote-address", remote);
        let address = pushed.address(name, behaviour);
        database.replace_dynamic("/ip/address", &owner, address.into_iter().collect());
        let routes = pushed.routes(&config.row, behaviour);
        database.replace_dynamic("/ip/route", &owner, routes);
        let member = config
            .list
            .as_ref()
            .map(|list| Row::new().with("list", list).with("interface", name));
        let members = member.into_iter().collect();
        database.replace_dynamic("/interface/list/member", &owner, members);
    });
    router.announce(Event::Up {
        interface: name.to_owned(),
    });
}

/// Takes away what came with a connection.
pub(super) fn withdraw(router: &Router, id: Id, name: &str, status: &str) {
    let owner = owner(id);
    let was_up = router.update(|database| {
        let was_up = database
            .item(MENU, id)
            .is_some_and(|item| item.is("running"));
        for menu in ["/ip/route", "/ip/address", "/interface/list/member"] {
            database.replace_dynamic(menu, &owner, Vec::new());
        }
        database.set_state(MENU, id, "status", Some(status.into()));
        database.set_state(MENU, id, "running", Some("false".into()));
        for field in [
            "local-address",
            "remote-address",
            "encoding",
            "up-since-ms",
            "device",
        ] {
            database.set_state(MENU, id, field, None);
        }
        was_up
    });
    if was_up {
        router.announce(Event::Down {
            interface: name.to_owned(),
        });
    }
}

fn say(router: &Router, id: Id, field: &'static str, value: Option<&str>) {
    router.update(|database| database.set_state(MENU, id, field, value.map(str::to_owned)));
}

fn owner(id: Id) -> String {
    format!("ovpn:{id}")
}
