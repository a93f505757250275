//! Before the handshake: until it gets in, a connection has cost us a socket and nothing else.

use std::time::Duration;

use holdfast_ovpn_proto::DownCause;

use super::{
    socket::{Ready, Socket},
    stopping,
};
use crate::{Shared, control_plane::ControlPlane, registry::Mailbox};

/// Length and opcode of the first frame.
const FIRST_BYTES: usize = 3;

/// Longest wait for a place among the handshakes; clients give up after 60 s.
const WAIT_AT_MOST: Duration = Duration::from_secs(30);

/// Waits for a first packet that looks like OpenVPN, then for a place among the handshakes. What came so far
/// is the session's to read.
pub(super) async fn wait<C: ControlPlane>(
    socket: &mut Socket,
    id: u64,
    mailbox: &Mailbox,
    shared: &Shared<C>,
) -> Result<Vec<u8>, DownCause> {
    tokio::select! {
        passed = pass(socket, id, mailbox, shared) => passed,
        () = shared.stop.cancelled() => Err(stopping()),
    }
}

async fn pass<C: ControlPlane>(
    socket: &mut Socket,
    id: u64,
    mailbox: &Mailbox,
    shared: &Shared<C>,
) -> Result<Vec<u8>, DownCause> {
    let limit = shared.session.load().limits.first_packet;
    let first = tokio::select! {
        first = within(limit, "the first packet", first_bytes(socket)) => first??,
        () = mailbox.posted() => return Err(evicted()),
    };
    if !looks_like_openvpn([first[0], first[1], first[2]]) {
        return Err(DownCause::Incompatible(
            "the first bytes are not OpenVPN's".into(),
        ));
    }
    shared.registry.request_handshake(id);
    within(WAIT_AT_MOST, "a free place", admitted(mailbox)).await??;
    Ok(first)
}

async fn admitted(mailbox: &Mailbox) -> Result<(), DownCause> {
    loop {
        let orders = mailbox.take();
        if orders.close.is_some() {
            return Err(evicted());
        }
        if orders.admitted {
            return Ok(());
        }
        mailbox.posted().await;
    }
}

/// At least as many bytes as it takes to tell OpenVPN from others.
async fn first_bytes(socket: &mut Socket) -> Result<Vec<u8>, DownCause> {
    let mut first = Vec::new();
    while first.len() < FIRST_BYTES {
        match socket.ready().await {
            Ready::Bytes(mut bytes) => first.append(&mut bytes),
            Ready::Closed => return Err(DownCause::PeerClosed),
            Ready::Writable => {}
        }
    }
    Ok(first)
}

async fn within<T>(
    limit: Duration,
    awaited: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, DownCause> {
    let timed_out = |_| DownCause::HandshakeTimeout {
        awaited,
        after: limit,
    };
    tokio::time::timeout(limit, work).await.map_err(timed_out)
}

/// A plain hard reset is 14 bytes. Longer ones, and those of tls-crypt-v2, carry wrapping that the session
/// names and refuses.
fn looks_like_openvpn([high, low, opcode]: [u8; FIRST_BYTES]) -> bool {
    const HARD_RESET_CLIENT_V2: u8 = 7 << 3;
    const HARD_RESET_CLIENT_V3: u8 = 10 << 3;
    match u16::from_be_bytes([high, low]) {
        14..=255 => opcode == HARD_RESET_CLIENT_V2,
        256..=1279 => opcode == HARD_RESET_CLIENT_V3,
        _ => false,
    }
}

fn evicted() -> DownCause {
    DownCause::Requested("made room for other sources".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_let_in_and_other_protocols_are_not() {
        assert!(looks_like_openvpn([0, 14, 0x38]));
        assert!(looks_like_openvpn([0, 54, 0x38]));
        assert!(looks_like_openvpn([1, 200, 0x50]));
        assert!(!looks_like_openvpn(*b"GET"));
        assert!(!looks_like_openvpn([0x16, 3, 1]));
        assert!(!looks_like_openvpn([0, 13, 0x38]));
        assert!(!looks_like_openvpn([0, 14, 0x20]));
    }
}
