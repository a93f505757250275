//! A way into the lab: an address of this machine behind which is the dashboard, for a browser that runs outside.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context;

use crate::namespace::Namespace;

/// A connection within one machine takes no time.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Passes on what comes in at an address of this machine, until it is dropped.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Opens a door on a free port of this machine alone. `inside` is an address in that namespace.
    pub(crate) fn open(namespace: Arc<Namespace>, inside: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot listen on this machine for a browser")?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("door".into())
            .spawn(move || {
                for outer in listener.incoming().map_while(Result::ok) {
                    if told.load(Ordering::Relaxed) {
                        return;
                    }
                    // A socket stays in the namespace in which it was made, whoever uses it.
                    let inner =
                        namespace.run(move |_| TcpStream::connect_timeout(&inside, CONNECT_WITHIN));
                    // A server that is down is seen by the browser: its connection ends at once.
                    let joined = inner.and_then(|inner| join(outer, inner));
                    if let Err(error) = joined {
                        tracing::debug!(%error, "a browser was not let in");
                    }
                }
            })?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// What a browser on this machine opens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The connection wakes the thread; without one it is already gone.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
    }
}

/// Moves bytes both ways until either side has ended.
fn join(outer: TcpStream, inner: TcpStream) -> io::Result<()> {
    let (outer_again, inner_again) = (outer.try_clone()?, inner.try_clone()?);
    pump(outer, inner)?;
    pump(inner_again, outer_again)
}

fn pump(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    std::thread::Builder::new()
        .name("door".into())
        .spawn(move || {
            // However it ended: what has arrived was passed on, and the other side is told that no more will come.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        })
        .map(drop)
}
