//! `/ip/route/check`: where packets to an address would go.

use std::net::Ipv4Addr;

use holdfast_routeros_proto::{Command, Feature, Row, Trap};

use crate::{
    model::{Answer, Caller, invalid, missing, no_such_command},
    rib::Entry,
    router::Router,
};

pub(super) fn run(router: &Router, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
    caller.require("read")?;
    if !router.settings().version.has(Feature::RouteCheck) {
        return Err(no_such_command());
    }
    let address = command.get("dst-ip").ok_or_else(|| missing("dst-ip"))?;
    let address: Ipv4Addr = address.parse().map_err(|_| invalid("dst-ip"))?;
    let resolution = router.watch_resolution().borrow().clone();
    let row = match resolution.lookup("main", address) {
        None => Row::new().with("status", "no route"),
        Some(Entry::Blackhole) => Row::new().with("status", "blackhole"),
        Some(Entry::Connected(interface)) => Row::new()
            .with("status", "ok")
            .with("interface", interface)
            .with("nexthop", address.to_string()),
        Some(Entry::Hops(hops)) => {
            let mut row = Row::new().with("status", "ok");
            if let Some(hop) = hops.first() {
                row.set("interface", &hop.interface);
                let via = hop
                    .via
                    .map_or_else(|| hop.interface.clone(), |via| via.to_string());
                row.set("nexthop", via);
            }
            row
        }
    };
    Ok(Answer::list(vec![row]))
}
