//! Echo requests, through an interface if need be.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

/// A socket that asks one address.
pub(crate) struct Pinger {
    socket: UdpSocket,
    address: Ipv4Addr,
    id: u16,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Echo {
    pub(crate) time: Duration,
    pub(crate) ttl: u8,
    pub(crate) from: Ipv4Addr,
}

const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;

impl Pinger {
    /// Opens a socket. With a device, packets leave by it whatever the routes say.
    pub(crate) fn open(
        address: Ipv4Addr,
        device: Option<&str>,
        source: Option<Ipv4Addr>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        socket.set_nonblocking(true)?;
        if let Some(device) = device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        if let Some(source) = source {
            socket.bind(&SockAddr::from(SocketAddrV4::new(source, 0)))?;
        }
        Ok(Self {
            // Only a name: the system calls are the same for every socket that sends datagrams.
            socket: UdpSocket::from_std(socket.into())?,
            address,
            id: rand::random(),
        })
    }

    /// Asks once. None when no answer came in time.
    pub(crate) async fn ask(
        &self,
        sequence: u16,
        size: usize,
        patience: Duration,
    ) -> io::Result<Option<Echo>> {
        let began = Instant::now();
        let request = request(self.id, sequence, size);
        let to = SocketAddrV4::new(self.address, 0);
        self.socket.send_to(&request, to).await?;
        let answer = tokio::time::timeout(patience, self.answer(sequence)).await;
        let Ok(answer) = answer else {
            return Ok(None);
        };
        let (ttl, from) = answer?;
        let time = began.elapsed();
        Ok(Some(Echo { time, ttl, from }))
    }

    /// A raw socket hears every answer that comes to this machine, so ours is looked for.
    async fn answer(&self, sequence: u16) -> io::Result<(u8, Ipv4Addr)> {
        let mut packet = [0; 2048];
        loop {
            let received = self.socket.recv(&mut packet).await?;
            if let Some(answer) = self.read(&packet[..received], sequence) {
                return Ok(answer);
            }
        }
    }

    /// The answer's TTL and source, from a packet with its IP header.
    fn read(&self, packet: &[u8], sequence: u16) -> Option<(u8, Ipv4Addr)> {
        let header = usize::from(packet.first()? & 0xf) * 4;
        let message = packet.get(header..header + 8)?;
        let ours = message[0] == ECHO_REPLY
            && message[4..6] == self.id.to_be_bytes()
            && message[6..8] == sequence.to_be_bytes();
        let from: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
        ours.then(|| (packet[8], from.into()))
    }
}

/// An echo request of `size` bytes with its IP header, as RouterOS counts.
fn request(id: u16, sequence: u16, size: usize) -> Vec<u8> {
    let mut message = vec![0; size.clamp(28, 1500) - 20];
    message[0] = ECHO;
    message[4..6].copy_from_slice(&id.to_be_bytes());
    message[6..8].copy_from_slice(&sequence.to_be_bytes());
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
