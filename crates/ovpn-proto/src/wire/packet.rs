//! The packets themselves: control packets and the header of data packets.
//!
//! ```text
//! control: op/kid u8 | session id [8] | ack count u8 | acks u32.. | remote session id [8], if acks | packet id u32 | payload
//! data v1: op/kid u8 | sealed bytes            data v2: op/kid u8 | peer id u24 | sealed bytes
//! ```
//!
//! `op/kid` is the opcode in the upper five bits and the key id in the lower three. An `ACK_V1` ends
//! after the acks. Numbers are big-endian.

use std::fmt;

use super::{
    id::{KeyId, SessionId},
    reader::Reader,
};

/// The control packets this crate speaks. The names are the protocol's, without `P_` and `CONTROL_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlOpcode {
    /// Starts a session; the client's first packet.
    HardResetClientV2,
    /// The server's answer to it.
    HardResetServerV2,
    /// Starts the negotiation of a new key.
    SoftResetV1,
    /// Carries bytes of the TLS session.
    ControlV1,
    /// Carries acks only, and has no packet id itself.
    AckV1,
}

impl ControlOpcode {
    const fn number(self) -> u8 {
        match self {
            Self::SoftResetV1 => 3,
            Self::ControlV1 => 4,
            Self::AckV1 => 5,
            Self::HardResetClientV2 => 7,
            Self::HardResetServerV2 => 8,
        }
    }
}

const DATA_V1: u8 = 6;
const DATA_V2: u8 = 9;

/// The first byte of a packet.
const fn first_byte(opcode: u8, key_id: KeyId) -> u8 {
    opcode << 3 | key_id.get()
}

/// The first byte of a `DATA_V1` packet, which is its whole header.
pub(crate) const fn data_v1_header(key_id: KeyId) -> u8 {
    first_byte(DATA_V1, key_id)
}

/// The header of a `DATA_V2` packet. Of `peer_id` the lower 24 bits are used.
pub(crate) const fn data_v2_header(key_id: KeyId, peer_id: u32) -> [u8; 4] {
    let [_, high, middle, low] = peer_id.to_be_bytes();
    [first_byte(DATA_V2, key_id), high, middle, low]
}

/// Any packet of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Resets, acks and TLS bytes.
    Control(Control<'a>),
    /// Sealed payload.
    Data(Data<'a>),
}

impl<'a> Packet<'a> {
    /// Reads one packet, without its length.
    ///
    /// # Errors
    /// Every error means the connection is to be closed; the variant says why, for the log.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let first = *bytes.first().ok_or(PacketError::Empty)?;
        let key_id = KeyId::new(first);
        let control = |opcode| Control::decode(opcode, key_id, bytes).map(Self::Control);
        match first >> 3 {
            1 | 2 => Err(PacketError::KeyMethodOne),
            3 => control(ControlOpcode::SoftResetV1),
            4 => control(ControlOpcode::ControlV1),
            5 => control(ControlOpcode::AckV1),
            DATA_V1 => Ok(Self::Data(Data {
                key_id,
                peer_id: None,
                packet: bytes,
            })),
            7 => Control::decode_hard_reset(ControlOpcode::HardResetClientV2, key_id, bytes)
                .map(Self::Control),
            8 => Control::decode_hard_reset(ControlOpcode::HardResetServerV2, key_id, bytes)
                .map(Self::Control),
            DATA_V2 => Data::decode_v2(key_id, bytes).map(Self::Data),
            10 | 11 => Err(PacketError::TlsCryptV2),
            opcode => Err(PacketError::UnknownOpcode(opcode)),
        }
    }
}

/// A control packet without any wrapping (`tls-auth`, `tls-crypt`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control<'a> {
    /// What it is.
    pub opcode: ControlOpcode,
    /// The key whose negotiation it belongs to.
    pub key_id: KeyId,
    /// The sender's session id.
    pub session_id: SessionId,
    /// Packet ids of this key that the sender has received.
    pub acks: Acks,
    /// The receiver's session id; present exactly when there are acks.
    pub remote_session_id: Option<SessionId>,
    /// Counts from 0 for each key; `None` only for [`ControlOpcode::AckV1`].
    pub packet_id: Option<u32>,
    /// TLS bytes; empty for acks and resets.
    pub payload: &'a [u8],
}

