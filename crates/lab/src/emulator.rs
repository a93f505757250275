//! The thread that plays all cables: it moves frames between TAP devices as their [`Wire`]s say.

use std::{
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};

use crate::{
    tap::{MAX_FRAME, Tap},
    wire::{Conditions, End, Wire},
};

/// Runs the cables until it is dropped.
#[derive(Debug)]
pub(crate) struct Emulator {
    orders: Orders,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (waker, woken) = UnixStream::pair().context("cannot make the emulator's waker")?;
        woken.set_nonblocking(true)?;
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("wires".into())
            .spawn(move || Cables::new(receiver, woken).run())?;
        let orders = Orders {
            sender,
            waker: Arc::new(waker),
        };
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Lays a cable between two interfaces; `a` is the end nearer to the site.
    pub(crate) fn connect(&self, a: Tap, b: Tap, conditions: Conditions) -> WireHandle {
        let cable = Cable {
            taps: [a, b],
            wire: Wire::new(conditions),
        };
        let orders = self.orders.clone();
        let (reply, id) = mpsc::sync_channel(1);
        orders.give(Box::new(move |cables| {
            cables.push(cable);
            // The other side waits for this below; it cannot be gone.
            let _ = reply.send(cables.len() - 1);
        }));
        let id = id.recv().expect("the emulator outlives its handles");
        WireHandle { id, orders }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.orders.end();
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
    }
}

/// Changes one cable of a running emulator.
#[derive(Debug, Clone)]
pub(crate) struct WireHandle {
    id: usize,
    orders: Orders,
}

impl WireHandle {
    /// Applies a change between two frames and returns the moment it took effect.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Wire, Instant) + Send + 'static,
    ) -> Instant {
        self.order(move |cable, now| change(&mut cable.wire, now))
    }

    /// Plugs the cable in or out at both ends.
    pub(crate) fn set_carrier(&self, on: bool) -> Instant {
        self.order(move |cable, _| {
            for tap in &cable.taps {
                if let Err(error) = tap.set_carrier(on) {
                    tracing::error!(%error, "cannot switch a carrier");
                }
            }
        })
    }

    /// Whether the cable swallows everything, both ways.
    pub(crate) fn is_cut(&self) -> bool {
        let (tell, told) = mpsc::sync_channel(1);
        self.order(move |cable, now| {
            let _ = tell.send(cable.wire.is_cut(now));
        });
        // Nothing was told only while the lab is being dropped; then no cable carries anything.
        told.try_recv().unwrap_or(true)
    }

    fn order(&self, action: impl FnOnce(&mut Cable, Instant) + Send + 'static) -> Instant {
        let (done, applied) = mpsc::sync_channel(1);
        let id = self.id;
        self.orders.give(Box::new(move |cables| {
            let now = Instant::now();
            action(&mut cables[id], now);
            let _ = done.send(now);
        }));
        // The emulator is gone only while the lab is being dropped; then the moment means nothing.
        applied.recv().unwrap_or_else(|_| Instant::now())
    }
}

type Order = Box<dyn FnOnce(&mut Vec<Cable>) + Send>;

#[derive(Debug, Clone)]
struct Orders {
    sender: mpsc::Sender<Option<Order>>,
    waker: Arc<UnixStream>,
}

impl Orders {
    fn give(&self, order: Order) {
        self.send(Some(order));
    }

    fn end(&self) {
        self.send(None);
    }

    fn send(&self, order: Option<Order>) {
        // Both fail only when the thread is gone, and then there is nothing left to order.
        let _ = self.sender.send(order);
        let _ = (&*self.waker).write(&[0]);
    }
}

#[derive(Debug)]
struct Cable {
    taps: [Tap; 2],
    wire: Wire,
}

impl Cable {
    fn tap(&self, end: End) -> &Tap {
        match end {
            End::A => &self.taps[0],
            End::B => &self.taps[1],
        }
    }

    fn take_in(&mut self, from: End, buffer: &mut [u8]) {
        while let Ok(len) = self.tap(from).receive(buffer) {
            let frame = buffer[..len].into();
            self.wire
                .handle_frame(Instant::now(), from, frame, &mut rand::random);
        }
    }

    fn let_out(&mut self) {
        while let Some((end, frame)) = self.wire.poll_frame(Instant::now()) {
            // Refused when the interface is down or has no carrier: then the frame is lost, as it should be.
            let _ = self.tap(end).send(&frame);
        }
    }
}

struct Cables {
    cables: Vec<Cable>,
    orders: mpsc::Receiver<Option<Order>>,
    woken: UnixStream,
    buffer: [u8; MAX_FRAME],
}

impl Cables {
    fn new(orders: mpsc::Receiver<Option<Order>>, woken: UnixStream) -> Self {
        Self {
            cables: Vec::new(),
            orders,
            woken,
            buffer: [0; MAX_FRAME],
        }
    }

    fn run(&mut self) {
        loop {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(error) => return tracing::error!(%error, "the cables stopped"),
            };
            if !self.follow_orders() {
                return;
            }
            for (cable, from) in ready {
                self.cables[cable].take_in(from, &mut self.buffer);
            }
            for cable in &mut self.cables {
                cable.let_out();
            }
        }
    }

    /// Waits for a frame, an order or the time of a frame under way; returns who has frames.
    fn wait(&self) -> io::Result<Vec<(usize, End)>> {
        let watch = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: Vec<_> = self
            .cables
            .iter()
            .flat_map(|cable| &cable.taps)
            .map(|tap| watch(tap.as_fd()))
            .collect();
        fds.push(watch(self.woken.as_fd()));
        match ppoll(&mut fds, self.timeout(), None) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let ends = fds[..2 * self.cables.len()].iter().enumerate();
        Ok(ends
            .filter(|(_, fd)| fd.any() == Some(true))
            .map(|(i, _)| (i / 2, if i % 2 == 0 { End::A } else { End::B }))
            .collect())
    }

    fn timeout(&self) -> Option<TimeSpec> {
        let due = self
            .cables
            .iter()
            .filter_map(|c| c.wire.poll_timeout())
            .min()?;
        let wait: Duration = due.saturating_duration_since(Instant::now());
        Some(TimeSpec::from(wait))
    }

    /// False when the emulator shall end.
    fn follow_orders(&mut self) -> bool {
        let mut wakes = [0; 64];
        while matches!((&self.woken).read(&mut wakes), Ok(n) if n > 0) {}
        loop {
            match self.orders.try_recv() {
                Ok(Some(order)) => order(&mut self.cables),
                Err(mpsc::TryRecvError::Empty) => return true,
                Ok(None) | Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }
}
