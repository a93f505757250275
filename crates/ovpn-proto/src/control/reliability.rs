use std::collections::VecDeque;

use crate::wire::{Acks, ControlOpcode};

/// Packets we send before the oldest must be acknowledged (2.4 accepts 4, newer peers more).
const SEND_WINDOW: usize = 4;

/// How far ahead of the next expected packet we hold early ones.
const RECEIVE_WINDOW: u32 = 8;

/// Acknowledgements in one packet; every implementation accepts 4.
const ACKS_PER_PACKET: usize = 4;

/// A peer that lets this much pile up neither acknowledges nor reads.
const MAX_UNSENT: usize = 64 * 1024;

/// Ordered, acknowledged delivery of control packets for one key id.
///
/// Over TCP no bytes get lost, so nothing is ever retransmitted here; a peer's retransmissions are
/// acknowledged again and dropped.
#[derive(Debug)]
pub(crate) struct Reliability {
    next_send: u32,
    in_flight: Vec<u32>,
    queue: VecDeque<(ControlOpcode, Vec<u8>)>,
    queued_bytes: usize,
    next_receive: u32,
    early: Vec<(u32, Vec<u8>)>,
    owed: Vec<u32>,
    /// Set until a packet with payload was consumed, see [`Self::repairs_double_reset`].
    only_empty_so_far: bool,
}

/// What became of a received packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Payloads that are now in order, oldest first; empty for a duplicate or an early packet.
    Deliver(Vec<Vec<u8>>),
    /// Outside the window; not acknowledged.
    Ignored,
}

/// The peer neither acknowledges nor reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMuchUnsent;

impl Reliability {
    /// Starts with packet id 0 to send and `next_receive` as the first expected id.
    pub(crate) fn new(next_receive: u32) -> Self {
        Self {
            next_send: 0,
            in_flight: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            next_receive,
            early: Vec::new(),
            owed: Vec::new(),
            only_empty_so_far: true,
        }
    }

    /// Queues one packet for sending.
    pub(crate) fn send(
        &mut self,
        opcode: ControlOpcode,
        payload: Vec<u8>,
    ) -> Result<(), TooMuchUnsent> {
        if self.queued_bytes + payload.len() > MAX_UNSENT {
            return Err(TooMuchUnsent);
        }
        self.queued_bytes += payload.len();
        self.queue.push_back((opcode, payload));
        Ok(())
    }

    /// Takes the peer's acknowledgements; those of unknown packets are no-ops (2.6+ repeats old ones).
    pub(crate) fn handle_acks(&mut self, acks: &[u32]) {
        self.in_flight.retain(|id| !acks.contains(id));
    }

    /// Takes a packet with an id and says what can be delivered.
    pub(crate) fn handle_packet(&mut self, id: u32, payload: &[u8]) -> Received {
        let repairs_double_reset = self.repairs_double_reset(id, payload);
        if id >= self.next_receive.saturating_add(RECEIVE_WINDOW) {
            return Received::Ignored;
        }
        self.owe(id);
        if repairs_double_reset {
            self.only_empty_so_far = false;
            return Received::Deliver(vec![payload.to_vec()]);
        }
        if id < self.next_receive {
            return Received::Deliver(Vec::new());
        }
        if id > self.next_receive {
            if self.early.iter().all(|(early, _)| *early != id) {
                self.early.push((id, payload.to_vec()));
            }
            return Received::Deliver(Vec::new());
        }
        self.deliver_from(payload.to_vec())
    }

    /// The next packet to put on the wire: its opcode, id and payload.
    pub(crate) fn poll_packet(&mut self) -> Option<(ControlOpcode, u32, Vec<u8>)> {
        if self.in_flight.len() >= SEND_WINDOW {
            return None;
        }
        let (opcode, payload) = self.queue.pop_front()?;
        if self.queue.is_empty() {
            // An idle tunnel should hold no buffers.
            self.queue = VecDeque::new();
        }
        self.queued_bytes -= payload.len();
        let id = self.next_send;
        self.next_send += 1;
        self.in_flight.push(id);
        Some((opcode, id, payload))
    }

    /// Up to four acknowledgements that we owe.
    pub(crate) fn take_acks(&mut self) -> Acks {
        let count = self.owed.len().min(ACKS_PER_PACKET);
        let acks = Acks::from_slice(&self.owed[..count]).expect("four acknowledgements fit");
        self.owed.drain(..count);
        acks
    }