impl<'a> Control<'a> {
    /// Appends the packet to `out`, without its length. Acks are left out while the remote session id
    /// is unknown, since the peer could not check them.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(first_byte(self.opcode.number(), self.key_id));
        out.extend_from_slice(&self.session_id.0);
        match self.remote_session_id {
            Some(remote) if !self.acks.is_empty() => {
                self.acks.encode(out);
                out.extend_from_slice(&remote.0);
            }
            _ => out.push(0),
        }
        if let Some(packet_id) = self.packet_id {
            out.extend_from_slice(&packet_id.to_be_bytes());
            out.extend_from_slice(self.payload);
        }
    }

    fn decode(opcode: ControlOpcode, key_id: KeyId, bytes: &'a [u8]) -> Result<Self, PacketError> {
        let truncated = |field| PacketError::TruncatedHeader { field };
        let mut reader = Reader::new(&bytes[1..]);
        let session_id = SessionId(reader.array().ok_or(truncated("session id"))?);
        if session_id.is_zero() {
            return Err(PacketError::ZeroSessionId);
        }
        let acks = Acks::decode(&mut reader)?;
        let remote_session_id = match acks.is_empty() {
            true => None,
            false => Some(SessionId(
                reader.array().ok_or(truncated("remote session id"))?,
            )),
        };
        let (packet_id, payload): (_, &[u8]) = match opcode {
            // Bytes after the acks are ignored, as stock peers do.
            ControlOpcode::AckV1 => (None, &[]),
            ControlOpcode::HardResetClientV2
            | ControlOpcode::HardResetServerV2
            | ControlOpcode::SoftResetV1
            | ControlOpcode::ControlV1 => (
                Some(reader.u32().ok_or(truncated("packet id"))?),
                reader.rest(),
            ),
        };
        Ok(Self {
            opcode,
            key_id,
            session_id,
            acks,
            remote_session_id,
            packet_id,
            payload,
        })
    }

    /// A hard reset is where a peer shows that its control channel is wrapped: what stands between the
    /// session id and the packet id is then a digest or ciphertext, and the packet is longer than plain.
    fn decode_hard_reset(
        opcode: ControlOpcode,
        key_id: KeyId,
        bytes: &'a [u8],
    ) -> Result<Self, PacketError> {
        const PLAIN_LENGTH: usize = 14;
        match Self::decode(opcode, key_id, bytes) {
            Ok(reset) if reset.payload.is_empty() || reset.carries_early_options() => Ok(reset),
            Err(err) if bytes.len() <= PLAIN_LENGTH => Err(err),
            Ok(_) | Err(_) => Err(PacketError::WrappedControlChannel {
                length: bytes.len(),
            }),
        }
    }

    /// OpenVPN 2.6 and later may append options to the reset that opens a session.
    fn carries_early_options(&self) -> bool {
        let opens_session = match self.opcode {
            ControlOpcode::HardResetClientV2 => self.acks.is_empty(),
            ControlOpcode::HardResetServerV2 => true,
            ControlOpcode::SoftResetV1 | ControlOpcode::ControlV1 | ControlOpcode::AckV1 => false,
        };
        opens_session && self.packet_id == Some(0) && is_option_list(self.payload)
    }
}

/// Whether `bytes` are (type `u16`, length `u16`, value) over and over.
fn is_option_list(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let _kind = reader.u16();
        let value = reader.u16().and_then(|length| reader.take(length.into()));
        if value.is_none() {
            return false;
        }
    }
    true
}

/// Up to eight packet ids the sender of a control packet has received.
#[derive(Clone, Copy, Default)]
pub struct Acks {
    ids: [u32; Self::MAX],
    len: u8,
}

impl Acks {
    /// Most acks a packet can carry.
    pub const MAX: usize = 8;

    /// All of `ids`, or `None` when they are more than [`MAX`](Self::MAX).
    pub fn from_slice(ids: &[u32]) -> Option<Self> {
        let mut acks = Self::default();
        ids.iter().all(|id| acks.push(*id)).then_some(acks)
    }

