//! Data packets: opened with whichever key they name, sealed with the one in use.

use std::time::Instant;

use rand_core::CryptoRng;

use super::Core;
use crate::{
    data::{Framing, Payload},
    error::{DownCause, PeerError},
    wire::{Data, write_frame},
};

/// Longest packet that is sent into the tunnel. The pushed MTU is smaller; stock peers close the connection
/// on frames much larger than this.
const MAX_INNER: usize = 1600;

impl<R: CryptoRng> Core<R> {
    /// Opens a data packet; `None` when there is nothing for the application in it.
    pub(in crate::session) fn handle_data(
        &mut self,
        data: &Data<'_>,
        now: Instant,
    ) -> Result<Option<Vec<u8>>, DownCause> {
        let newest = self.keys.last().map(|key| key.id);
        let Some(channel) = self
            .key_by_id(data.key_id)
            .and_then(|key| key.data.as_mut())
        else {
            // Packets of a key that is not agreed yet, or not any more, do no harm.
            return Ok(None);
        };
        let plaintext = channel.open(data.packet).map_err(PeerError::Data)?;
        self.last_received = now;
        if Some(data.key_id) == newest {
            // The peer seals with the newest key, so it certainly opens it.
            self.sending = newest;
        }
        let Some(packet) = self.framing_of(&plaintext).unwrap(&plaintext) else {
            return Ok(None);
        };
        match Payload::classify(&packet) {
            Payload::OccExit => Err(DownCause::PeerLeft("exit notify".into())),
            Payload::Ip(ip) => Ok(Some(ip.to_vec())),
            Payload::Ping | Payload::Occ(_) | Payload::Ignored => Ok(None),
        }
    }

    /// The agreed framing, which some clients use without saying so: they are answered in kind.
    fn framing_of(&mut self, plaintext: &[u8]) -> Framing {
        let Some(agreement) = &mut self.agreement else {
            return Framing::None;
        };
        if agreement.framing == Framing::None
            && let Some(undeclared) = Framing::detect(plaintext)
        {
            agreement.framing = undeclared;
        }
        agreement.framing
    }

    /// Seals a packet for the peer. Without keys, or too large for the tunnel, it is dropped, as a network
    /// would.
    pub(in crate::session) fn send_data(
        &mut self,
        payload: &[u8],
        now: Instant,
    ) -> Result<(), DownCause> {
        let framing = self
            .agreement
            .map_or(Framing::None, |agreed| agreed.framing);
        let Some(id) = self.sending else {
            return Ok(());
        };
        let Some(key) = self.keys.iter_mut().find(|key| key.id == id) else {
            return Ok(());
        };
        let Some(channel) = key.data.as_mut().filter(|_| payload.len() <= MAX_INNER) else {
            return Ok(());
        };
        let mut packet = Vec::with_capacity(payload.len() + 64);
        channel
            .seal(&framing.wrap(payload), &mut self.rng, &mut packet)
            .map_err(|_| DownCause::Limit("data packet ids of one key"))?;
        write_frame(&mut self.out, &packet);
        self.last_sent = now;
        Ok(())
    }
}
