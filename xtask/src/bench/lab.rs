//! Outages as users feel them: each scenario of the lab with each pair of server and client.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use super::Setup;

/// A server and the clients that dial it.
struct Stack {
    name: &'static str,
    server: &'static str,
    client: &'static str,
}

const STACKS: &[Stack] = &[
    Stack {
        name: "openvpn, defaults",
        server: "openvpn",
        client: "stock",
    },
    Stack {
        name: "openvpn, tuned",
        server: "openvpn-tuned",
        client: "stock",
    },
    Stack {
        name: "holdfast, stock client",
        server: "holdfast",
        client: "stock",
    },
    Stack {
        name: "holdfast, agent",
        server: "holdfast",
        client: "agent",
    },
];

struct Scenario {
    name: &'static str,
    /// The stock server can play it too: it needs no decision of a controller.
    plain: bool,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "port-down",
        plain: true,
    },
    Scenario {
        name: "black-hole",
        plain: true,
    },
    Scenario {
        name: "gateway-dead",
        plain: true,
    },
    Scenario {
        name: "one-way-loss-up",
        plain: true,
    },
    Scenario {
        name: "one-way-loss-down",
        plain: true,
    },
    Scenario {
        name: "blip-200",
        plain: true,
    },
    Scenario {
        name: "failback",
        plain: false,
    },
    Scenario {
        name: "planned-switch",
        plain: false,
    },
    Scenario {
        name: "controller-restarted",
        plain: false,
    },
    Scenario {
        name: "controllers-gone",
        plain: false,
    },
];

pub(super) fn run(shell: &Shell, bench: &Setup) -> anyhow::Result<()> {
    let runs = if bench.quick { "1" } else { "5" };
    let mut results = Vec::new();
    for scenario in SCENARIOS {
        for stack in stacks_for(scenario) {
            eprintln!("{}: {}", scenario.name, stack.name);
            // A failed scenario is a result; the others are still worth having.
            let outcome = measure(shell, bench, scenario, stack, runs);
            if let Err(err) = &outcome {
                eprintln!("{err:#}");
            }
            results.push(Cell {
                scenario: scenario.name,
                stack: stack.name,
                outcome: outcome.ok(),
            });
        }
    }
    write_results(shell, bench, runs, &results)?;

    let failed = results.iter().filter(|cell| cell.outcome.is_none()).count();
    if failed > 0 {
        bail!("{failed} of {} measurements failed", results.len());
    }
    Ok(())
}

fn stacks_for(scenario: &Scenario) -> impl Iterator<Item = &'static Stack> {
    let plain = scenario.plain;
    STACKS
        .iter()
        .filter(move |stack| plain || stack.server == "holdfast")
}

/// One measured combination; `outcome` is what `holdfast lab run` printed, absent when it failed.
struct Cell {
    scenario: &'static str,
    stack: &'static str,
    outcome: Option<Value>,
}

fn measure(
    shell: &Shell,
    bench: &Setup,
    scenario: &Scenario,
    stack: &Stack,
    runs: &str,
) -> anyhow::Result<Value> {
    let holdfast = &bench.holdfast;
    let (name, server, client) = (scenario.name, stack.server, stack.client);
    let output = cmd!(
        shell,
        "{holdfast} lab run {name} --runs {runs} --server {server} --client {client}"
    )
    .quiet()
    .read()?;
    serde_json::from_str(&output).context("read the result of the lab")
}

fn write_results(shell: &Shell, bench: &Setup, runs: &str, results: &[Cell]) -> anyhow::Result<()> {
    let raw: Vec<_> = results
        .iter()
        .map(|cell| json!({"scenario": cell.scenario, "stack": cell.stack, "result": cell.outcome}))
        .collect();
    shell.write_file(
        bench.results.join("lab.json"),
        serde_json::to_string_pretty(&raw)?,
    )?;

    let page = format!(
        "Longest outage in ms / datagrams lost, one sent every 10 ms / changes of ISP; medians of {runs} runs.\n\n{}",
        table(results)
    );
    let path = bench.results.join("lab.md");
    shell.write_file(&path, &page)?;
    eprintln!("\n{page}\nwritten to {}", path.display());
    Ok(())
}

/// A Markdown table: a row per scenario, a column per stack.
fn table(results: &[Cell]) -> String {
    let mut text = String::from("| scenario |");
    for stack in STACKS {
        let _ = write!(text, " {} |", stack.name);
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(STACKS.len()));
    for scenario in SCENARIOS {
        let _ = write!(text, "\n| {} |", scenario.name);
        for stack in STACKS {
            let cell = results
                .iter()
                .find(|cell| cell.scenario == scenario.name && cell.stack == stack.name);
            let _ = write!(text, " {} |", cell.map_or("–".into(), Cell::text));
        }
    }
    text.push('\n');
    text
}

impl Cell {
    fn text(&self) -> String {
        let medians = self
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.get("median"));
        let median = |name| medians?.get(name)?.as_f64();
        match (median("outage_ms"), median("lost"), median("switches")) {
            (Some(outage), Some(lost), Some(switches)) => {
                format!("{outage:.0} / {lost:.0} / {switches:.0}")
            }
            _ => "failed".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_measured_failed_and_impossible_apart() {
        let cell = |scenario, stack, outcome| Cell {
            scenario,
            stack,
            outcome,
        };
        let measured = json!({"median": {"outage_ms": 612.4, "lost": 61.0, "switches": 1.0}});

        let text = table(&[
            cell("black-hole", "holdfast, agent", Some(measured)),
            cell("black-hole", "openvpn, tuned", None),
        ]);

        let row = text.lines().find(|line| line.contains("black-hole"));
        assert_eq!(row, Some("| black-hole | – | failed | – | 612 / 61 / 1 |"));
    }
}
