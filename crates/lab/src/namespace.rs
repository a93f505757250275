//! A network namespace and the thread that lives in it.
//!
//! `setns` in a thread that does other things too is a mistake waiting to happen, so every namespace has a
//! thread of its own that entered it once, by `unshare`. Whatever must happen inside is sent there as a closure.
//! The namespace has no name in the file system: when the thread, its sockets and its children are gone, so is it.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command},
    sync::mpsc,
    thread::JoinHandle,
};

use anyhow::Context;
use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Pid, getpid, gettid},
};

use crate::net::Net;

type Job = Box<dyn FnOnce(&Net) + Send>;

/// A network namespace; it and everything in it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
    thread_id: Pid,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Makes an empty namespace with only the loopback interface up.
    pub(crate) fn create(name: &str) -> anyhow::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (ready, entered) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let net = enter();
                let outcome = net.as_ref().map(|_| gettid()).map_err(|e| format!("{e:#}"));
                let _ = ready.send(outcome);
                if let Ok(net) = net {
                    inbox.iter().for_each(|job| job(&net));
                }
            })?;
        let thread_id = entered
            .recv()
            .context("the namespace's thread ended early")?
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("cannot make the network namespace {name}"))?;
        Ok(Self {
            name: name.into(),
            thread_id,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// As it appears in the topology: `lan`, `router`, `isp1`...
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A path by which another process of the same user can enter the namespace while the lab runs.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/{}/task/{}/ns/net", getpid(), self.thread_id).into()
    }

    /// The namespace as a file, to move an interface into it.
    pub(crate) fn file(&self) -> anyhow::Result<File> {
        let path = self.path();
        File::open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// Runs `job` inside the namespace and returns what it returns.
    pub(crate) fn run<R: Send + 'static>(&self, job: impl FnOnce(&Net) -> R + Send + 'static) -> R {
        let (done, result) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |net| {
            let _ = done.send(job(net));
        });
        let jobs = self.jobs.as_ref().expect("present until drop");
        jobs.send(job)
            .ok()
            .and_then(|()| result.recv().ok())
            .expect("a namespace's thread ends only by a panic of its own")
    }

    /// Starts a thread that lives in the namespace too, so that it can open sockets there at any time.
    pub(crate) fn spawn_thread<R: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> anyhow::Result<JoinHandle<R>> {
        let builder = std::thread::Builder::new().name(name.into());
        Ok(self.run(move |_| builder.spawn(body))?)
    }

    /// Starts a program inside the namespace, in its own process group; it dies with the lab even if the lab is
    /// killed.
    pub(crate) fn spawn(&self, mut command: Command) -> anyhow::Result<Child> {
        command.process_group(0);
        die_with_parent(&mut command);
        let program = command.get_program().to_owned();
        self.run(move |_| command.spawn())
            .with_context(|| format!("cannot start {}", program.display()))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
    }
}

fn enter() -> anyhow::Result<Net> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let net = Net::open()?;
    net.link_up("lo")?;
    net.turn_off_ipv6();
    Ok(net)
}

#[expect(unsafe_code, reason = "pre_exec has no safe form")]
fn die_with_parent(command: &mut Command) {
    let hook = || Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::SIGKILL)?);
    // SAFETY: between fork and exec the hook makes one system call and touches no memory of ours.
    unsafe { command.pre_exec(hook) };
}
