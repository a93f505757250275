//! The sender of datagrams, in `lan`.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
};

use super::{echo, report::Samples};
use crate::{namespace::Namespace, topology::LAN_HOST};

const INTERVAL: Duration = Duration::from_millis(10);

/// An answer later than this is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Each datagram has a source port of its own, so each is a new flow to the router's address translation and shows
/// where new flows go now. A port comes back after 500 s, when the router has long forgotten the flow.
const FIRST_PORT: u16 = 10_000;
const PORTS: usize = 50_000;

#[derive(Debug)]
pub(super) struct Pulse {
    samples: Arc<Samples>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    pub(super) fn start(lan: &Namespace, samples: Arc<Samples>) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut sender = Sender::new(Arc::clone(&samples))?;
        let told = Arc::clone(&stop);
        let thread = lan.spawn_thread("pulse", move || {
            if let Err(error) = sender.run(&told) {
                tracing::error!(%error, "the meter stopped");
            }
        })?;
        Ok(Self {
            samples,
            stop,
            thread: Some(thread),
        })
    }

    pub(super) fn samples(&self) -> &Samples {
        &self.samples
    }

    pub(super) fn finish(mut self) -> Arc<Samples> {
        self.end();
        Arc::clone(&self.samples)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed, and shows as silence in the report.
            let _ = thread.join();
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.end();
    }
}

struct Asked {
    /// Closed once answered.
    socket: Option<UdpSocket>,
    give_up: Instant,
}

struct Sender {
    samples: Arc<Samples>,
    epoll: Epoll,
    /// In the order of sending; the first is number `forgotten`.
    asked: VecDeque<Asked>,
    forgotten: usize,
}

impl Sender {
    fn new(samples: Arc<Samples>) -> anyhow::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self {
            samples,
            epoll,
            asked: VecDeque::new(),
            forgotten: 0,
        })
    }

    fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if Instant::now() >= next {
                self.ask()?;
                next += INTERVAL;
            }
            self.collect(next)?;
        }
        let last = Instant::now() + PATIENCE;
        while !self.asked.is_empty() && Instant::now() < last {
            self.collect(last)?;
        }
        Ok(())
    }

    fn ask(&mut self) -> anyhow::Result<()> {
        let sequence = self.forgotten + self.asked.len();
        let socket = open(FIRST_PORT + (sequence % PORTS) as u16)?;
        let interest = EpollEvent::new(EpollFlags::EPOLLIN, sequence as u64);
        self.epoll.add(&socket, interest)?;
        let now = Instant::now();
        self.samples.handle_sent(now);
        // A router without a route answers with an error here: that is a lost datagram like any other.
        let _ = socket.send(&(sequence as u64).to_be_bytes());
        self.asked.push_back(Asked {
            socket: Some(socket),
            give_up: now + PATIENCE,
        });
        Ok(())
    }

    /// Takes answers until `deadline`, or earlier.
    fn collect(&mut self, deadline: Instant) -> anyhow::Result<()> {
        // epoll_wait would round to milliseconds.
        let wait = deadline.saturating_duration_since(Instant::now());
        let mut any = [PollFd::new(self.epoll.0.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut any, Some(wait.into()), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = [EpollEvent::empty(); 32];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO)?;
        for event in &events[..count] {
            self.take_answer(event.data() as usize);
        }
        self.forget(Instant::now());
        Ok(())
    }

    fn take_answer(&mut self, sequence: usize) {
        let index = sequence.checked_sub(self.forgotten);
        let Some(asked) = index.and_then(|index| self.asked.get_mut(index)) else {
            return;
        };
        let Some(socket) = &asked.socket else {
            return;
        };
        let mut answer = [0; echo::ANSWER_LEN];
        // An error is an ICMP message about this flow; the answer may still come.
        if let Ok(echo::ANSWER_LEN) = socket.recv(&mut answer) {
            let [.., a, b, c, d] = answer;
            let source = Ipv4Addr::new(a, b, c, d);
            self.samples.handle_answer(sequence, Instant::now(), source);
            asked.socket = None;
        }
    }

    fn forget(&mut self, now: Instant) {
        let done = |asked: &Asked| asked.socket.is_none() || asked.give_up <= now;
        while self.asked.front().is_some_and(done) {
            self.asked.pop_front();
            self.forgotten += 1;
        }
    }
}

fn open(port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddrV4::new(LAN_HOST, port))?;
    socket.set_nonblocking(true)?;
    socket.connect(echo::ECHO)?;
    Ok(socket)
}
