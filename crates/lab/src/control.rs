//! How other processes talk to a running lab: one JSON object per line over a socket.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, bail};
use holdfast_api_types::LineState;
use serde::{Deserialize, Serialize};

use crate::{
    bed::Lab,
    fault::{ControllerFault, LineFault},
    run_dir,
};

/// Something to do to the running lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Request {
    /// Tell how every line is.
    Status,
    /// The ISP loses its uplink.
    Cut {
        /// Name of the ISP.
        isp: String,
    },
    /// The cable to the ISP is pulled out.
    Unplug {
        /// Name of the ISP.
        isp: String,
    },
    /// Everything about this ISP is as it was at first.
    Restore {
        /// Name of the ISP.
        isp: String,
    },
    /// This and nothing else is done to the line of this ISP. The answer is how every line is then.
    Set {
        /// Name of the ISP.
        isp: String,
        /// What is done.
        state: LineState,
    },
    /// The client of this ISP dials with another profile from now on.
    Connect {
        /// Name of the ISP.
        isp: String,
        /// The profile itself, an OpenVPN configuration.
        profile: String,
    },
    /// A line is pasted into the terminal of the site's MikroTik.
    Paste {
        /// The line.
        line: String,
    },
    /// The ISP loses packets, each way.
    Loss {
        /// Name of the ISP.
        isp: String,
        /// 0 to 100.
        percent: f64,
    },
    /// Packets of this ISP take longer, each way.
    Delay {
        /// Name of the ISP.
        isp: String,
        /// Milliseconds in all.
        ms: u64,
    },
    /// The ISP is silent for a moment.
    Blip {
        /// Name of the ISP.
        isp: String,
        /// How long, in milliseconds.
        ms: u64,
    },
    /// The controller is killed with SIGKILL and stays away.
    KillController,
    /// The controller is started again.
    StartController,
    /// A new order of tunnels; those not named keep theirs, behind.
    Switch {
        /// Names of ISPs, best first.
        order: Vec<String>,
    },
    /// Where a namespace can be entered.
    Namespace {
        /// `lan`, `router`, `isp1`..., `inet`.
        name: String,
    },
}

/// The lab's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// It was not done.
    Refused {
        /// Why.
        reason: String,
    },
    /// How every line is.
    Status {
        /// In the order they were added.
        lines: Vec<LineStatus>,
    },
    /// What is printed in a terminal.
    Printed {
        /// The text.
        text: String,
    },
    /// A namespace, as files to enter it by.
    Namespace {
        /// The user namespace that owns it.
        user: PathBuf,
        /// The network namespace itself.
        network: PathBuf,
    },
}

/// One line of a running lab, as its router sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineStatus {
    /// Name of the ISP.
    pub isp: String,
    /// The router's interface.
    pub interface: String,
    /// What was done to it.
    pub state: LineState,
    /// The rung its tunnel holds in the router, if it holds any routes.
    pub rung: Option<u8>,
    /// New traffic goes here.
    pub active: bool,
}

/// Asks the running lab of this user.
///
/// # Errors
/// When no lab is running, or it refuses.
pub fn ask(request: &Request) -> anyhow::Result<Reply> {
    let reply = ask_at(&socket_path()?, request)
        .context("no lab is running (start one with: holdfast lab demo --hold)")?;
    match reply {
        Reply::Refused { reason } => bail!(reason),
        reply @ (Reply::Done
        | Reply::Status { .. }
        | Reply::Printed { .. }
        | Reply::Namespace { .. }) => Ok(reply),
    }
}

