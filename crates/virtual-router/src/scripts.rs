//! Scripts of the router: who runs them, when, and with which rights.

mod console;
mod hooks;
mod netwatch;
mod scheduler;

use holdfast_routeros_proto::{Category, Command, Row, Trap, value::Policies};

use crate::{
    model::{Answer, Caller, failure, missing, no_such_item},
    router::Router,
    script,
};
use console::RouterConsole;

pub(crate) use hooks::run as run_hooks;
pub(crate) use netwatch::run as run_netwatch;
pub(crate) use scheduler::run as run_scheduler;

/// How many lines the log keeps.
const LOG: usize = 1000;

/// `/system/script/run`: with the caller's rights.
pub(crate) async fn run_named(
    router: &Router,
    caller: &Caller,
    command: &Command,
) -> Result<Answer, Trap> {
    caller.require("read")?;
    let names = [".id", "numbers", "number"]
        .iter()
        .find_map(|name| command.get(name));
    let name = names.ok_or_else(|| missing("numbers"))?;
    let found = router.read(|database| {
        let script = match name.parse() {
            Ok(id) => database.item("/system/script", id),
            Err(()) => database.named("/system/script", name),
        }?;
        Some((
            script.text("name").to_owned(),
            script.text("policy").parse().ok()?,
        ))
    });
    let (name, policy): (String, Policies) = found.ok_or_else(no_such_item)?;
    if !caller.policies.covers(&policy) {
        return Err(crate::model::not_permitted());
    }
    run_script(router, &name, caller.clone()).await?;
    Ok(Answer::done())
}

/// `/import`: commands of a file, up to the first that fails.
pub(crate) async fn import(
    router: &Router,
    caller: &Caller,
    command: &Command,
) -> Result<Answer, Trap> {
    caller.require("write")?;
    let name = command
        .get("file-name")
        .ok_or_else(|| missing("file-name"))?;
    let source = router.read(|database| {
        let file = database.named("/file", name)?;
        Some(file.text("contents").to_owned())
    });
    let source = source.ok_or_else(|| failure("file not found"))?;
    run_source(router, source, caller.clone(), Vec::new()).await?;
    Ok(Answer::done())
}

/// Runs what a scheduler or a hook has: the name of a script, or a script itself. A script that is named has its own
/// rights.
pub(crate) async fn run_event(
    router: &Router,
    event: &str,
    caller: Caller,
    variables: Vec<(&'static str, String)>,
) {
    if event.trim().is_empty() {
        return;
    }
    let named = router.read(|database| {
        let script = database.named("/system/script", event.trim())?;
        Some((
            script.text("name").to_owned(),
            script.text("policy").parse().ok()?,
        ))
    });
    let outcome = match named {
        Some((name, policies)) => {
            let caller = Caller { policies, ..caller };
            run_script(router, &name, caller).await
        }
        None => run_source(router, event.to_owned(), caller, variables).await,
    };
    if let Err(trap) = outcome {
        router.log("script,error", &format!("executing script failed: {trap}"));
    }
}

async fn run_script(router: &Router, name: &str, caller: Caller) -> Result<(), Trap> {
    let now = router.now();
    let source = router.update(|database| {
        let script = database.named("/system/script", name)?;
        let (id, source) = (script.id, script.text("source").to_owned());
        let count: u64 = script.text("run-count").parse().unwrap_or(0);
        let count = Some((count + 1).to_string());
        database.set_state("/system/script", id, "run-count", count);
        database.set_state("/system/script", id, "last-started", Some(now));
        Some(source)
    });
    let source = source.ok_or_else(no_such_item)?;
    run_source(router, source, caller, Vec::new()).await
}

/// Runs a script on a thread of its own, where it may wait.
pub(crate) async fn run_source(
    router: &Router,
    source: String,
    caller: Caller,
    variables: Vec<(&'static str, String)>,
) -> Result<(), Trap> {
    let run = run_printing(router, source, caller, variables);
    run.await.1
}

/// What somebody pastes into the router's terminal. Returns what is printed there, an error that ends it among it.
pub(crate) async fn paste(router: &Router, text: String) -> String {
    let (mut printed, outcome) = run_printing(router, text, Caller::system(), Vec::new()).await;
    if let Err(trap) = outcome {
        printed.push(trap.message);
    }
    printed.iter().map(|line| format!("{line}\n")).collect()
}

async fn run_printing(
    router: &Router,
    source: String,
    caller: Caller,
    variables: Vec<(&'static str, String)>,
) -> (Vec<String>, Result<(), Trap>) {
    let mut console = RouterConsole::new(router.clone(), caller);
    let run = move || {
        let outcome = script::run(&mut console, &source, &variables);
        (console.printed, outcome)
    };
    match tokio::task::spawn_blocking(run).await {
        Ok((printed, outcome)) => {
            let outcome = outcome.map_err(|message| Trap::of(Category::Script, message));
            (printed, outcome)
        }
        Err(error) => (Vec::new(), Err(failure(error))),
    }
}

impl Router {
    /// Writes to `/log`.
    pub fn log(&self, topics: &str, message: &str) {
        tracing::info!(topics, "{message}");
        let row = Row::new()
            .with("time", self.now())
            .with("topics", topics)
            .with("message", message);
        self.update(|database| {
            database.add_item("/log", &row);
            let ids: Vec<_> = database.items("/log").map(|item| item.id).collect();
            for id in &ids[..ids.len().saturating_sub(LOG)] {
                database.forget_item("/log", *id);
            }
        });
    }
}
