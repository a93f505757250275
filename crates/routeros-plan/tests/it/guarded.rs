//! The dead man on the virtual router, whose interpreter others have written.

use holdfast_routeros_plan::{Memory, Mode, Observed, Plan, dead_man, names, plan, removal};
use holdfast_routeros_proto::{Command, Row};
use holdfast_virtual_router::{Router, Settings, actions, model::Caller};
use tokio::sync::mpsc;

use crate::double::desired;

const VERSION: &str = "7.20";

/// Carries out a command, whatever it takes.
async fn send(router: &Router, command: Command) -> Vec<Row> {
    let (replies, _nobody_listens) = mpsc::channel(64);
    let replies = actions::Replies::new(replies);
    match actions::run(router, &Caller::system(), &command, &replies).await {
        Ok(answer) => answer.rows,
        Err(trap) => panic!("{command:?}: {trap}"),
    }
}

async fn router() -> Router {
    let router = Router::new(Settings {
        version: VERSION.parse().unwrap(),
        ..Settings::default()
    });
    router.update(|database| {
        for name in ["ether1", "ether2", "ether3"] {
            let row = Row::new().with("name", name).with("default-name", name);
            database.add_item("/interface/ethernet", &row).unwrap();
        }
        let authority = Row::new()
            .with("name", "holdfast-ca")
            .with("fingerprint", "5f0c")
            .with("trusted", "true");
        database.add_item("/certificate", &authority).unwrap();
    });
    for (address, interface) in [
        ("192.0.2.7/24", "ether1"),
        ("198.51.100.7/24", "ether2"),
        ("203.0.113.200/24", "ether3"),
    ] {
        let command = Command::add("/ip/address")
            .with("address", address)
            .with("interface", interface);
        send(&router, command).await;
    }
    let client = Command::add("/ip/dhcp-client")
        .with("interface", "ether1")
        .with("disabled", "no");
    send(&router, client).await;
    let route = Command::add("/ip/route")
        .with("gateway", "203.0.113.254")
        .with("distance", "3");
    send(&router, route).await;
    router
}

async fn observe(router: &Router) -> Observed {
    let version = VERSION.parse().unwrap();
    let mut answers = Vec::new();
    for request in Observed::queries(&version) {
        let is_there = router.read(|database| database.has_menu(request.menu.path()));
        answers.push(if is_there {
            send(router, request.to_command()).await
        } else {
            Vec::new()
        });
    }
    Observed::read(version, answers)
}

/// What is configured, without ids.
async fn configuration(router: &Router) -> Vec<String> {
    let observed = observe(router).await;
    let mut lines = Vec::new();
    for request in Observed::queries(observed.version()) {
        for mut row in observed.rows(request.menu).iter().cloned() {
            row.unset(Row::ID);
            lines.push(format!("{} {row:?}", request.menu.path()));
        }
    }
    lines.sort();
    lines
}

async fn send_steps(router: &Router, memory: &mut Memory, plan: &Plan, steps: usize) {
    for step in &plan.steps[..steps] {
        memory.sending(step);
        send(router, step.change.to_command()).await;
        memory.sent(step);
    }
}

/// Sends every step that can be taken back, and lets the dead man take it back.
async fn comes_back_from(router: &Router, memory: &Memory, plan: &Plan) {
    let observed = observe(router).await;
    let before = configuration(router).await;
    for change in dead_man(&observed, plan, 60).arm {
        send(router, change.to_command()).await;
    }
    send_steps(router, &mut memory.clone(), plan, plan.commit_point()).await;
    assert!(observe(router).await.dead_man_is_armed());
    assert_ne!(configuration(router).await, before);
    let run = Command::new("/system/script/run").with("number", names::DEAD_MAN);
    send(router, run).await;
    assert_eq!(configuration(router).await, before);
}

#[test]
fn the_dead_man_takes_back_a_configuration_and_a_removal() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (mode, one_address) in [
            (Mode::Pushed, false),
            (Mode::Local, false),
            (Mode::Local, true),
        ] {
            let router = router().await;
            let mut memory = Memory::default();
            let wanted = desired(mode, one_address);
            let steps = plan(&wanted, &observe(&router).await, &memory).unwrap();
            comes_back_from(&router, &memory, &steps).await;
            let steps = plan(&wanted, &observe(&router).await, &memory).unwrap();
            send_steps(&router, &mut memory, &steps, steps.steps.len()).await;
            let steps = removal(&observe(&router).await, &memory);
            comes_back_from(&router, &memory, &steps).await;
        }
    });
}
