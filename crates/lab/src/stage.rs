//! A lab with a running meter, on which a scenario is played.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use holdfast_api_types::FaultType;

use crate::{
    bed::Lab,
    fault::{ControllerFault, LineFault},
    faults::FaultWatch,
    meter::{Meter, MeterWindow},
    operator::Operator,
    run::RunReport,
    wait,
};

/// Datagrams that must be answered before anything is broken: 2.5 s of them. The kernel acts on a lost carrier
/// at once only when it had no other news of links for a second, as in a router that runs for longer than a lab.
const WARM_UP: usize = 250;
const WARM_UP_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Stage<'a> {
    lab: &'a Lab,
    meter: Meter,
    /// Where the server keeps a fault log.
    faults: Option<FaultWatch>,
    from: Instant,
    /// The first thing that happened since `from`.
    happened: Option<Instant>,
}

impl<'a> Stage<'a> {
    /// Waits until the site is in order and the meter has seen it so.
    pub(crate) fn set(lab: &'a Lab) -> anyhow::Result<Self> {
        lab.wait_until_up()?;
        let from = Instant::now();
        let meter = lab.start_meter()?;
        let warm = || meter.samples().answered() >= WARM_UP;
        wait::until(Instant::now() + WARM_UP_WITHIN, warm)
            .map_err(|_| anyhow!("the meter gets no answers though nothing is broken"))?;
        let faults = lab.operator().map(FaultWatch::start).transpose()?;
        Ok(Self {
            lab,
            meter,
            faults,
            from,
            happened: None,
        })
    }

    pub(crate) fn break_line(&mut self, line: usize, fault: LineFault) {
        tracing::info!("{}: {fault}", self.lab.isps()[line]);
        let at = self.lab.break_line(line, fault);
        self.happened.get_or_insert(at);
    }

    pub(crate) fn heal_line(&mut self, line: usize) {
        tracing::info!("{}: healed", self.lab.isps()[line]);
        self.lab.heal_line(line);
    }

    pub(crate) fn break_controllers(&mut self, fault: ControllerFault) -> anyhow::Result<()> {
        tracing::info!("{fault}");
        let at = self.lab.break_controllers(fault)?;
        self.happened.get_or_insert(at);
        Ok(())
    }

    pub(crate) fn promote(&mut self, line: usize) -> anyhow::Result<()> {
        tracing::info!("{}: promoted", self.lab.isps()[line]);
        let at = self.lab.promote(&[line])?;
        self.happened.get_or_insert(at);
        Ok(())
    }

    pub(crate) fn wait_until_up(&self) -> anyhow::Result<()> {
        self.lab.wait_until_up()
    }

    /// Waits until datagrams are carried by this line.
    pub(crate) fn wait_for_carrier(&self, line: usize, within: Duration) -> anyhow::Result<()> {
        let name = self.lab.isps()[line];
        let arrived = || self.meter.samples().carrier() == Some(line);
        wait::until(Instant::now() + within, arrived).map_err(|_| {
            anyhow!(
                "traffic did not move to {name} within {} s",
                within.as_secs()
            )
        })?;
        tracing::info!("{name} carries the traffic");
        Ok(())
    }

    /// Waits until the router has none of the routes of a line's tunnel.
    pub(crate) fn wait_until_let_go(&self, line: usize, within: Duration) -> anyhow::Result<()> {
        let gone = || self.lab.prefix(line).is_none();
        wait::until(Instant::now() + within, gone).map_err(|_| {
            let (name, seconds) = (self.lab.isps()[line], within.as_secs());
            anyhow!("the router kept the routes of {name} for {seconds} s")
        })
    }

    /// Waits until the fault log has a fault of this type that is open, or one that has ended. Passes where the server
    /// keeps no such log.
    pub(crate) fn wait_for_fault(
        &self,
        fault_type: FaultType,
        ended: bool,
        within: Duration,
    ) -> anyhow::Result<()> {
        let Some(faults) = &self.faults else {
            return Ok(());
        };
        let there = || faults.has(fault_type, ended);
        wait::until(Instant::now() + within, there).map_err(|_| {
            let state = if ended { "closed" } else { "opened" };
            anyhow!(
                "no fault {fault_type} was {state} within {} s",
                within.as_secs()
            )
        })
    }

    /// The test bed under it.
    pub(crate) fn lab(&self) -> &Lab {
        self.lab
    }

    /// Whoever operates the server through its API.
    pub(crate) fn operator(&self) -> anyhow::Result<Arc<Operator>> {
        self.lab.operator().context("the server has an API")
    }

    /// Gives an ISP's gateway another address, of which the site hears by DHCP.
    pub(crate) fn move_gateway(&self, line: usize, change: u8) -> anyhow::Result<()> {
        tracing::info!("{}: its gateway moves", self.lab.isps()[line]);
        self.lab.move_gateway(line, change)
    }

    /// Waits until the latest new order is carried out.
    pub(crate) fn finish_order(&self) -> anyhow::Result<()> {
        self.lab.finish_order().map(drop)
    }

    /// Measures for a while.
    pub(crate) fn watch(&self, time: Duration) -> anyhow::Result<()> {
        std::thread::sleep(time);
        self.meter
            .samples()
            .carrier()
            .map(drop)
            .context("the meter got no answer at all")
    }

    /// What was measured before does not count.
    pub(crate) fn measure_from_now(&mut self) {
        self.from = Instant::now();
        self.happened = Some(self.from);
    }

    pub(crate) fn finish(self) -> RunReport {
        let zero = self.happened.unwrap_or(self.from);
        let faults = self.faults.as_ref();
        RunReport {
            faults: faults.map(|faults| faults.report(zero)),
            meter: self.meter.finish(MeterWindow {
                from: self.from,
                until: None,
                zero,
            }),
        }
    }
}
