//! A steady download into `lan`: does an existing connection survive?

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::Serialize;

use super::{echo, report::ms};
use crate::namespace::Namespace;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent download looks whether it shall end.
const GLANCE: Duration = Duration::from_millis(100);
/// Longer silence at the end of a run means that the connection did not come back.
const ALIVE_WITHIN: Duration = Duration::from_secs(1);

/// What became of one TCP connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DownloadReport {
    /// It was open and flowing at the end. A flow that had to change its ISP changes its source address with it, and
    /// cannot survive.
    pub survived: bool,
    /// Bytes received.
    pub bytes: u64,
    /// Longest time without a byte.
    pub longest_stall_ms: f64,
}

#[derive(Debug)]
pub(super) struct Download {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<DownloadReport>>,
}

impl Download {
    pub(super) fn start(lan: &Namespace) -> anyhow::Result<Self> {
        let target = SocketAddr::V4(echo::DOWNLOAD);
        let stream = lan
            .run(move |_| TcpStream::connect_timeout(&target, CONNECT_TIMEOUT))
            .context("the meter's download cannot connect")?;
        stream.set_read_timeout(Some(GLANCE))?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = lan.spawn_thread("download", move || receive(&stream, &told))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    pub(super) fn finish(mut self) -> DownloadReport {
        let nothing = DownloadReport {
            survived: false,
            bytes: 0,
            longest_stall_ms: 0.0,
        };
        self.end().unwrap_or(nothing)
    }

    fn end(&mut self) -> Option<DownloadReport> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take()?.join().ok()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.end();
    }
}

fn receive(mut stream: &TcpStream, stop: &AtomicBool) -> DownloadReport {
    let mut buffer = [0; 16 * 1024];
    let (mut bytes, mut last, mut longest) = (0, Instant::now(), Duration::ZERO);
    let mut open = true;
    while open && !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => open = false,
            Ok(len) => {
                let now = Instant::now();
                longest = longest.max(now - last);
                last = now;
                bytes += len as u64;
            }
            Err(error) => open = is_silence(&error),
        }
    }
    longest = longest.max(last.elapsed());
    DownloadReport {
        survived: open && last.elapsed() < ALIVE_WITHIN,
        bytes,
        longest_stall_ms: ms(longest),
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
