use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{PATIENCE, wait_until};

/// A running program. It is killed when this is dropped.
pub(crate) struct Program {
    name: String,
    child: Child,
    out: Log,
    err: Log,
}

/// The lines a program has printed so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Program {
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|err| panic!("{command:?} cannot be started: {err}"));
        Self {
            name: name.into(),
            out: Log::following(child.stdout.take().unwrap()),
            err: Log::following(child.stderr.take().unwrap()),
            child,
        }
    }

    /// What it prints on standard output.
    pub(crate) fn out(&self) -> &Log {
        &self.out
    }

    /// What it prints on standard error.
    pub(crate) fn err(&self) -> &Log {
        &self.err
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let mut status = None;
        wait_until(within, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap_or_else(|| {
            let (out, err) = (self.out.text(), self.err.text());
            panic!(
                "{} has not ended within {within:?}; it said\n{out}\n{err}",
                self.name
            )
        })
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it without asking.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let (out, err) = (self.out.text(), self.err.text());
            eprintln!("--- {} said\n{out}{err}", self.name);
        }
    }
}

impl Log {
    fn following(from: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let ours = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                ours.0.lines.lock().unwrap().push(line);
                ours.0.more.notify_all();
            }
        });
        log
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        let lines = self.0.lines.lock().unwrap();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Lines with this text so far.
    pub(crate) fn count(&self, text: &str) -> usize {
        let lines = self.0.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits for a line with this text.
    pub(crate) fn expect(&self, text: &str) -> String {
        self.find(PATIENCE, |line| {
            line.contains(text).then(|| line.to_owned())
        })
        .unwrap_or_else(|| panic!("nowhere {text:?} in\n{}", self.text()))
    }

    /// Waits for a line with this text, and returns the value of a field in it.
    pub(crate) fn field(&self, text: &str, name: &str) -> String {
        let line = self.expect(text);
        let (_, rest) = line.split_once(name).unwrap();
        rest.split_whitespace().next().unwrap().into()
    }

    /// Waits for a line in which `find` finds something.
    pub(crate) fn find<T>(
        &self,
        within: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut seen = 0;
        let mut lines = self.0.lines.lock().unwrap();
        loop {
            if let Some(found) = lines[seen..].iter().find_map(|line| find(line)) {
                return Some(found);
            }
            seen = lines.len();
            let left = deadline.checked_duration_since(Instant::now())?;
            lines = self.0.more.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// Runs a command that must succeed, and returns what it printed.
pub(super) fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|err| panic!("{command:?} cannot be started: {err}"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {err}");
    String::from_utf8(output.stdout).unwrap()
}
