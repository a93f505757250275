//! Network namespaces for tests, as root or, where the machine allows user namespaces, without.

use std::{process::Command, sync::mpsc, thread::JoinHandle};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{geteuid, gettid},
};

/// Runs `body` on a thread of its own in an empty network namespace. `test` is the name of the calling test: without
/// root the test is run once more, alone, by `unshare`.
pub(crate) fn run_in_namespace<F: Future<Output = ()>>(
    test: &str,
    body: impl FnOnce() -> F + Send + 'static,
) {
    if !geteuid().is_root() {
        return run_as_root_of_user_namespace(test);
    }
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may unshare");
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(body());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run_as_root_of_user_namespace(test: &str) {
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .status()
        .expect("unshare is installed (package util-linux)");
    assert!(
        status.success(),
        "{test} failed in a user namespace, or the machine allows none"
    );
}

type Job = Box<dyn FnOnce() + Send>;

/// Somebody at the other end of cables, in a namespace of their own.
pub(crate) struct Provider {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    task: String,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (ready, entered) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("root may unshare");
            ready.send(gettid().to_string()).unwrap();
            inbox.iter().for_each(|job| job());
        });
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
            task: entered.recv().unwrap(),
        }
    }

    /// Runs something there.
    pub(crate) fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        let (done, result) = mpsc::channel();
        let job = Box::new(move || done.send(job()).unwrap());
        self.jobs.as_ref().unwrap().send(job).unwrap();
        result.recv().unwrap()
    }

    /// Runs `ip` there.
    pub(crate) fn ip(&self, arguments: &'static str) -> String {
        self.run(move || ip(arguments))
    }

    /// A cable from `device` here to an interface of the same name there, which has this address.
    pub(crate) fn plug(&self, device: &str, address: &str) {
        ip(&format!(
            "link add {device} type veth peer name far netns {}",
            self.task
        ));
        let device = device.to_owned();
        let address = address.to_owned();
        self.run(move || {
            ip(&format!("link set far name {device}"));
            ip(&format!("address add {address} dev {device}"));
            ip(&format!("link set {device} up"));
        });
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs `ip` in the namespace of this thread.
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output();
    let output = output.expect("ip is installed (package iproute2)");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {problem}");
    String::from_utf8(output.stdout).unwrap()
}
