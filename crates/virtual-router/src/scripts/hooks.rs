//! Scripts that run when something happens: PPP connections coming and going, DHCP leases.

use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use super::run_event;
use crate::{
    model::{Caller, Database, Item},
    router::{Event, Router},
};

/// A script to run, and the variables it is given.
type Hook = (String, Vec<(&'static str, String)>);

/// Runs hooks until dropped, each as the system does.
pub(crate) async fn run(router: Router) {
    let mut events = router.events();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            event = events.recv() => {
                let hook = match event {
                    Ok(event) => router.read(|database| hook_of(database, &event)),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return,
                };
                if let Some((source, variables)) = hook {
                    let router = router.clone();
                    running.spawn(async move {
                        run_event(&router, &source, Caller::system(), variables).await;
                    });
                }
            }
            // Only so that what is over is forgotten.
            Some(_) = running.join_next() => {}
        }
    }
}

fn hook_of(database: &Database, event: &Event) -> Option<Hook> {
    match event {
        Event::Up { interface } => profile_hook(database, interface, "on-up"),
        Event::Down { interface } => profile_hook(database, interface, "on-down"),
        Event::Lease { interface, bound } => lease_hook(database, interface, *bound),
        Event::Changed(_) | Event::Redial { .. } | Event::Restart => None,
    }
}

/// `interface` is the internal id, as the vendor says.
fn profile_hook(database: &Database, interface: &str, field: &str) -> Option<Hook> {
    let item = database.named("/interface", interface)?;
    let profile = database.named("/ppp/profile", item.get("profile")?)?;
    let text = |item: &Item, name: &str| item.text(name).to_owned();
    let variables = vec![
        ("interface", item.id.to_string()),
        ("user", text(item, "user")),
        ("local-address", text(item, "local-address")),
        ("remote-address", text(item, "remote-address")),
    ];
    Some((text(profile, field), variables))
}

fn lease_hook(database: &Database, interface: &str, bound: bool) -> Option<Hook> {
    let mut clients = database.items("/ip/dhcp-client");
    let client = clients.find(|client| client.text("interface") == interface)?;
    let address = client.text("address").split('/').next().unwrap_or_default();
    let variables = vec![
        ("bound", if bound { "1" } else { "0" }.to_owned()),
        ("interface", interface.to_owned()),
        ("lease-address", address.to_owned()),
        ("server-address", client.text("dhcp-server").to_owned()),
        ("gateway-address", client.text("gateway").to_owned()),
    ];
    Some((client.text("script").to_owned(), variables))
}
