/// The plaintext of a ping. Nobody answers one: each side sends its own when it has been silent.
pub const PING: [u8; 16] = *b"\x2a\x18\x7b\xf3\x64\x1e\xb4\xcb\x07\xed\x2d\x0a\x98\x1f\xc7\x48";

/// Starts a message about options ("OCC"); its operation follows in one byte.
const OCC_MAGIC: [u8; 16] = *b"\x28\x7f\x34\x6b\xd4\xef\x7a\x81\x2d\x56\xb8\xd3\xaf\xc5\x45\x9c";
const OCC_EXIT: u8 = 6;

/// What the plaintext of a data packet is, once compression framing is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Keeps the connection alive.
    Ping,
    /// The peer leaves.
    OccExit,
    /// Another message about options, by its operation; to be dropped.
    Occ(u8),
    /// An IPv4 packet, cut to the length its header states. Its addresses and checksum are not checked.
    Ip(&'a [u8]),
    /// IPv6, or nothing at all; to be dropped.
    Ignored,
}

impl<'a> Payload<'a> {
    /// Tells what `plaintext` is.
    pub fn classify(plaintext: &'a [u8]) -> Self {
        if plaintext == PING {
            return Self::Ping;
        }
        match plaintext.strip_prefix(&OCC_MAGIC) {
            Some([OCC_EXIT, ..]) => Self::OccExit,
            Some([operation, ..]) => Self::Occ(*operation),
            Some([]) => Self::Ignored,
            None => ipv4(plaintext).map_or(Self::Ignored, Self::Ip),
        }
    }
}

/// The packet, when version and both lengths are possible.
fn ipv4(plaintext: &[u8]) -> Option<&[u8]> {
    const MIN_HEADER: usize = 20;
    let &[version_and_words, _, high, low, ..] = plaintext else {
        return None;
    };
    let header = usize::from(version_and_words & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([high, low]));
    let possible = version_and_words >> 4 == 4 && header >= MIN_HEADER && total >= header;
    plaintext.get(..total).filter(|_| possible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(first: u8, total: u16, len: usize) -> Vec<u8> {
        let mut packet = vec![0; len];
        packet[0] = first;
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        packet
    }

    #[test]
    fn ipv4_packets_are_cut_to_their_length() {
        let packet = ip(0x45, 28, 40);
        assert_eq!(Payload::classify(&packet), Payload::Ip(&packet[..28]));
    }

    #[test]
    fn packets_with_impossible_lengths_are_ignored() {
        for packet in [
            ip(0x45, 29, 28),
            ip(0x44, 28, 28),
            ip(0x46, 20, 28),
            ip(0x45, 19, 28),
            ip(0x60, 28, 28),
            vec![],
            vec![0x45],
        ] {
            assert_eq!(Payload::classify(&packet), Payload::Ignored);
        }
    }

    #[test]
    fn messages_between_the_programs_are_not_packets() {
        let occ = |rest: &[u8]| [&OCC_MAGIC, rest].concat();
        assert_eq!(Payload::classify(&PING), Payload::Ping);
        assert_eq!(Payload::classify(&occ(&[6])), Payload::OccExit);
        assert_eq!(Payload::classify(&occ(&[0, 1, 2])), Payload::Occ(0));
        assert_eq!(Payload::classify(&occ(&[])), Payload::Ignored);
    }
}
