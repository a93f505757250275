//! Scenarios about a MikroTik that the operator adopts, from its first line to the last.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use holdfast_api_types::RouteMode;

use super::{AFTERMATH, BACKUP, MOVED, MikroTik, PRIMARY, RETURNED, Scenario};
use crate::{
    fault::LineFault,
    routeros::{self, Habits},
    stage::Stage,
    topology::Layout,
    wait,
};

const USUAL: MikroTik = MikroTik {
    layout: Layout {
        same_gateway: false,
        one_address: false,
        pppoe: false,
    },
    habits: routeros::USUAL,
};

const fn of_version(version: &'static str) -> MikroTik {
    MikroTik {
        habits: Habits {
            version,
            ..USUAL.habits
        },
        ..USUAL
    }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "router-life",
        about: "a MikroTik is adopted, fails over and back, and is given back as it was; only that is measured",
        hold: None,
        router: Some(USUAL),
        play: |stage| {
            stage.break_line(PRIMARY, LineFault::BlackHole);
            stage.wait_for_carrier(BACKUP, MOVED)?;
            // Through the backup: the management tunnel shares the line of the first slot.
            stage.operator()?.interfaces()?;
            stage.watch(AFTERMATH)?;
            stage.heal_line(PRIMARY);
            stage.wait_for_carrier(PRIMARY, RETURNED)?;
            stage.watch(AFTERMATH)?;
            stage.measure_from_now();
            give_back(stage)?;
            stage.watch(AFTERMATH)
        },
    },
    Scenario {
        name: "router-own-ladder",
        about: "a MikroTik that gives pushed routes a gateway of its own holds the ladder itself",
        hold: None,
        router: Some(MikroTik {
            habits: Habits {
                honours_gateway: false,
                ..USUAL.habits
            },
            ..USUAL
        }),
        play: |stage| {
            let mode = stage.operator()?.router()?.mode;
            ensure!(mode == RouteMode::Local, "its routes are {mode}");
            there_and_back(stage)?;
            give_back(stage)
        },
    },
    Scenario {
        name: "router-oldest",
        about: "the first version of RouterOS that can be adopted",
        hold: None,
        router: Some(of_version("7.8")),
        play: there_and_back_and_given_back,
    },
    Scenario {
        name: "router-newest",
        about: "the last version of RouterOS that is known",
        hold: None,
        router: Some(of_version("7.24")),
        play: there_and_back_and_given_back,
    },
    Scenario {
        name: "router-lease-changes",
        about: "the primary's DHCP server names another gateway, again and again",
        hold: None,
        router: Some(USUAL),
        play: |stage| {
            for change in 1..=CHANGES {
                stage.move_gateway(PRIMARY, change)?;
                stage.watch(LEASE)?;
                // The tunnel dials anew each time, and is held like any that comes and goes.
                stage.wait_for_carrier(PRIMARY, RETURNED)?;
            }
            give_back(stage)
        },
    },
    Scenario {
        name: "router-same-gateway",
        about: "the gateways of all ISPs have one and the same address",
        hold: None,
        router: Some(MikroTik {
            layout: Layout {
                same_gateway: true,
                ..USUAL.layout
            },
            ..USUAL
        }),
        play: there_and_back,
    },
    Scenario {
        name: "router-pppoe",
        about: "the ISPs speak PPPoE, where the gateway is the interface",
        hold: None,
        router: Some(MikroTik {
            layout: Layout {
                pppoe: true,
                ..USUAL.layout
            },
            ..USUAL
        }),
        play: there_and_back,
    },
    Scenario {
        name: "router-deaf",
        about: "a MikroTik that ignores ping-restart is made to let its dead tunnel go",
        hold: None,
        router: Some(MikroTik {
            habits: Habits {
                honours_ping_restart: false,
                ..USUAL.habits
            },
            ..USUAL
        }),
        play: |stage| {
            stage.break_line(PRIMARY, LineFault::BlackHole);
            stage.wait_for_carrier(BACKUP, MOVED)?;
            // Nobody has told it over the line that is dead.
            stage.wait_until_let_go(PRIMARY, LET_GO_WITHIN)?;
            stage.heal_line(PRIMARY);
            stage.wait_for_carrier(PRIMARY, RETURNED)?;
            stage.watch(AFTERMATH)
        },
    },
    Scenario {
        name: "router-one-address",
        about: "the controller has one address, with a port for each tunnel",
        hold: None,
        router: Some(MikroTik {
            layout: Layout {
                one_address: true,
                ..USUAL.layout
            },
            ..USUAL
        }),
        play: there_and_back_and_given_back,
    },
    Scenario {
        name: "router-cuts",
        about: "a MikroTik is configured again and again, with the connection cut at another command each time",
        hold: None,
        router: Some(USUAL),
        play: cuts,
    },
    Scenario {
        name: "router-reset",
        about: "a MikroTik is reset to its factory defaults, adopted anew, and released in one go",
        hold: None,
        router: Some(USUAL),
        play: |stage| {
            let (operator, lab) = (stage.operator()?, stage.lab());
            let router = lab.routeros().context("the site has a MikroTik")?;
            router.reset()?;
            operator.adopt(router)?;
            operator.repair()?;
            stage.wait_until_up()?;
            // Its lines have come and gone with the reset: a return would be held for minutes.
            stage.break_line(PRIMARY, LineFault::BlackHole);
            stage.wait_for_carrier(BACKUP, MOVED)?;
            stage.heal_line(PRIMARY);
            stage.watch(AFTERMATH)?;
            release(stage)
        },
    },
    Scenario {
        name: "router-mistakes",
        about: "the operator enters what cannot work: it is refused with the mend, and nothing is sent to the router",
        hold: None,
        router: Some(USUAL),
        play: mistakes,
    },
];

