//! A story told in the terminal: a site loses its primary ISP, gets it back, and is switched on purpose.

mod board;
mod screen;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::api::Fault;

use self::{board::Board, screen::Screen};
use crate::{
    bed::Lab,
    control::{self, ControlSocket},
    door::Door,
    enter::{self, Enter},
    fault::LineFault,
    kind::{ClientKind, ServerKind},
    meter::{Meter, MeterWindow, PulseReport},
    open::invitation,
    run_dir::RunDir,
    topology::Isp,
};

/// How the story is to be told.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Stay after the story until interrupted, even where nobody can press Enter.
    pub hold: bool,
    /// Who serves the tunnels.
    pub server: ServerKind,
    /// Who dials.
    pub client: ClientKind,
    /// Where logs and profiles stay; elsewhere they are deleted.
    pub keep_logs: Option<PathBuf>,
}

/// Tells the story on standard output. True when everything in it happened. On a terminal it stays afterwards until
/// Enter is pressed.
///
/// # Errors
/// When the lab cannot be built or its tunnels do not come up.
pub fn demo(options: &DemoOptions) -> anyhow::Result<bool> {
    let dir = match &options.keep_logs {
        Some(dir) => RunDir::kept(dir.clone()),
        None => RunDir::temporary()?,
    };
    let mut screen = Screen::new();
    screen.say("A site with three ISPs, each with an OpenVPN tunnel to the server:")?;
    screen.say("")?;
    screen.say("  computer -- router == fibre    == internet: holdfast, a server")?;
    screen.say("                     == lte      ==")?;
    screen.say("                     == starlink ==")?;
    screen.say("")?;
    let lab = Arc::new(
        Lab::builder()
            .isps([Isp::fibre(), Isp::lte(), Isp::starlink()])
            .server(options.server)
            .client(options.client)
            .control(control::socket_path()?)
            .build(dir.path())?,
    );
    let _control = ControlSocket::open(Arc::clone(&lab))?;
    lab.wait_until_up()?;
    let stays = options.hold || enter::somebody_is_there();
    let door = if stays { lab.open_door()? } else { None };
    if let Some(door) = &door {
        screen.say(&invitation(&door.url()))?;
        screen.say("")?;
    }
    let mut story = Story::begin(&lab, screen)?;
    let went_well = story.tell()?;
    if stays {
        story.stay(door.as_ref())?;
    }
    Ok(went_well)
}

const FIBRE: usize = 0;
const LTE: usize = 1;
const STARLINK: usize = 2;

/// How often the live lines are drawn.
const FRAME: Duration = Duration::from_millis(100);
/// How long each picture is left standing.
const PAUSE: Duration = Duration::from_secs(3);
/// Traffic that has not moved by then does not move: OpenVPN's defaults need a minute.
const MOVED: Duration = Duration::from_secs(90);
const RETURNED: Duration = Duration::from_secs(120);

struct Story<'a> {
    lab: &'a Lab,
    meter: Meter,
    board: Board,
    screen: Screen,
    steps: Vec<Step>,
}

/// What one step of the story did to the user.
struct Step {
    title: &'static str,
    /// Where the traffic was to go.
    to: String,
    happened: bool,
    window: MeterWindow,
}

impl<'a> Story<'a> {
    fn begin(lab: &'a Lab, screen: Screen) -> anyhow::Result<Self> {
        Ok(Self {
            lab,
            meter: lab.start_meter()?,
            board: Board::new(lab),
            screen,
            steps: Vec::new(),
        })
    }

    fn tell(&mut self) -> anyhow::Result<bool> {
        if self.lab.operator().is_some() {
            self.screen
                .say("Its operator has enabled failover through the HTTP API, and given each client its profile.")?;
        }
        self.screen
            .say("All tunnels are up. The computer sends a datagram every 10 ms, through fibre.")?;
        self.watch(PAUSE)?;

        self.screen
            .say("Fibre's ISP loses its uplink. Cable and gateway look as healthy as before.")?;
        self.step("fibre black-holed", LTE, MOVED, |lab| {
            lab.break_line(FIBRE, LineFault::BlackHole);
            Ok(())
        })?;

        self.screen
            .say("Fibre is repaired. It must prove itself before it gets the traffic back.")?;
        self.step("fibre back", FIBRE, RETURNED, |lab| {
            lab.heal_line(FIBRE);
            Ok(())
        })?;

        self.screen.say(
            "The operator confirms another order: starlink first. Nothing is broken this time.",
        )?;
        self.step("planned switch", STARLINK, MOVED, |lab| {
            lab.promote(&[STARLINK]).map(drop)
        })?;
        self.tell_of_job()?;

        self.sum_up()?;
        Ok(self.steps.iter().all(|step| step.happened))
    }

