//! Connections that never log in: what a server must get rid of.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

use crate::{dial, fleet::start_all, options::Dial, tally::percentile};

/// A client's first packet, with its length in front: a hard reset with packet id 0.
const HELLO: [u8; 16] = [0, 14, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0];

/// How the server treated them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlowReport {
    /// How many were started.
    pub connections: usize,
    /// No TCP connection came about.
    pub refused: usize,
    /// The server has closed these.
    pub cut: usize,
    /// The server still bears with these.
    pub open: usize,
    /// Shortest life of those that were cut.
    pub cut_min_s: f64,
    /// Median life of those that were cut.
    pub cut_p50_s: f64,
    /// Longest life of those that were cut.
    pub cut_max_s: f64,
}

/// Connections that were started, and more that are being started. They end when this is dropped.
pub(crate) struct SlowFleet {
    connections: usize,
    tally: Arc<SlowTally>,
    _tasks: JoinSet<()>,
}

impl SlowFleet {
    /// Begins to start connections; with `trickle` each sends a byte per second.
    ///
    /// # Errors
    /// When the process may not open so many files.
    pub(crate) fn launch(dial: &Dial, trickle: bool) -> anyhow::Result<Self> {
        dial::allow_files(dial.connections)?;
        let tally = Arc::new(SlowTally::default());
        let (target, sources, ours) = (dial.target, dial.sources, tally.clone());
        let connection =
            move |index| run(target, dial::source(index, sources), trickle, ours.clone());
        Ok(Self {
            connections: dial.connections,
            tally,
            _tasks: start_all(dial, connection),
        })
    }

    /// How the server has treated them so far.
    pub(crate) fn report(&self) -> SlowReport {
        self.tally.report(self.connections)
    }
}

#[derive(Default)]
struct SlowTally(Mutex<Lives>);

#[derive(Default)]
struct Lives {
    refused: usize,
    open: usize,
    cut: Vec<Duration>,
}

impl SlowTally {
    fn report(&self, connections: usize) -> SlowReport {
        self.with(|lives| {
            lives.cut.sort_unstable();
            let seconds = |percent| percentile(&lives.cut, percent).as_secs_f64();
            SlowReport {
                connections,
                refused: lives.refused,
                cut: lives.cut.len(),
                open: lives.open,
                cut_min_s: seconds(0),
                cut_p50_s: seconds(50),
                cut_max_s: seconds(100),
            }
        })
    }

    fn with<R>(&self, change: impl FnOnce(&mut Lives) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps a connection until the server cuts it.
async fn run(target: SocketAddr, source: Option<Ipv4Addr>, trickle: bool, tally: Arc<SlowTally>) {
    let Ok(stream) = dial::connect(target, source).await else {
        tally.with(|lives| lives.refused += 1);
        return;
    };
    let connected = Instant::now();
    tally.with(|lives| lives.open += 1);
    tokio::select! {
        () = until_cut(&stream) => {}
        () = send_slowly(&stream), if trickle => {}
    }
    tally.with(|lives| {
        lives.open -= 1;
        lives.cut.push(connected.elapsed());
    });
}

async fn until_cut(stream: &TcpStream) {
    let mut input = [0; 512];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut input) {
            Ok(0) => return,
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Ends when the server no longer takes bytes.
async fn send_slowly(stream: &TcpStream) {
    for byte in HELLO.iter().cycle() {
        if stream.try_write(&[*byte]).is_err() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}
