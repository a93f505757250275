//! The servers that the meter talks to, in `inet`.

use std::{
    io::{self, Write},
    net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{namespace::Namespace, topology::TARGET};

/// Answers a datagram with its own bytes and the source address it came from.
pub(super) const ECHO: SocketAddrV4 = SocketAddrV4::new(TARGET, 7);

/// Sends bytes for as long as it is listened to.
pub(super) const DOWNLOAD: SocketAddrV4 = SocketAddrV4::new(TARGET, 80);

pub(super) const QUESTION_LEN: usize = 8;
pub(super) const ANSWER_LEN: usize = QUESTION_LEN + 4;

/// How often a waiting thread looks whether it shall end.
const GLANCE: Duration = Duration::from_millis(100);

/// 4 KiB every 20 ms, 1.6 Mbit/s: steady, and no load on the machine.
const CHUNK: [u8; 4096] = [0x5a; 4096];
const CHUNK_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Servers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Servers {
    pub(super) fn start(inet: &Namespace) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (udp, tcp) =
            inet.run(|_| anyhow::Ok((UdpSocket::bind(ECHO)?, TcpListener::bind(DOWNLOAD)?)))?;
        udp.set_read_timeout(Some(GLANCE))?;
        tcp.set_nonblocking(true)?;
        let told = (Arc::clone(&stop), Arc::clone(&stop));
        let threads = vec![
            inet.spawn_thread("echo", move || answer(&udp, &told.0))?,
            inet.spawn_thread("downloads", move || serve(&tcp, &told.1))?,
        ];
        Ok(Self { stop, threads })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic there was already printed, and shows as silence in the report.
            let _ = thread.join();
        }
    }
}

fn answer(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = [0; ANSWER_LEN];
    while !stop.load(Ordering::Relaxed) {
        // Errors are the read timeout and ICMP messages about earlier answers.
        let Ok((QUESTION_LEN, SocketAddr::V4(from))) = socket.recv_from(&mut buffer) else {
            continue;
        };
        buffer[QUESTION_LEN..].copy_from_slice(&from.ip().octets());
        let _ = socket.send_to(&buffer, from);
    }
}

fn serve(listener: &TcpListener, stop: &AtomicBool) {
    let mut downloads: Vec<TcpStream> = Vec::new();
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if let Ok((stream, _)) = listener.accept()
            && stream.set_nonblocking(true).is_ok()
        {
            downloads.push(stream);
        }
        downloads.retain(feed);
        next += CHUNK_INTERVAL;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// False when the download has ended. A full send buffer only means that this chunk is skipped.
fn feed(mut stream: &TcpStream) -> bool {
    match stream.write(&CHUNK) {
        Ok(written) => written > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}