    /// Forgets the acknowledgements we owe: after a soft reset nothing may be sent for the old key.
    pub(crate) fn drop_acks(&mut self) {
        self.owed = Vec::new();
    }

    /// Whether acknowledgements are owed.
    pub(crate) fn owes_acks(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Whether one more packet could go out at once.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.len() + self.queue.len() < SEND_WINDOW
    }

    /// Whether everything sent has been acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.queue.is_empty()
    }

    fn deliver_from(&mut self, first: Vec<u8>) -> Received {
        let mut delivered = vec![first];
        self.next_receive = self.next_receive.saturating_add(1);
        while let Some(at) = self
            .early
            .iter()
            .position(|(id, _)| *id == self.next_receive)
        {
            delivered.push(self.early.swap_remove(at).1);
            self.next_receive = self.next_receive.saturating_add(1);
        }
        self.only_empty_so_far &= delivered.iter().all(Vec::is_empty);
        Received::Deliver(delivered)
    }

    /// RouterOS sends two resets in a row, the second with packet id 1, and may then use id 1 again for
    /// its ClientHello. While only empty packets were consumed nothing is lost by taking it once.
    fn repairs_double_reset(&self, id: u32, payload: &[u8]) -> bool {
        self.only_empty_so_far && !payload.is_empty() && id > 0 && id < self.next_receive
    }

    fn owe(&mut self, id: u32) {
        if !self.owed.contains(&id) {
            self.owed.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(payloads: &[&[u8]]) -> Received {
        Received::Deliver(payloads.iter().map(|p| p.to_vec()).collect())
    }

    #[test]
    fn packets_are_delivered_in_order_and_once() {
        let mut r = Reliability::new(0);
        assert_eq!(r.handle_packet(1, b"b"), deliver(&[]));
        assert_eq!(r.handle_packet(0, b"a"), deliver(&[b"a", b"b"]));
        assert_eq!(r.handle_packet(1, b"b"), deliver(&[]));
        assert_eq!(r.take_acks().as_slice(), [1, 0]);
    }

    #[test]
    fn a_packet_beyond_the_window_is_not_acknowledged() {
        let mut r = Reliability::new(1);
        assert_eq!(r.handle_packet(9, b"x"), Received::Ignored);
        assert!(!r.owes_acks());
        assert_eq!(r.handle_packet(8, b"x"), deliver(&[]));
        assert!(r.owes_acks());
    }

    #[test]
    fn sending_stops_at_four_unacknowledged_packets() {
        let mut r = Reliability::new(0);
        for i in 0..6u8 {
            r.send(ControlOpcode::ControlV1, vec![i]).unwrap();
        }
        let ids: Vec<u32> = std::iter::from_fn(|| r.poll_packet())
            .map(|(_, id, _)| id)
            .collect();
        assert_eq!(ids, [0, 1, 2, 3]);
        r.handle_acks(&[2, 77]);
        assert_eq!(
            r.poll_packet(),
            Some((ControlOpcode::ControlV1, 4, vec![4]))
        );
        assert_eq!(r.poll_packet(), None);
        assert!(!r.is_idle());
        r.handle_acks(&[0, 1, 3, 4]);
        r.poll_packet();
        r.handle_acks(&[5]);
        assert!(r.is_idle());
    }

    #[test]
    fn a_peer_that_never_acknowledges_is_bounded() {
        let mut r = Reliability::new(0);
        let mut sent = 0;
        while r.send(ControlOpcode::ControlV1, vec![0; 1024]).is_ok() {
            sent += 1;
        }
        assert_eq!(sent, MAX_UNSENT / 1024);
    }

    #[test]
    fn a_hello_that_reuses_the_id_of_a_second_reset_is_taken_once() {
        let mut r = Reliability::new(1);
        assert_eq!(r.handle_packet(1, b""), deliver(&[b""]));
        assert_eq!(r.handle_packet(1, b"hello"), deliver(&[b"hello"]));
        assert_eq!(r.handle_packet(1, b"hello"), deliver(&[]));
        assert_eq!(r.handle_packet(2, b"next"), deliver(&[b"next"]));
    }
}