/// How long a tunnel that carries nothing may keep its routes.
const LET_GO_WITHIN: Duration = Duration::from_secs(15);

/// How often a lease changes, and how long each of them stays.
const CHANGES: u8 = 3;
const LEASE: Duration = Duration::from_secs(8);

/// How long a router that is released may take to remove the last of what it has.
const LEFT_WITHIN: Duration = Duration::from_secs(20);

/// Traffic leaves a dead primary, and returns to it.
fn there_and_back(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.break_line(PRIMARY, LineFault::BlackHole);
    stage.wait_for_carrier(BACKUP, MOVED)?;
    stage.watch(AFTERMATH)?;
    stage.heal_line(PRIMARY);
    stage.wait_for_carrier(PRIMARY, RETURNED)?;
    stage.watch(AFTERMATH)
}

/// Whether the command at which the connection is cut takes effect or not, it ends as if nothing had happened.
fn cuts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let (operator, lab) = (stage.operator()?, stage.lab());
    let before = lab.exports().context("the router was adopted")?;
    let router = lab.routeros().context("the site has a MikroTik")?;
    operator.deactivate()?;
    let commands = operator.commands(&lab.configure()?)?;
    ensure!(commands > 10, "it took {commands} commands only");
    for cut in 1..=commands {
        operator.deactivate()?;
        same("deactivated", &before.adopted, &router.export()?)?;
        tracing::info!("cut at command {cut} of {commands}");
        router.cut_at(cut, cut % 2 == 0)?;
        lab.configure()?;
        let left = operator.plan()?;
        ensure!(
            left.steps.is_empty(),
            "after a cut at {cut} is left:\n{}",
            left.text
        );
    }
    give_back(stage)?;
    stage.watch(AFTERMATH)
}

/// Entered for the backup: the field, the value, and what is said against it. The primary has `wan1`.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("interface", "ether9", "no such interface"),
    ("interface", "wan1", "same interface"),
    (
        "interface",
        "holdfast-management",
        "lead a tunnel into a tunnel",
    ),
    ("gateway", "203.0.113.77", "do not have that address"),
    ("gateway", "198.51.100.2", "the router's own address"),
    ("gateway", "wan2", "no point-to-point link"),
];

fn mistakes(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let (operator, lab) = (stage.operator()?, stage.lab());
    let router = lab.routeros().context("the site has a MikroTik")?;
    let before = router.export()?;
    for (field, value, reason) in MISTAKES {
        let fault = operator.refused(BACKUP, field, value)?;
        ensure!(
            fault.field == *field
                && fault.value.as_deref() == Some(value)
                && fault.message.contains(reason),
            "{field} = {value} is refused with {fault:?}"
        );
        same("untouched", &before, &router.export()?)?;
    }
    stage.watch(AFTERMATH)
}

fn there_and_back_and_given_back(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    there_and_back(stage)?;
    give_back(stage)
}

/// Takes failover off the router, and then everything. What is left is compared with what was there before.
fn give_back(stage: &Stage<'_>) -> anyhow::Result<()> {
    let (operator, lab) = (stage.operator()?, stage.lab());
    let before = lab.exports().context("the router was adopted")?;
    let router = lab.routeros().context("the site has a MikroTik")?;
    operator.deactivate()?;
    same("deactivated", &before.adopted, &router.export()?)?;
    release(stage)
}

/// Takes everything off the router.
fn release(stage: &Stage<'_>) -> anyhow::Result<()> {
    let (operator, lab) = (stage.operator()?, stage.lab());
    let before = lab.exports().context("the router was adopted")?;
    let router = lab.routeros().context("the site has a MikroTik")?;
    operator.release()?;
    // The tunnel that carries commands is among what goes, so the router does the last of it alone.
    let as_before = || router.export().is_ok_and(|now| now == before.factory);
    let left = wait::until(Instant::now() + LEFT_WITHIN, as_before);
    left.or_else(|_| same("released", &before.factory, &router.export()?))
}

/// # Errors
/// When the texts differ, with the lines that only one of them has.
fn same(when: &str, before: &str, after: &str) -> anyhow::Result<()> {
    let only = |sign, one: &str, other: &str| {
        let lines: Vec<_> = one
            .lines()
            .filter(|line| !other.lines().any(|there| there == *line))
            .map(|line| format!("{sign} {line}\n"))
            .collect();
        lines.concat()
    };
    ensure!(
        before == after,
        "the {when} router is not as it was before:\n{}{}",
        only("-", before, after),
        only("+", after, before)
    );
    Ok(())
}
