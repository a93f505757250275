//! Commands that make the router do something once.

use holdfast_routeros_proto::{Command, Trap};

use crate::{
    model::{Answer, Caller, missing, no_such_item},
    router::{Event, Router},
};

/// `/system/reboot`: every connection is cut, the caller's too.
pub(super) fn reboot(router: &Router, caller: &Caller) -> Result<Answer, Trap> {
    caller.require("reboot")?;
    router.restart();
    Ok(Answer::done())
}

/// `/ip/dhcp-client/renew` and `release`: the server says the same again, as far as the router can tell, and scripts of
/// the client run.
pub(super) fn renew(router: &Router, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
    caller.require("write")?;
    let names = [".id", "numbers", "number"]
        .iter()
        .find_map(|name| command.get(name));
    let name = names.ok_or_else(|| missing("numbers"))?;
    let lease = router.read(|database| {
        let client = match name.parse() {
            Ok(id) => database.item("/ip/dhcp-client", id),
            Err(()) => database
                .items("/ip/dhcp-client")
                .find(|client| [client.get("name"), client.get("interface")].contains(&Some(name))),
        };
        client.map(|client| {
            (
                client.text("interface").to_owned(),
                client.get("address").is_some(),
            )
        })
    });
    let (interface, bound) = lease.ok_or_else(no_such_item)?;
    router.announce(Event::Lease { interface, bound });
    Ok(Answer::done())
}
