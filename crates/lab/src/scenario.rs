//! The scenarios: what is done to a lab while the meter runs.

mod routers;

use std::time::Duration;

use holdfast_api_types::FaultType;

use crate::{
    fault::{ControllerFault, LineFault},
    routeros::Habits,
    stage::Stage,
    topology::Layout,
    wire::Direction,
};

/// Something worth measuring, by name.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// As given on the command line.
    pub name: &'static str,
    /// What happens, in one line.
    pub about: &'static str,
    /// How long a tunnel that has returned must be steady, where it is not the lab's usual time.
    pub(crate) hold: Option<Duration>,
    /// What is particular about the site's router, in a scenario about a MikroTik that the operator adopts.
    pub(crate) router: Option<MikroTik>,
    pub(crate) play: fn(&mut Stage<'_>) -> anyhow::Result<()>,
}

/// Longest time in which traffic may have moved: OpenVPN's defaults need a minute.
const MOVED: Duration = Duration::from_secs(90);
/// Longest time in which traffic may have come back: a flapping tunnel is held longer.
const RETURNED: Duration = Duration::from_secs(120);
/// How long is measured after the last thing happened.
const AFTERMATH: Duration = Duration::from_secs(3);
/// Where nothing shall move, this long is watched.
const QUIET: Duration = Duration::from_secs(10);
/// What was decided is in the fault log by then.
const NOTED: Duration = Duration::from_secs(10);
const ENDED: bool = true;
const BLIPS: u32 = 50;
/// As sites have it that nobody has told otherwise.
const USUAL_HOLD: Option<Duration> = Some(Duration::from_secs(30));

const PRIMARY: usize = 0;
const BACKUP: usize = 1;

/// A router that the operator adopts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MikroTik {
    pub(crate) layout: Layout,
    pub(crate) habits: Habits,
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// All scenarios, those about any site first.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    SCENARIOS.iter().chain(routers::SCENARIOS)
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "baseline",
        about: "nothing happens for 60 s",
        hold: None,
        router: None,
        play: |stage| stage.watch(Duration::from_secs(60)),
    },
    Scenario {
        name: "port-down",
        about: "the primary's cable is out",
        hold: None,
        router: None,
        play: |stage| move_away(stage, LineFault::PortDown),
    },
    Scenario {
        name: "black-hole",
        about: "the primary's ISP loses its uplink, its gateway still answers",
        hold: None,
        router: None,
        play: |stage| move_away(stage, LineFault::BlackHole),
    },
    Scenario {
        name: "gateway-dead",
        about: "the primary's gateway is dead, the cable is in",
        hold: None,
        router: None,
        play: |stage| move_away(stage, LineFault::GatewayDead),
    },
    Scenario {
        name: "one-way-loss-up",
        about: "the primary's uplink carries nothing to the internet",
        hold: None,
        router: None,
        play: |stage| move_away(stage, LineFault::OneWayLoss(Direction::Up)),
    },
    Scenario {
        name: "one-way-loss-down",
        about: "the primary's uplink carries nothing from the internet",
        hold: None,
        router: None,
        play: |stage| move_away(stage, LineFault::OneWayLoss(Direction::Down)),
    },
    Scenario {
        name: "loss-20",
        about: "the primary loses 20 % each way for 20 s",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_line(PRIMARY, LineFault::Loss(0.2));
            stage.watch(Duration::from_secs(20))
        },
    },
    Scenario {
        name: "blip-100",
        about: "the primary is silent for 100 ms, 50 times",
        hold: None,
        router: None,
        play: |stage| blips(stage, Duration::from_millis(100)),
    },
    Scenario {
        name: "blip-200",
        about: "the primary is silent for 200 ms, 50 times",
        hold: None,
        router: None,
        play: |stage| blips(stage, Duration::from_millis(200)),
    },
    Scenario {
        name: "planned-switch",
        about: "the operator promotes the backup",
        hold: None,
        router: None,
        play: |stage| {
            stage.promote(BACKUP)?;
            stage.wait_for_carrier(BACKUP, MOVED)?;
            stage.finish_order()?;
            stage.wait_until_up()?;
            stage.watch(AFTERMATH)
        },
    },
    Scenario {
        name: "failback",
        about: "the primary comes back after a black hole; only the return is measured",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_line(PRIMARY, LineFault::BlackHole);
            stage.wait_for_carrier(BACKUP, MOVED)?;
            stage.watch(AFTERMATH)?;
            stage.heal_line(PRIMARY);
            stage.measure_from_now();
            stage.wait_for_carrier(PRIMARY, RETURNED)?;
            stage.wait_for_fault(FaultType::LinkOffline, ENDED, NOTED)?;
            stage.watch(AFTERMATH)
        },
    },
    Scenario {
        name: "flapping",
        about: "the primary goes for 10 s of every 20 s, for 80 s",
        hold: USUAL_HOLD,
        router: None,
        play: |stage| flap(stage, 4),
    },
    Scenario {
        name: "flapping-long",
        about: "the same for 5 minutes",
        hold: USUAL_HOLD,
        router: None,
        play: |stage| flap(stage, 15),
    },
    Scenario {
        name: "client-killed",
        about: "the primary's client is killed and started again",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_line(PRIMARY, LineFault::ClientKilled);
            stage.watch(QUIET)
        },
    },
    Scenario {
        name: "controller-restarted",
        about: "the only controller is stopped with SIGTERM and started again",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_controllers(ControllerFault::Restarted)?;
            stage.wait_until_up()?;
            stage.watch(AFTERMATH)
        },
    },
    Scenario {
        name: "controller-killed",
        about: "the only controller is killed and stays away",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_controllers(ControllerFault::Killed)?;
            stage.watch(QUIET)
        },
    },
    Scenario {
        name: "controllers-gone",
        about: "all controllers vanish from the network without a word",
        hold: None,
        router: None,
        play: |stage| {
            stage.break_controllers(ControllerFault::Gone)?;
            stage.watch(QUIET)
        },
    },
];

fn move_away(stage: &mut Stage<'_>, fault: LineFault) -> anyhow::Result<()> {
    stage.break_line(PRIMARY, fault);
    stage.wait_for_carrier(BACKUP, MOVED)?;
    stage.wait_for_fault(FaultType::LinkOffline, !ENDED, NOTED)?;
    stage.watch(AFTERMATH)
}

/// A line that comes back again and again, and never stays.
fn flap(stage: &mut Stage<'_>, times: usize) -> anyhow::Result<()> {
    for _ in 0..times {
        stage.break_line(PRIMARY, LineFault::BlackHole);
        stage.watch(Duration::from_secs(10))?;
        stage.heal_line(PRIMARY);
        stage.watch(Duration::from_secs(10))?;
    }
    stage.watch(AFTERMATH)
}

/// Far enough apart that TCP's back-off, up to twice the blip, is over before the next.
fn blips(stage: &mut Stage<'_>, length: Duration) -> anyhow::Result<()> {
    for _ in 0..BLIPS {
        stage.break_line(PRIMARY, LineFault::Blip(length));
        stage.watch(length * 3 + Duration::from_millis(500))?;
    }
    stage.watch(AFTERMATH)
}
