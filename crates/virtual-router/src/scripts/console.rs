//! The router as its scripts see it.

use std::time::Duration;

use holdfast_routeros_proto::{Command, Row};
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    actions::{self, Replies},
    model::{Answer, Caller, Kind},
    router::Router,
    script::Console,
};

pub(super) struct RouterConsole {
    router: Router,
    caller: Caller,
    /// Scripts run on threads of their own; commands are carried out by the runtime.
    runtime: Handle,
    /// Lines that were shown at the terminal.
    pub(super) printed: Vec<String>,
}

impl RouterConsole {
    pub(super) fn new(router: Router, caller: Caller) -> Self {
        Self {
            router,
            caller,
            runtime: Handle::current(),
            printed: Vec::new(),
        }
    }

    fn carry_out(&self, command: &Command) -> Result<Answer, String> {
        let (row_tx, mut row_rx) = mpsc::channel(1);
        let replies = Replies::new(row_tx);
        let work = async {
            let result = actions::run(&self.router, &self.caller, command, &replies).await;
            drop(replies);
            result
        };
        let collect = async {
            let mut rows = Vec::new();
            while let Some(row) = row_rx.recv().await {
                rows.push(row);
            }
            rows
        };
        let (result, rows) = self.runtime.block_on(async { tokio::join!(work, collect) });
        let mut answer = result.map_err(|trap| trap.message)?;
        answer.rows.splice(0..0, rows);
        Ok(answer)
    }
}

impl Console for RouterConsole {
    fn has_menu(&self, path: &str) -> bool {
        self.router.read(|database| database.has_menu(path))
            || matches!(path, "/tool" | "/system" | "/ip" | "/interface")
    }

    fn items(&mut self, menu: &str) -> Result<Vec<Row>, String> {
        Ok(self.carry_out(&Command::print(menu))?.rows)
    }

    fn is_list(&self, menu: &str, field: &str) -> bool {
        self.router.read(|database| {
            let field = database.spec(menu)?.field(field, database.version())?;
            Some(matches!(field.kind, Kind::List(_)))
        }) == Some(true)
    }

    fn command(
        &mut self,
        menu: &str,
        verb: &str,
        arguments: &[(String, String)],
    ) -> Result<Option<String>, String> {
        let path = format!("{menu}/{verb}");
        let pairs = arguments
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let answer = self.carry_out(&Command::new(path).with_all(pairs))?;
        for row in &answer.rows {
            let fields: Vec<_> = row
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            self.print(&fields.join(" "));
        }
        Ok(answer.ret)
    }

    fn log(&mut self, topic: &str, message: &str) {
        self.router.log(&format!("script,{topic}"), message);
    }

    fn print(&mut self, line: &str) {
        self.printed.push(line.to_owned());
    }

    fn delay(&mut self, time: Duration) {
        self.runtime.block_on(tokio::time::sleep(time));
    }
}
