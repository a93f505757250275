//! What only the kernel knows, read when somebody asks.

use std::collections::BTreeMap;

use holdfast_routeros_proto::{Command, Trap, value::format_duration};
use std::time::Duration;

use crate::{
    kernel::Kernel,
    model::{Answer, Caller, Database, Id, failure},
    router::Router,
};

/// Whether a command shows what has to be asked for, or is about something that only the kernel has.
pub(super) fn concerns(router: &Router, menu: &str, verb: &str) -> bool {
    let reads = matches!(verb, "print" | "getall" | "get" | "find");
    let in_kernel = match menu {
        "/ip/firewall/connection" => true,
        "/ip/arp" => reads,
        _ => reads && menu.starts_with("/interface"),
    };
    reads && menu == "/system/resource" || in_kernel && router.kernel().is_some()
}

/// Asks for what a menu shows.
pub(super) async fn refresh(router: &Router, menu: &str) -> Result<(), Trap> {
    if menu == "/system/resource" {
        refresh_resource(router);
    }
    let Some(kernel) = router.kernel() else {
        return Ok(());
    };
    match menu {
        "/ip/arp" => refresh_neighbors(router, kernel).await,
        "/ip/firewall/connection" => {
            let rows = kernel
                .connections()
                .await
                .map_err(|error| failure(format!("{error:#}")))?;
            router.update(|database| database.replace_dynamic(menu, "kernel", rows));
            Ok(())
        }
        menu if menu.starts_with("/interface") => refresh_counters(router, kernel).await,
        _other => Ok(()),
    }
}

/// `/ip/firewall/connection/remove`.
pub(super) async fn remove_connections(
    router: &Router,
    caller: &Caller,
    command: &Command,
) -> Result<Answer, Trap> {
    const MENU: &str = "/ip/firewall/connection";
    let rows = |database: &Database| -> BTreeMap<Id, _> {
        let items = database.items(MENU);
        items
            .map(|item| (item.id, database.row(MENU, item, false)))
            .collect()
    };
    let before = router.read(rows);
    let answer = router.execute(caller, command)?;
    let after = router.read(rows);
    if let Some(kernel) = router.kernel() {
        for (_, row) in before.into_iter().filter(|(id, _)| !after.contains_key(id)) {
            let forgotten = kernel.forget_connection(&row).await;
            forgotten.map_err(|error| failure(format!("{error:#}")))?;
        }
    }
    Ok(answer)
}

fn refresh_resource(router: &Router) {
    let uptime = Duration::from_secs(router.uptime_ms() / 1000);
    router.update(|database| {
        if let Some(id) = database.single("/system/resource").map(|item| item.id) {
            database.set_quietly("/system/resource", id, "uptime", format_duration(uptime));
        }
    });
}

async fn refresh_neighbors(router: &Router, kernel: &Kernel) -> Result<(), Trap> {
    let links = kernel.links().await.map_err(failure)?;
    let names = router.read(|database| {
        let interfaces = database.items("/interface");
        let named = interfaces.filter_map(|item| {
            let link = links.get(item.get("device")?)?;
            Some((link.index, item.text("name").to_owned()))
        });
        named.collect::<BTreeMap<_, _>>()
    });
    let rows = kernel.neighbors(&names).await.map_err(failure)?;
    router.update(|database| database.replace_dynamic("/ip/arp", "kernel", rows));
    Ok(())
}

async fn refresh_counters(router: &Router, kernel: &Kernel) -> Result<(), Trap> {
    let links = kernel.links().await.map_err(failure)?;
    router.update(|database| crate::run::write_links(database, &links));
    Ok(())
}
