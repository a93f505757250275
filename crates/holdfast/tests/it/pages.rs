//! The pages for users do what they say: their command blocks are run, in order, in one shell.

use std::{path::Path, time::Duration};

use crate::bed::{Bed, Program};

/// The commands wait for tunnels and jobs by themselves.
const WITHIN: Duration = Duration::from_secs(120);

/// Starts a route controller in a process of its own.
const CONTROLLER: &str = r"
holdfast admin token create edge --controller | grep --only-matching 'hfc_[^ ]*' > controller.token
mkdir edge
cp data/ca.pem data/ca.key edge
holdfast controller --data edge --control-plane http://127.0.0.1:8080 --token-file controller.token 2> controller.log &
";

#[test]
fn every_command_of_the_api_page_works_in_its_order() {
    let page = page();
    let blocks = blocks(&page);
    assert!(
        blocks.len() > 10,
        "the page has its blocks: {}",
        blocks.len()
    );
    run(&blocks.join("\n"));
}

/// What serves routers in one process does so in two, with a listener for management tunnels.
#[test]
fn a_mikrotik_is_adopted_and_configured_through_a_controller_in_another_process() {
    let page = page();
    let blocks = blocks(&page);
    let nth = |text| blocks.iter().position(|it| it.contains(text)).unwrap();
    let begin = blocks[..nth("Head office")].join("\n");
    let begin = begin.replace("holdfast serve", "holdfast control-plane");
    let router = blocks[nth("BRANCH=")..nth("admin backup")].join("\n");
    run(&format!(
        "export HOLDFAST_CONTROLLER_MANAGEMENT=127.0.0.1:1196\n{begin}\n{CONTROLLER}\n{router}"
    ));
}

/// Runs commands in one shell, in a network with two WANs.
fn run(commands: &str) {
    let bed = Bed::with_wans(2);
    // A process group of its own, so that the programs in the background end with the shell.
    let script = format!(
        "set -euo pipefail -m\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{commands}\necho the page is done\n"
    );
    let script = bed.write("page.sh", &script);

    let mut command = bed.command("bash");
    let program = Path::new(env!("CARGO_BIN_EXE_holdfast"));
    let path = std::env::var("PATH").unwrap_or_default();
    let holdfast = program.parent().unwrap().display();
    command.env("PATH", format!("{holdfast}:{path}:/usr/sbin:/sbin"));
    command.arg("-x").arg(script).current_dir(bed.path(""));
    let mut shell = Program::start("the page", command);
    let status = shell.wait(WITHIN);
    assert!(
        status.success(),
        "{status}\n{}\n{}",
        shell.out().text(),
        shell.err().text()
    );
    shell.out().expect("the page is done");
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/api.md")).unwrap()
}

/// The contents of the page's fenced blocks for bash.
fn blocks(page: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```bash\n") {
        let (block, after) = after.split_once("```").unwrap();
        blocks.push(block);
        rest = after;
    }
    blocks
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