    /// Adds one; false, and nothing added, when it is full.
    pub fn push(&mut self, packet_id: u32) -> bool {
        let Some(slot) = self.ids.get_mut(usize::from(self.len)) else {
            return false;
        };
        *slot = packet_id;
        self.len += 1;
        true
    }

    /// The ids in the order they stand in the packet.
    pub fn as_slice(&self) -> &[u32] {
        &self.ids[..self.len.into()]
    }

    /// True when there is nothing to acknowledge.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.len);
        out.extend(self.as_slice().iter().flat_map(|id| id.to_be_bytes()));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, PacketError> {
        let count = reader
            .u8()
            .ok_or(PacketError::TruncatedHeader { field: "ack count" })?;
        if usize::from(count) > Self::MAX {
            return Err(PacketError::TooManyAcks(count));
        }
        let mut acks = Self::default();
        for _ in 0..count {
            acks.push(
                reader
                    .u32()
                    .ok_or(PacketError::TruncatedHeader { field: "acks" })?,
            );
        }
        Ok(acks)
    }
}

impl fmt::Debug for Acks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl PartialEq for Acks {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Acks {}

/// A data packet; what it holds is sealed and is opened by [`DataChannel`](crate::data::DataChannel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// The key that seals it.
    pub key_id: KeyId,
    /// Present in `DATA_V2`, which a peer sends after a `peer-id` was pushed; absent in `DATA_V1`.
    pub peer_id: Option<u32>,
    /// The whole packet with its header, which the seal covers.
    pub packet: &'a [u8],
}

impl<'a> Data<'a> {
    fn decode_v2(key_id: KeyId, bytes: &'a [u8]) -> Result<Self, PacketError> {
        let &[_, high, middle, low] = bytes
            .first_chunk()
            .ok_or(PacketError::TruncatedHeader { field: "peer id" })?;
        Ok(Self {
            key_id,
            peer_id: Some(u32::from_be_bytes([0, high, middle, low])),
            packet: bytes,
        })
    }
}

