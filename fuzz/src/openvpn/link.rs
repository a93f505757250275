//! One direction of a connection whose packets the fuzzer may change on their way.

use std::collections::VecDeque;

use holdfast_ovpn_proto::wire::{Deframer, write_frame};

use super::input::Input;

#[derive(Default)]
pub(crate) struct Link {
    cut: Deframer,
    packets: VecDeque<Vec<u8>>,
}

impl Link {
    /// Takes what a session sends, which is always whole packets.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.cut.extend(bytes);
        let sent: Vec<_> =
            std::iter::from_fn(|| self.cut.next_frame().expect("our own framing")).collect();
        assert_eq!(self.cut.buffered(), 0, "sessions send whole packets");
        self.packets.extend(sent.iter().cloned());
        sent
    }

    /// Everything that is on its way, as one segment.
    pub(crate) fn deliver_all(&mut self) -> Vec<u8> {
        let mut segment = Vec::new();
        self.packets
            .drain(..)
            .for_each(|packet| write_frame(&mut segment, &packet));
        segment
    }

    /// The next packet, alone.
    pub(crate) fn deliver_one(&mut self) -> Vec<u8> {
        let mut segment = Vec::new();
        if let Some(packet) = self.packets.pop_front() {
            write_frame(&mut segment, &packet);
        }
        segment
    }

    /// Does to a packet on its way what a hostile peer could do; `None` at the end of the input.
    pub(crate) fn tamper(&mut self, input: &mut Input<'_>) -> Option<()> {
        let how = input.byte()?;
        let at = usize::from(input.byte()?);
        let Some(packet) = self.packets.get_mut(at % self.packets.len().max(1)) else {
            return Some(());
        };
        match how % 6 {
            0 => {
                let bit = usize::from(input.number()?) % (packet.len() * 8);
                packet[bit / 8] ^= 1 << (bit % 8);
            }
            1 => packet.truncate(usize::from(input.number()?).max(1)),
            2 => packet.extend_from_slice(input.bytes()?),
            3 => {
                let from = usize::from(input.number()?) % packet.len();
                let bytes = input.bytes()?;
                let end = packet.len().min(from + bytes.len());
                packet[from..end].copy_from_slice(&bytes[..end - from]);
            }
            4 => {
                let copy = packet.clone();
                self.packets.push_back(copy);
            }
            _ => self.packets.swap(0, at % self.packets.len()),
        }
        if let Some(packet) = self.packets.iter_mut().find(|packet| packet.len() > 2048) {
            packet.truncate(2048);
        }
        Some(())
    }
}