/// Asks the lab that listens on this socket. Its refusal is a reply too.
///
/// # Errors
/// When no lab listens there, or it ends before it has answered.
pub fn ask_at(socket: &Path, request: &Request) -> anyhow::Result<Reply> {
    let stream = UnixStream::connect(socket)
        .with_context(|| format!("no lab listens on {}", socket.display()))?;
    writeln!(&stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    serde_json::from_str(&line).context("the lab ended before it answered")
}

/// Lets other processes of this user talk to a lab, until it is dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A caller that says nothing for this long is hung up on.
const PATIENCE: Duration = Duration::from_secs(2);

impl ControlSocket {
    pub(crate) fn open(lab: Arc<Lab>) -> anyhow::Result<Self> {
        let listener = bind()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if told.load(Ordering::Relaxed) {
                        return;
                    }
                    let lab = Arc::clone(&lab);
                    // Each by itself: what is pasted into a router may be at work for a while.
                    let spawned = std::thread::Builder::new().name("caller".into()).spawn(
                        // A caller that hangs up early misses its answer, that is all.
                        move || drop(serve(&lab, &stream)),
                    );
                    if let Err(error) = spawned {
                        tracing::warn!(%error, "somebody is not answered");
                    }
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The connection wakes the thread; without one it is already gone.
        let _ = socket_path().map(UnixStream::connect);
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
        let _ = socket_path().map(fs::remove_file);
    }
}

/// Where the lab of this user listens.
pub(crate) fn socket_path() -> anyhow::Result<PathBuf> {
    Ok(run_dir::home()?.join("control.sock"))
}

/// One lab of a user can be talked to. A socket that nobody listens to was left by one that was killed.
fn bind() -> anyhow::Result<UnixListener> {
    let path = socket_path()?;
    if UnixStream::connect(&path).is_ok() {
        bail!("another lab is running already");
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    run_dir::delete_on_signal(&path)?;
    Ok(listener)
}

fn serve(lab: &Lab, stream: &UnixStream) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let request = serde_json::from_str(&line).context("not a request");
    let reply = request
        .and_then(|request| obey(lab, request))
        .unwrap_or_else(|error| Reply::Refused {
            reason: format!("{error:#}"),
        });
    let mut stream = stream;
    writeln!(stream, "{}", serde_json::to_string(&reply)?)?;
    Ok(())
}

fn obey(lab: &Lab, request: Request) -> anyhow::Result<Reply> {
    match request {
        Request::Status => return Ok(Reply::Status { lines: status(lab) }),
        Request::Namespace { name } => {
            let network = lab.namespace(&name)?.path();
            let user = format!("/proc/{}/ns/user", std::process::id()).into();
            return Ok(Reply::Namespace { user, network });
        }
        Request::Set { isp, state } => {
            lab.set_line(lab.line(&isp)?, state);
            return Ok(Reply::Status { lines: status(lab) });
        }
        Request::Paste { line } => {
            let router = lab.routeros().context("the site has no MikroTik")?;
            let text = router.paste(&line)?;
            return Ok(Reply::Printed { text });
        }
        Request::Connect { isp, profile } => lab.connect(lab.line(&isp)?, &profile)?,
        Request::Cut { isp } => drop(lab.break_line(lab.line(&isp)?, LineFault::BlackHole)),
        Request::Unplug { isp } => drop(lab.break_line(lab.line(&isp)?, LineFault::PortDown)),
        Request::Restore { isp } => drop(lab.heal_line(lab.line(&isp)?)),
        Request::Loss { isp, percent } => {
            lab.break_line(
                lab.line(&isp)?,
                LineFault::Loss(percent.clamp(0.0, 100.0) / 100.0),
            );
        }
        Request::Delay { isp, ms } => {
            lab.set_delay(lab.line(&isp)?, Duration::from_millis(ms));
        }
        Request::Blip { isp, ms } => {
            lab.break_line(lab.line(&isp)?, LineFault::Blip(Duration::from_millis(ms)));
        }
        Request::KillController => drop(lab.break_controllers(ControllerFault::Killed)?),
        Request::StartController => lab.heal_controllers()?,
        Request::Switch { order } => {
            let order: Vec<_> = order
                .iter()
                .map(|isp| lab.line(isp))
                .collect::<anyhow::Result<_>>()?;
            lab.promote(&order)?;
        }
    }
    Ok(Reply::Done)
}

fn status(lab: &Lab) -> Vec<LineStatus> {
    let active = lab.active();
    let lines = lab.isps().into_iter().enumerate();
    lines
        .map(|(line, isp)| LineStatus {
            isp: isp.into(),
            interface: lab.interface(line),
            state: lab.line_state(line),
            rung: lab.prefix(line),
            active: active == Some(line),
        })
        .collect()
}
