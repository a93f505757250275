//! `/interface/monitor-traffic`.

use std::time::Duration;

use holdfast_routeros_proto::{
    Command, Row, Trap,
    value::{parse_duration, parse_list},
};

use super::Replies;
use crate::{
    model::{Answer, Caller, has_flag, invalid, missing, no_match},
    router::Router,
};

/// The rates of the last whole second, again and again. Names of the fields here and in the database.
const RATES: &[(&str, &str)] = &[
    ("rx-packets-per-second", "rx-packets-per-second"),
    ("rx-bits-per-second", "rx-bits-per-second"),
    ("fp-rx-packets-per-second", "rx-packets-per-second"),
    ("fp-rx-bits-per-second", "rx-bits-per-second"),
    ("tx-packets-per-second", "tx-packets-per-second"),
    ("tx-bits-per-second", "tx-bits-per-second"),
    ("fp-tx-packets-per-second", "tx-packets-per-second"),
    ("fp-tx-bits-per-second", "tx-bits-per-second"),
];

pub(super) async fn run(
    router: &Router,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
) -> Result<Answer, Trap> {
    caller.require("read")?;
    let names = command
        .get("interface")
        .ok_or_else(|| missing("interface"))?;
    let interval = match command.get("interval") {
        Some(text) => parse_duration(text).ok_or_else(|| invalid("interval"))?,
        None => Duration::from_secs(1),
    };
    loop {
        for name in parse_list(names) {
            let row = router.read(|database| {
                let item = database.named("/interface", name)?;
                let rates = RATES
                    .iter()
                    .map(|(shown, kept)| (*shown, item.get(kept).unwrap_or("0")));
                Some(rates.collect::<Row>().with("name", name))
            });
            replies.row(row.ok_or_else(|| no_match("interface"))?).await;
        }
        if has_flag(command, "once") {
            return Ok(Answer::done());
        }
        tokio::time::sleep(interval).await;
    }
}