    /// Does something and watches until traffic has moved, and a little longer.
    fn step(
        &mut self,
        title: &'static str,
        to: usize,
        within: Duration,
        action: impl FnOnce(&Lab) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let zero = Instant::now();
        action(self.lab)?;
        let happened =
            self.watch_until(zero + within, |meter| meter.samples().carrier() == Some(to))?;
        let name = self.lab.isps()[to].to_owned();
        if happened {
            self.screen.say(&format!("  {name} carries the traffic."))?;
            self.watch(PAUSE)?;
        } else {
            self.screen.say(&format!(
                "  The traffic did not move to {name} within {} s.",
                within.as_secs()
            ))?;
        }
        let window = MeterWindow {
            // A little earlier, to see who carried the traffic before.
            from: zero - FRAME,
            until: Some(Instant::now()),
            zero,
        };
        self.steps.push(Step {
            title,
            to: name,
            happened,
            window,
        });
        Ok(())
    }

    fn sum_up(&mut self) -> anyhow::Result<()> {
        // For answers that are still under way.
        self.watch(Duration::from_secs(1))?;
        self.screen.clear()?;
        self.screen.say("")?;
        self.screen.say(&format!(
            "{:18} {:>10} {:>11} {:>12} {:>6}",
            "", "carrier", "moved after", "outage", "lost"
        ))?;
        for step in &self.steps {
            let report = self.meter.samples().report(step.window);
            self.screen.say(&step.row(&report))?;
        }
        self.tell_of_faults()?;
        self.screen.say("")
    }

    /// What became of the order that the operator confirmed, where the server has jobs.
    fn tell_of_job(&mut self) -> anyhow::Result<()> {
        let Some(job) = self.lab.finish_order()? else {
            return Ok(());
        };
        self.screen
            .say(&format!("  The job of that order has {}:", job.state))?;
        for step in &job.steps {
            let row = format!("    {:10} {}", step.state.as_str(), step.title);
            self.screen.say(&row)?;
        }
        Ok(())
    }

    /// The server's fault log, where it keeps one.
    fn tell_of_faults(&mut self) -> anyhow::Result<()> {
        let Some(operator) = self.lab.operator() else {
            return Ok(());
        };
        self.screen.say("")?;
        self.screen.say("The fault log, by way of the API:")?;
        for fault in operator.faults()?.iter().rev() {
            self.screen.say(&fault_row(fault))?;
        }
        Ok(())
    }

    /// Until somebody presses Enter, or the process is told to end.
    fn stay(&mut self, door: Option<&Door>) -> anyhow::Result<()> {
        let enter = enter::somebody_is_there().then(Enter::listen).transpose()?;
        let end = if enter.is_some() { "Enter" } else { "Ctrl-C" };
        self.screen
            .say(&format!("The lab keeps running; end it with {end}."))?;
        if let Some(door) = door {
            self.screen.say(&format!(
                "Break something: the page of its site has a panel for that, at {}.",
                door.url()
            ))?;
        }
        self.screen.say("Or from another terminal:")?;
        self.screen
            .say("  holdfast lab cut|unplug|restore ISP, loss ISP 20, blip ISP 200, switch ISP..., status")?;
        self.screen
            .say("  holdfast lab kill-controller|start-controller, shell router")?;
        while enter.as_ref().is_none_or(|enter| !enter.has_come()) {
            self.watch(FRAME)?;
        }
        self.screen.clear()
    }

    fn watch(&mut self, time: Duration) -> anyhow::Result<()> {
        self.watch_until(Instant::now() + time, |_| false).map(drop)
    }

    /// Shows the live lines until `done`, or the deadline; returns which it was.
    fn watch_until(
        &mut self,
        deadline: Instant,
        done: impl Fn(&Meter) -> bool,
    ) -> anyhow::Result<bool> {
        loop {
            let lines = self.board.look(self.lab, self.meter.samples());
            self.screen.show(&lines)?;
            if done(&self.meter) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            std::thread::sleep(FRAME);
        }
    }
}

fn fault_row(fault: &Fault) -> String {
    let lasted = match fault.duration_s {
        Some(seconds) => format!("{seconds:.1} s"),
        None => "open".to_owned(),
    };
    format!(
        "{:18} {:10} {lasted:>8}  {}",
        fault.fault_type.as_str(),
        fault.tunnel_name.as_deref().unwrap_or(&fault.site_name),
        fault.cause
    )
}

impl Step {
    fn row(&self, report: &PulseReport) -> String {
        if !self.happened {
            return format!("{:18} {:>10} {:>11}", self.title, self.to, "never");
        }
        let arrival = report.changes.iter().rfind(|change| change.to == self.to);
        let moved = arrival.map_or(0.0, |change| change.at_ms);
        format!(
            "{:18} {:>10} {moved:>8.0} ms {:>9.0} ms {:>6}",
            self.title, self.to, report.outage_ms, report.lost
        )
    }
}
