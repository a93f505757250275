//! Commands that are more than a look at the database, or a change of it: those that take time or ask the world.

mod certificate;
mod export;
mod fetch;
mod live;
mod monitor;
mod ping;
mod route_check;
mod system;
mod traffic;

use holdfast_routeros_proto::{Command, Row, Trap, Version};
use tokio::sync::mpsc;

use crate::{
    model::{Answer, Caller, split_path},
    router::Router,
    scripts,
};

/// Where a command says something before it is done.
#[derive(Debug, Clone)]
pub struct Replies(mpsc::Sender<Row>);

impl Replies {
    /// Says it to whoever reads the other end.
    pub fn new(sender: mpsc::Sender<Row>) -> Self {
        Self(sender)
    }

    /// One row more. Nobody may be interested any more: then the command is about to be cancelled.
    pub async fn row(&self, row: Row) {
        let _ = self.0.send(row).await;
    }
}

/// Carries out a command at once if it takes no time.
pub fn run_now(
    router: &Router,
    caller: &Caller,
    command: &Command,
) -> Option<Result<Answer, Trap>> {
    const VERBS: &[&str] = &[
        "print", "getall", "get", "find", "add", "set", "unset", "comment", "remove", "enable",
        "disable", "move",
    ];
    let (menu, verb) = split_path(command);
    let is_known = VERBS.contains(&verb) && !live::concerns(router, menu, verb);
    is_known.then(|| router.execute(caller, command))
}

/// Carries out any command. Dropping the future cancels it.
///
/// # Errors
/// What RouterOS says.
pub async fn run(
    router: &Router,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
) -> Result<Answer, Trap> {
    if let Some(result) = run_now(router, caller, command) {
        return result;
    }
    match (split_path(command), command.path()) {
        (_, "/tool/ping") => ping::run(router, caller, command, replies).await,
        // Gone from the root in 7.23.
        (_, "/ping") if router.settings().version < Version::release(7, 23, 0) => {
            ping::run(router, caller, command, replies).await
        }
        (_, "/tool/fetch") => fetch::run(router, caller, command).await,
        (_, "/certificate/import") => certificate::import(router, caller, command),
        (_, "/import") => scripts::import(router, caller, command).await,
        (_, "/system/script/run") => scripts::run_named(router, caller, command).await,
        (_, "/system/reboot") => system::reboot(router, caller),
        (_, "/ip/dhcp-client/renew" | "/ip/dhcp-client/release") => {
            system::renew(router, caller, command)
        }
        (_, "/ip/route/check") => route_check::run(router, caller, command),
        (_, "/interface/monitor-traffic") => traffic::run(router, caller, command, replies).await,
        (_, "/ip/firewall/connection/remove") => {
            live::remove_connections(router, caller, command).await
        }
        ((_, "monitor"), _) => monitor::run(router, caller, command, replies).await,
        ((_, "export"), _) => export::run(router, caller, command),
        ((menu, "print" | "getall" | "get" | "find"), _) => {
            live::refresh(router, menu).await?;
            router.execute(caller, command)
        }
        _ => router.execute(caller, command),
    }
}
