//! TCP inside a tunnel, without a device and without a clock: packets in, packets out. Pure.

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet},
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    socket::tcp::{ConnectError, Socket, SocketBuffer},
    time::Instant as StackInstant,
    wire::{HardwareAddress, IpAddress, IpCidr},
};

/// As the tunnel's own interface has it.
const MTU: usize = 1500;

/// Room for bytes on their way to the router, and from it: as much as may be under way in one round trip.
const TO_ROUTER: usize = 16 * 1024;
const FROM_ROUTER: usize = 32 * 1024;

/// Packets that wait to be sent. The stack makes no more until some are taken.
const PACKETS_AT_MOST: usize = 32;

/// Bytes that the router does not acknowledge for so long mean that it is gone.
const SILENT_AT_MOST: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(10);

/// Our end of the tunnel, with a TCP of its own.
pub(super) struct Stack {
    interface: Interface,
    wire: Wire,
    sockets: SocketSet<'static>,
    began: Instant,
    router: Ipv4Addr,
    server: Ipv4Addr,
}

impl Stack {
    /// The server's end of a tunnel between `server` and `router`. The seed must be random.
    pub(super) fn new(server: Ipv4Addr, router: Ipv4Addr, seed: u64, now: Instant) -> Self {
        let mut wire = Wire::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, StackInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(server), 32));
        });
        // The other end is all that there is.
        let _ = interface.routes_mut().add_default_ipv4_route(router);
        Self {
            interface,
            wire,
            sockets: SocketSet::new(Vec::new()),
            began: now,
            router,
            server,
        }
    }

    /// Begins to connect to a port of the router.
    ///
    /// # Errors
    /// Port 0 is none.
    pub(super) fn connect(
        &mut self,
        port: u16,
        local_port: u16,
    ) -> Result<SocketHandle, ConnectError> {
        let room = |bytes| SocketBuffer::new(vec![0; bytes]);
        let mut socket = Socket::new(room(FROM_ROUTER), room(TO_ROUTER));
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_timeout(Some(SILENT_AT_MOST));
        let router = (IpAddress::Ipv4(self.router), port);
        socket.connect(self.interface.context(), router, local_port)?;
        Ok(self.sockets.add(socket))
    }

    /// Waits for a connection, as a router does.
    #[cfg(test)]
    pub(super) fn listen(&mut self, port: u16) -> SocketHandle {
        let room = |bytes| SocketBuffer::new(vec![0; bytes]);
        let mut socket = Socket::new(room(FROM_ROUTER), room(TO_ROUTER));
        socket.listen(port).expect("a port");
        self.sockets.add(socket)
    }

    /// Whether a packet of the tunnel is for us: TCP from the router to our own address.
    pub(super) fn wants(&self, packet: &[u8]) -> bool {
        const TCP: u8 = 6;
        packet.len() >= 40
            && packet[0] >> 4 == 4
            && packet[9] == TCP
            && packet[12..16] == self.router.octets()
            && packet[16..20] == self.server.octets()
    }

    /// Takes a packet from the router.
    pub(super) fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        self.wire.received = Some(packet.to_vec());
        self.advance(now);
    }

    /// Does what is due, and makes the packets that there is room for.
    pub(super) fn advance(&mut self, now: Instant) {
        let now = self.instant(now);
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
    }

    /// The next packet for the router.
    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.wire.sent.pop_front()
    }

    /// When [`Self::advance`] is due.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let stack_now = self.instant(now);
        let delay = self.interface.poll_delay(stack_now, &self.sockets)?;
        Some(now + Duration::from_micros(delay.total_micros()))
    }

    pub(super) fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
    }

    fn instant(&self, now: Instant) -> StackInstant {
        let passed = now.saturating_duration_since(self.began).as_micros();
        StackInstant::from_micros(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// What the stack takes for a network device.
#[derive(Debug, Default)]
struct Wire {
    received: Option<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

struct Received(Vec<u8>);

struct Sending<'a>(&'a mut VecDeque<Vec<u8>>);

impl Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: StackInstant) -> Option<(Received, Sending<'_>)> {
        let packet = self.received.take()?;
        Some((Received(packet), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, _: StackInstant) -> Option<Sending<'_>> {
        (self.sent.len() < PACKETS_AT_MOST).then_some(Sending(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut packet = vec![0; len];
        let result = fill(&mut packet);
        self.0.push_back(packet);
        result
    }
}
