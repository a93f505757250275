//! Compression framing: what a client with `comp-lzo` or `compress` in its profile puts around every
//! plaintext, pings included. Nothing is ever compressed here, nor decompressed: compression inside a
//! tunnel gives its contents away (VORACLE).

use std::borrow::Cow;

const LZO_NO: u8 = 0xfa;
const STUB: u8 = 0xfb;
const V2_ESCAPE: u8 = 0x50;

/// How plaintexts are framed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// Not at all.
    #[default]
    None,
    /// `comp-lzo no`: 0xFA before every packet.
    CompLzoNo,
    /// `compress`: 0xFB in place of the first byte, which goes to the end.
    Stub,
    /// `compress stub-v2`: packets as they are, save those that start with 0x50.
    StubV2,
}

impl Framing {
    /// Puts the framing around `packet`.
    pub fn wrap(self, packet: &[u8]) -> Cow<'_, [u8]> {
        match (self, packet) {
            (Self::None, _) | (Self::Stub, []) => Cow::Borrowed(packet),
            (Self::CompLzoNo, _) => Cow::Owned([&[LZO_NO], packet].concat()),
            (Self::Stub, [first, rest @ ..]) => Cow::Owned([&[STUB], rest, &[*first]].concat()),
            (Self::StubV2, [V2_ESCAPE, ..]) => Cow::Owned([&[V2_ESCAPE, 0], packet].concat()),
            (Self::StubV2, _) => Cow::Borrowed(packet),
        }
    }

    /// Takes the framing off; `None` for a packet that is compressed or framed in another way, which is
    /// to be dropped.
    pub fn unwrap(self, plaintext: &[u8]) -> Option<Cow<'_, [u8]>> {
        match (self, plaintext) {
            (Self::None, _) | (Self::Stub, []) => Some(Cow::Borrowed(plaintext)),
            (Self::CompLzoNo, [LZO_NO, packet @ ..]) => Some(Cow::Borrowed(packet)),
            (Self::Stub, [STUB, rest @ .., first]) => Some(Cow::Owned([&[*first], rest].concat())),
            (Self::StubV2, [V2_ESCAPE, 0, packet @ ..]) => Some(Cow::Borrowed(packet)),
            (Self::CompLzoNo | Self::Stub, _) | (Self::StubV2, [V2_ESCAPE, ..]) => None,
            (Self::StubV2, _) => Some(Cow::Borrowed(plaintext)),
        }
    }

    /// The framing of a client that frames although it did not say so, told by the first byte of a
    /// plaintext. Only sound where no framing was negotiated: then no packet starts with these bytes.
    pub fn detect(plaintext: &[u8]) -> Option<Self> {
        match plaintext {
            [LZO_NO, ..] => Some(Self::CompLzoNo),
            [STUB, ..] => Some(Self::Stub),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_framing_looks_as_stock_clients_send_it() {
        let packet = [0x45, 1, 2];
        assert_eq!(*Framing::None.wrap(&packet), packet);
        assert_eq!(*Framing::CompLzoNo.wrap(&packet), [0xfa, 0x45, 1, 2]);
        assert_eq!(*Framing::Stub.wrap(&packet), [0xfb, 1, 2, 0x45]);
        assert_eq!(*Framing::StubV2.wrap(&packet), packet);
        assert_eq!(*Framing::StubV2.wrap(&[0x50, 1]), [0x50, 0, 0x50, 1]);
    }

    #[test]
    fn compressed_and_truncated_packets_are_refused() {
        for (framing, plaintext) in [
            (Framing::CompLzoNo, &[0x66, 1][..]),
            (Framing::CompLzoNo, &[]),
            (Framing::Stub, &[0x69, 1]),
            (Framing::Stub, &[0xfb]),
            (Framing::StubV2, &[0x50, 1, 2]),
            (Framing::StubV2, &[0x50]),
        ] {
            assert_eq!(framing.unwrap(plaintext), None, "{framing:?} {plaintext:?}");
        }
    }

    #[test]
    fn undeclared_framing_is_detected() {
        assert_eq!(Framing::detect(&[0xfa, 0x45]), Some(Framing::CompLzoNo));
        assert_eq!(Framing::detect(&[0xfb, 0x00]), Some(Framing::Stub));
        assert_eq!(Framing::detect(&super::super::PING), None);
        assert_eq!(Framing::detect(&[]), None);
    }
}
