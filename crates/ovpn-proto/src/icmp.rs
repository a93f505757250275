//! ICMP echo inside the tunnel: the probes of the controller and the answers of our own clients.
//!
//! Only what a probe needs of IPv4 (RFC 791) and ICMP (RFC 792); everything else is `None`.

use std::net::Ipv4Addr;

/// Size of a probe: IPv4 header, ICMP header and 8 bytes of payload.
pub const PROBE_LEN: usize = HEADER + 16;

const HEADER: usize = 20;
const PROTOCOL_ICMP: u8 = 1;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

/// An echo request or reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// True for a request.
    pub request: bool,
    /// Who sent it.
    pub source: Ipv4Addr,
    /// Whom it is for.
    pub destination: Ipv4Addr,
    /// Identifier: which run of probes.
    pub id: u16,
    /// Sequence number within the run.
    pub sequence: u16,
}

impl Echo {
    /// Reads an IPv4 packet; `None` when it is not a whole, sound, unfragmented echo message.
    pub fn parse(ip: &[u8]) -> Option<Self> {
        let header = usize::from(ip.first()? & 0x0f) * 4;
        let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
        let icmp = ip.get(header..total)?;
        let fragmented = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3fff != 0;
        let sound = ip[0] >> 4 == 4
            && header >= HEADER
            && !fragmented
            && *ip.get(9)? == PROTOCOL_ICMP
            && icmp.len() >= 8
            && checksum(&ip[..header]) == 0
            && checksum(icmp) == 0;
        let request = match *icmp.first()? {
            ECHO_REQUEST => true,
            ECHO_REPLY => false,
            _ => return None,
        };
        let address = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
        sound.then(|| Self {
            request,
            source: address(12),
            destination: address(16),
            id: u16::from_be_bytes([icmp[4], icmp[5]]),
            sequence: u16::from_be_bytes([icmp[6], icmp[7]]),
        })
    }

    /// The packet with an 8-byte payload.
    pub fn to_packet(&self) -> [u8; PROBE_LEN] {
        let mut packet = [0; PROBE_LEN];
        packet[0] = 0x45;
        packet[3] = PROBE_LEN as u8;
        packet[8] = 64;
        packet[9] = PROTOCOL_ICMP;
        packet[12..16].copy_from_slice(&self.source.octets());
        packet[16..20].copy_from_slice(&self.destination.octets());
        let sum = checksum(&packet[..HEADER]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());

        packet[HEADER] = if self.request {
            ECHO_REQUEST
        } else {
            ECHO_REPLY
        };
        packet[HEADER + 4..HEADER + 6].copy_from_slice(&self.id.to_be_bytes());
        packet[HEADER + 6..HEADER + 8].copy_from_slice(&self.sequence.to_be_bytes());
        let sum = checksum(&packet[HEADER..]);
        packet[HEADER + 2..HEADER + 4].copy_from_slice(&sum.to_be_bytes());
        packet
    }
}

/// The answer to an echo request: the same packet turned round, payload and all. `None` for anything else.
pub fn reply_to(ip: &[u8]) -> Option<Vec<u8>> {
    let echo = Echo::parse(ip)?;
    if !echo.request {
        return None;
    }
    let header = usize::from(ip[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let mut reply = ip[..total].to_vec();
    // Swapping the addresses leaves the header's checksum as it is.
    reply[12..16].copy_from_slice(&echo.destination.octets());
    reply[16..20].copy_from_slice(&echo.source.octets());
    reply[header] = ECHO_REPLY;
    reply[header + 2..header + 4].fill(0);
    let sum = checksum(&reply[header..]);
    reply[header + 2..header + 4].copy_from_slice(&sum.to_be_bytes());
    Some(reply)
}

/// The Internet checksum (RFC 1071); zero over data that carries a right one.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([
            pair[0],
            pair.get(1).copied().unwrap_or(0),
        ]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Echo = Echo {
        request: true,
        source: Ipv4Addr::new(198, 18, 0, 1),
        destination: Ipv4Addr::new(198, 18, 0, 2),
        id: 0xbeef,
        sequence: 7,
    };

    #[test]
    fn a_probe_reads_back_and_its_reply_answers_it() {
        let packet = PROBE.to_packet();
        assert_eq!(Echo::parse(&packet), Some(PROBE));
        let reply = Echo::parse(&reply_to(&packet).unwrap()).unwrap();
        assert_eq!(
            reply,
            Echo {
                request: false,
                source: PROBE.destination,
                destination: PROBE.source,
                ..PROBE
            }
        );
    }

    #[test]
    fn damage_anywhere_that_matters_is_noticed() {
        let packet = PROBE.to_packet();
        for at in 0..packet.len() {
            let mut damaged = packet;
            damaged[at] ^= 0x04;
            assert_eq!(Echo::parse(&damaged), None, "byte {at}");
        }
        for length in 0..packet.len() {
            assert_eq!(Echo::parse(&packet[..length]), None, "length {length}");
        }
    }

    #[test]
    fn a_reply_is_not_answered() {
        let reply = reply_to(&PROBE.to_packet()).unwrap();
        assert_eq!(reply_to(&reply), None);
    }
}
