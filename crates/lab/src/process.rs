//! Programs that run inside the lab.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};

use crate::{namespace::Namespace, wait};

/// Pause before a client that ended is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    pid: Pid,
}

impl Process {
    pub(crate) fn start(namespace: &Namespace, command: Command) -> anyhow::Result<Self> {
        let child = namespace.spawn(command)?;
        let pid = Pid::from_raw(child.id().cast_signed());
        Ok(Self {
            child: Mutex::new(child),
            pid,
        })
    }

    /// Does nothing when the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let mut child = lock(&self.child);
        // Not yet reaped, so the id still belongs to it.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill(self.pid, signal);
        }
    }

    /// Standard output, once, if it was piped.
    pub(crate) fn take_stdout(&self) -> Option<std::process::ChildStdout> {
        lock(&self.child).stdout.take()
    }

    /// How it ended, or `None` if it is still running.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        lock(&self.child).try_wait().ok().flatten()
    }

    /// Asks it to end, then ends it.
    pub(crate) fn stop(&self, patience: Duration) {
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + patience;
        if wait::until(deadline, || self.ended().is_some()).is_err() {
            self.kill();
        }
    }

    /// Ends it without asking, and waits until it is gone.
    pub(crate) fn kill(&self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(Signal::SIGKILL);
        // Without the lock held, or nobody else could look at it meanwhile.
        let _ = waitid(
            Id::Pid(self.pid),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
        );
        let _ = lock(&self.child).wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program that is started again whenever it ends, as a router's own supervisor does.
#[derive(Debug)]
pub(crate) struct Supervised {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    current: Mutex<Option<Arc<Process>>>,
    stopping: Mutex<bool>,
}

impl Supervised {
    /// `command` is called for every start.
    pub(crate) fn start(
        namespace: &Arc<Namespace>,
        command: impl Fn() -> anyhow::Result<Command> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let namespace = Arc::clone(namespace);
        let shared = Arc::new(Shared {
            current: Mutex::new(None),
            stopping: Mutex::new(false),
        });
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("supervisor".into())
            .spawn(move || ours.supervise(&namespace, &command))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Kills the running instance; it comes back.
    pub(crate) fn kill(&self) {
        if let Some(process) = lock(&self.shared.current).clone() {
            process.signal(Signal::SIGKILL);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        *lock(&self.shared.stopping) = true;
        self.kill();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn supervise(&self, namespace: &Namespace, command: &dyn Fn() -> anyhow::Result<Command>) {
        while let Some(process) = self.launch(namespace, command) {
            let _ = waitid(
                Id::Pid(process.pid),
                WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
            );
            *lock(&self.current) = None;
            drop(process);
            if *lock(&self.stopping) {
                return;
            }
            std::thread::park_timeout(RESTART_PAUSE);
        }
    }

    /// `None` when it is time to stop, or nothing can be started.
    fn launch(
        &self,
        namespace: &Namespace,
        command: &dyn Fn() -> anyhow::Result<Command>,
    ) -> Option<Arc<Process>> {
        let stopping = lock(&self.stopping);
        if *stopping {
            return None;
        }
        match command().and_then(|command| Process::start(namespace, command)) {
            Ok(process) => {
                let process = Arc::new(process);
                *lock(&self.current) = Some(Arc::clone(&process));
                Some(process)
            }
            Err(error) => {
                tracing::error!("{error:#}");
                None
            }
        }
    }
}

/// Sends both outputs of `command` to the end of a log file.
pub(crate) fn log_to(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let (out, err) = (open_log(log)?, open_log(log)?);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    Ok(())
}

/// Sends only standard error to the end of a log file, and keeps standard output to be read by the lab.
pub(crate) fn log_errors_to(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let err = open_log(log)?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(err);
    Ok(())
}

fn open_log(path: &Path) -> anyhow::Result<std::fs::File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the log {}", path.display()))
}

/// The first file called `program` in `PATH`.
pub(crate) fn find_program(program: &str, package: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .with_context(|| format!("{program} is not installed (package {package})"))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these mutexes guard is never left half-changed, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
