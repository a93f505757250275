//! `monitor`: what an interface is doing, once or again and again.

use std::time::Duration;

use holdfast_routeros_proto::{
    Command, Row, Trap,
    value::{format_duration, parse_duration},
};

use super::Replies;
use crate::{
    model::{
        Answer, Caller, Database, Id, has_flag, invalid, missing, no_such_command, no_such_item,
        split_path,
    },
    router::Router,
};

/// What `monitor` says of the interfaces of a menu, besides their uptime.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "/interface/ovpn-client",
        &[
            "status",
            "encoding",
            "mtu",
            "local-address",
            "remote-address",
        ],
    ),
    (
        "/interface/pppoe-client",
        &[
            "status",
            "service-name",
            "ac-name",
            "mtu",
            "mru",
            "local-address",
            "remote-address",
        ],
    ),
    (
        "/interface/lte",
        &[
            "status",
            "model",
            "current-operator",
            "data-class",
            "rssi",
            "rsrp",
            "rsrq",
            "sinr",
        ],
    ),
    (
        "/interface/ethernet",
        &["name", "status", "rate", "full-duplex"],
    ),
];

pub(super) async fn run(
    router: &Router,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
) -> Result<Answer, Trap> {
    caller.require("read")?;
    let (menu, _) = split_path(command);
    let known = FIELDS.iter().find(|(known, _)| *known == menu);
    let (menu, fields) = known.ok_or_else(no_such_command)?;
    let names = [".id", "numbers", "number"]
        .iter()
        .find_map(|name| command.get(name));
    let names = names.ok_or_else(|| missing("numbers"))?;
    let ids = router.read(|database| chosen(database, menu, names))?;
    let interval = match command.get("interval") {
        Some(text) => parse_duration(text).ok_or_else(|| invalid("interval"))?,
        None => Duration::from_secs(1),
    };
    loop {
        for id in &ids {
            let row = router.read(|database| look(database, menu, *id, fields, router.uptime_ms()));
            replies.row(row.ok_or_else(no_such_item)?).await;
        }
        if has_flag(command, "once") {
            return Ok(Answer::done());
        }
        tokio::time::sleep(interval).await;
    }
}

fn chosen(database: &Database, menu: &str, names: &str) -> Result<Vec<Id>, Trap> {
    let find = |name: &str| {
        let item = match name.parse() {
            Ok(id) => database.item(menu, id),
            Err(()) => database.named(menu, name),
        };
        item.map(|item| item.id).ok_or_else(no_such_item)
    };
    names.split(',').map(find).collect()
}

fn look(database: &Database, menu: &str, id: Id, fields: &[&str], now_ms: u64) -> Option<Row> {
    let item = database.item(menu, id)?;
    let mut row: Row = fields
        .iter()
        .filter_map(|field| Some((*field, item.get(field)?)))
        .collect();
    if let Some(since) = item.get("up-since-ms").and_then(|text| text.parse().ok()) {
        let uptime = Duration::from_secs(now_ms.saturating_sub(since) / 1000);
        let name = if menu == "/interface/lte" {
            "session-uptime"
        } else {
            "uptime"
        };
        row.set(name, format_duration(uptime));
    }
    Some(row)
}