/// Why bytes are not a packet this crate speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Not even a first byte.
    #[error("packet is empty")]
    Empty,
    /// The packet ends inside a field of its header.
    #[error("packet ends before the end of its {field}")]
    TruncatedHeader {
        /// In words a person reads.
        field: &'static str,
    },
    /// The protocol allows [`Acks::MAX`].
    #[error("packet claims {0} acks, at most {max} are allowed", max = Acks::MAX)]
    TooManyAcks(u8),
    /// The number in the upper five bits of the first byte.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u8),
    /// Key method 1 was removed from OpenVPN long ago.
    #[error("peer uses key method 1, which is not supported")]
    KeyMethodOne,
    /// The peer's profile has `tls-crypt-v2`.
    #[error("peer uses tls-crypt-v2: remove it from the profile")]
    TlsCryptV2,
    /// The peer's profile has `tls-auth` or `tls-crypt`: its first packet is longer than a plain one.
    #[error(
        "control channel is wrapped (first packet has {length} bytes): remove tls-auth or tls-crypt from the profile"
    )]
    WrappedControlChannel {
        /// 42, 54 or 86 for tls-auth with SHA-1, SHA-256 or SHA-512; 54 for tls-crypt.
        length: usize,
    },
    /// The one session id no peer may use.
    #[error("session id is zero")]
    ZeroSessionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    /// Op 7, key 0, the session id, and `rest`.
    fn client_reset(rest: &[u8]) -> Vec<u8> {
        [&[0x38], &SESSION[..], rest].concat()
    }

    #[test]
    fn a_client_reset_may_carry_packet_id_one_and_acks() {
        let bytes = client_reset(&[1, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 1]);
        let Ok(Packet::Control(reset)) = Packet::decode(&bytes) else {
            panic!("{:?}", Packet::decode(&bytes))
        };
        assert_eq!(reset.acks.as_slice(), [0]);
        assert_eq!(reset.packet_id, Some(1));
    }

    #[test]
    fn a_client_reset_may_carry_early_options() {
        let plain = [0, 0, 0, 0, 0];
        for options in [&[0, 1, 0, 2, 0, 1][..], &[0, 1, 0, 2, 0, 1, 0, 9, 0, 0]] {
            assert!(Packet::decode(&client_reset(&[&plain, options].concat())).is_ok());
        }
        let garbage = client_reset(&[&plain[..], &[0, 1, 0, 2, 0]].concat());
        assert_eq!(
            Packet::decode(&garbage),
            Err(PacketError::WrappedControlChannel { length: 19 })
        );
    }

    #[test]
    fn only_the_reset_that_opens_a_session_carries_options() {
        let options = [0, 1, 0, 2, 0, 1];
        let second = client_reset(&[&[0, 0, 0, 0, 1][..], &options].concat());
        let acking = client_reset(&[&[1, 0, 0, 0, 0][..], &SESSION, &[0; 4], &options].concat());
        for bytes in [second, acking] {
            let wrapped = PacketError::WrappedControlChannel {
                length: bytes.len(),
            };
            assert_eq!(Packet::decode(&bytes), Err(wrapped));
        }
    }

    #[test]
    fn wrapped_first_packets_are_recognised() {
        for length in [42, 54, 86] {
            let mut bytes = client_reset(&[]);
            bytes.resize(length, 0xa5);
            assert_eq!(
                Packet::decode(&bytes),
                Err(PacketError::WrappedControlChannel { length })
            );
        }
    }

    #[test]
    fn what_follows_the_acks_of_an_ack_packet_is_ignored() {
        let bytes = [&[0x28], &SESSION[..], &[0, 1, 2, 3]].concat();
        let Ok(Packet::Control(ack)) = Packet::decode(&bytes) else {
            panic!("{:?}", Packet::decode(&bytes))
        };
        assert_eq!((ack.packet_id, ack.payload), (None, &[][..]));
    }

    #[test]
    fn truncation_names_the_field() {
        let bytes = [
            &[0x20],
            &SESSION[..],
            &[1, 0, 0, 0, 7],
            &SESSION,
            &[0, 0, 0, 1],
        ]
        .concat();
        let field_at = |length: usize| match Packet::decode(&bytes[..length]) {
            Err(PacketError::TruncatedHeader { field }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field_at(8), "session id");
        assert_eq!(field_at(9), "ack count");
        assert_eq!(field_at(13), "acks");
        assert_eq!(field_at(21), "remote session id");
        assert_eq!(field_at(25), "packet id");
        assert!(Packet::decode(&bytes).is_ok());
        assert_eq!(
            Packet::decode(&[0x48, 0, 0]),
            Err(PacketError::TruncatedHeader { field: "peer id" })
        );
    }

    #[test]
    fn what_is_not_spoken_is_refused_by_name() {
        let decode = |bytes: &[u8]| Packet::decode(bytes).unwrap_err();
        assert_eq!(decode(&[]), PacketError::Empty);
        assert_eq!(decode(&[0x08]), PacketError::KeyMethodOne);
        assert_eq!(decode(&[0x50]), PacketError::TlsCryptV2);
        assert_eq!(decode(&[0x58]), PacketError::TlsCryptV2);
        assert_eq!(decode(&[0xff]), PacketError::UnknownOpcode(31));
        assert_eq!(
            decode(&[&[0x20], &SESSION[..], &[9]].concat()),
            PacketError::TooManyAcks(9)
        );
        assert_eq!(
            decode(&[&[0x20], &[0; 13][..]].concat()),
            PacketError::ZeroSessionId
        );
    }

    #[test]
    fn acks_wait_until_the_remote_session_id_is_known() {
        let control = Control {
            opcode: ControlOpcode::ControlV1,
            key_id: KeyId::FIRST,
            session_id: SessionId(SESSION),
            acks: Acks::from_slice(&[1]).unwrap(),
            remote_session_id: None,
            packet_id: Some(2),
            payload: b"x",
        };
        let mut out = Vec::new();
        control.encode(&mut out);
        assert_eq!(out[9..], [0, 0, 0, 0, 2, b'x']);
    }

    #[test]
    fn acks_hold_eight() {
        assert_eq!(Acks::from_slice(&[9; 8]).unwrap().as_slice(), [9; 8]);
        assert_eq!(Acks::from_slice(&[9; 9]), None);
    }
}
